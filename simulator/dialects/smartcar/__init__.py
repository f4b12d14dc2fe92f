"""Smartcar's v3 over the simulated cars: where each path of it leads."""

from simulator.dialects.frame import Dialect
from simulator.dialects.smartcar import connect, vehicles, webhooks
from simulator.dialects.smartcar.face import FACE

DIALECT = Dialect(
    prefix=connect.PREFIX,
    face=FACE,
    routes=(
        ("POST", "/oauth2/token", connect.issue_application),
        ("POST", "/oauth/token", connect.exchange_code),
        ("GET", "/v3/connections", vehicles.show_connections),
        ("GET", "/v3/connections/{connection}", vehicles.show_connection),
        ("DELETE", "/v3/connections/{connection}", vehicles.delete_connection),
        ("DELETE", "/v3/users/{user}", vehicles.delete_user),
        ("GET", "/v3/compatible-vehicles", vehicles.list_compatible),
        ("POST", "/v3/vehicles/{id}/commands/{group}/{verb}", vehicles.send_command),
        ("GET", "/v3/vehicles/{id}/signals", vehicles.show_signals),
        ("GET", "/v3/vehicles/{id}/signals/{code}", vehicles.show_signal),
        ("GET", "/v3/vehicles/{id}", vehicles.show_vehicle),
        ("POST", "/_control/connections", webhooks.create_connections),
        ("POST", "/_control/webhooks", webhooks.send_webhook),
    ),
    pages=(
        ("GET", "/oauth/authorize", connect.show_connect),
        ("GET", "/oauth/look.css", connect.show_look),
    ),
)
