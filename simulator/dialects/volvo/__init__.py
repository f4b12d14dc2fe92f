"""Volvo's APIs over the simulated cars: where each path of them leads."""

from simulator.dialects.frame import Dialect
from simulator.dialects.volvo import oauth, requests, vehicles
from simulator.dialects.volvo.face import FACE

_CARS = "/connected-vehicle/v2/vehicles"

DIALECT = Dialect(
    prefix="/dialects/volvo",
    face=FACE,
    routes=(
        ("POST", "/as/token.oauth2", oauth.issue_token),
        ("POST", "/as/revoke_token.oauth2", oauth.revoke_token),
        ("GET", _CARS, vehicles.list_vehicles),
        ("GET", f"{_CARS}/{{vin}}", vehicles.show_vehicle),
        ("GET", f"{_CARS}/{{vin}}/commands", vehicles.list_commands),
        ("POST", f"{_CARS}/{{vin}}/commands/{{command}}", vehicles.send_command),
        ("GET", f"{_CARS}/{{vin}}/{{resource}}", vehicles.show_resource),
        ("GET", "/energy/v2/vehicles/{vin}/state", vehicles.show_energy),
        ("GET", "/energy/v2/vehicles/{vin}/capabilities", vehicles.show_energy_capabilities),
        ("GET", "/location/v1/vehicles/{vin}/location", vehicles.show_location),
        ("PUT", "/_control/settings", requests.put_settings),
        ("POST", "/_control/tokens", requests.create_tokens),
    ),
    pages=(("GET", "/as/authorization.oauth2", oauth.show_authorize),),
)
