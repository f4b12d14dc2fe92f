"""Tesla's Fleet API over the simulated cars, with the car's end of its signed-command protocol: what is where."""

from aiohttp import web

from simulator.dialects.frame import Dialect
from simulator.dialects.tesla import commands, control, pages, partner, tokens, vehicles
from simulator.dialects.tesla.lab import PREFIX
from simulator.dialects.tesla.wording import RestFace

_API = "/{region:na|eu}/api/1"


async def check_status(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok")


DIALECT = Dialect(
    prefix=PREFIX,
    face=RestFace(),
    routes=(
        ("POST", f"{_API}/vehicles/{{vin}}/signed_command", commands.send_signed),
        ("POST", f"{_API}/vehicles/{{vin}}/command/{{name}}", commands.send_plain),
        ("POST", f"{_API}/vehicles/{{vin}}/wake_up", vehicles.wake_up),
        ("GET", f"{_API}/vehicles/{{vin}}/vehicle_data", vehicles.show_data),
        ("GET", f"{_API}/vehicles/{{vin}}/mobile_enabled", vehicles.check_mobile_access),
        ("POST", f"{_API}/vehicles/fleet_status", vehicles.show_fleet_status),
        ("GET", f"{_API}/vehicles/{{vin}}", vehicles.show_vehicle),
        ("GET", f"{_API}/vehicles", vehicles.list_vehicles),
        ("GET", f"{_API}/users/region", vehicles.show_region),
        ("POST", f"{_API}/partner_accounts", partner.register),
        ("GET", f"{_API}/partner_accounts/public_key", partner.show_public_key),
        ("GET", "/{region:na|eu}/status", check_status),
        ("POST", "/oauth2/v3/token", tokens.issue_token),
        ("POST", "/_control/cars/{id}", control.set_car),
        ("GET", "/_control/cars/{id}", control.show_car),
        ("POST", "/_control/accounts/{id}", control.set_account),
        ("PUT", "/_control/settings", control.put_settings),
        ("DELETE", "/_control/settings", control.delete_settings),
        ("GET", "/_control/bill", control.show_bill),
        ("POST", "/_control/tokens", control.create_tokens),
    ),
    pages=(
        ("GET", "/oauth2/v3/authorize", pages.begin_sign_in),
        ("GET", "/_ak/{domain}", pages.show_pairing),
        ("POST", "/_ak/{domain}", pages.pair),
    ),
)
