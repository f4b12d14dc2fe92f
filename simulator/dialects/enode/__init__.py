"""Enode over the simulated cars: where each path of it leads."""

from simulator.dialects.enode import actions, link_pages, vehicles, webhook_api
from simulator.dialects.enode.face import FACE
from simulator.dialects.frame import Dialect

DIALECT = Dialect(
    prefix=link_pages.PREFIX,
    face=FACE,
    routes=(
        ("POST", "/oauth2/token", link_pages.issue_token),
        ("POST", "/users/{user}/link", vehicles.begin_link),
        ("GET", "/users", vehicles.list_users),
        ("GET", "/users/{user}", vehicles.show_user),
        ("DELETE", "/users/{user}", vehicles.delete_user),
        ("DELETE", "/users/{user}/authorization", vehicles.delete_user),
        ("GET", "/users/{user}/vehicles", vehicles.list_vehicles),
        ("GET", "/vehicles", vehicles.list_vehicles),
        ("GET", "/vehicles/actions/{action}", actions.show_action),
        ("POST", "/vehicles/actions/{action}/cancel", actions.cancel_action),
        ("GET", "/vehicles/{id}", vehicles.show_vehicle),
        ("POST", "/vehicles/{id}/charging", actions.control_charging),
        ("POST", "/vehicles/{id}/refresh-hint", vehicles.take_refresh_hint),
        ("GET", "/health/vehicles", vehicles.show_health),
        ("GET", "/integrations", vehicles.list_integrations),
        ("POST", "/webhooks", webhook_api.create_webhook),
        ("GET", "/webhooks", webhook_api.list_all),
        ("GET", "/webhooks/{webhook}", webhook_api.show_webhook),
        ("PATCH", "/webhooks/{webhook}", webhook_api.update_webhook),
        ("DELETE", "/webhooks/{webhook}", webhook_api.delete_webhook),
        ("POST", "/webhooks/{webhook}/test", webhook_api.test_webhook),
        ("POST", "/_control/links", webhook_api.create_link),
        ("POST", "/_control/events", webhook_api.send_events),
    ),
    pages=(
        ("GET", "/link/{token}", link_pages.show_link),
        ("GET", "/oauth/look.css", link_pages.show_look),
    ),
)
