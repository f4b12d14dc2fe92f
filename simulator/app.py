"""Wiring: which path leads to which handler, and what wraps them all. What handlers do is theirs."""

from aiohttp import web

from simulator import api, authorize_pages, control, pairing_pages, token_endpoint
from simulator.dialects import enode, smartcar, tesla, volvo
from simulator.dialects.frame import Dialect, Face, Handler, speak
from simulator.errors import ApiError
from simulator.keys import SIGN_INS, WORLD
from simulator.sign_ins import SignIns
from simulator.world import World

LONGEST_BODY_BYTES = 1024 * 1024
# One line for each dialect of a maker.
DIALECTS: tuple[Dialect, ...] = (enode.DIALECT, smartcar.DIALECT, tesla.DIALECT, volvo.DIALECT)

_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/api/v1/vehicles/{id}/commands", api.send_command),
    ("GET", "/api/v1/vehicles/{id}/state", api.show_state),
    ("GET", "/api/v1/commands/{ref}", api.show_command),
    ("POST", "/api/v1/vehicles/{id}/wake", api.wake_vehicle),
    ("GET", "/api/v1/vehicles/{id}/capabilities", api.show_capabilities),
    ("GET", "/api/v1/vehicles/{id}", api.show_vehicle),
    ("GET", "/api/v1/vehicles", api.list_vehicles),
    ("GET", "/brands", api.list_brands),
    ("GET", "/healthz", api.check_health),
    ("POST", "/{brand}/oauth/token", token_endpoint.issue_token),
    ("POST", "/{brand}/oauth/revoke", token_endpoint.revoke_token),
    ("POST", "/_control/clients", control.put_client),
    ("POST", "/_control/accounts", control.create_account),
    ("POST", "/_control/tokens", control.create_tokens),
    ("GET", "/_control/tokens", control.count_tokens),
    ("POST", "/_control/cars/{id}", control.set_car),
    ("GET", "/_control/cars/{id}", control.show_car),
    ("GET", "/_control/behaviour", control.show_behaviour),
    ("PUT", "/_control/behaviour", control.put_behaviour),
    ("DELETE", "/_control/behaviour", control.delete_behaviour),
    ("GET", "/_control/quota", control.show_quotas),
    ("PUT", "/_control/quota", control.put_quota),
    ("GET", "/_control/ledger", control.show_ledger),
    ("GET", "/_control/ledger/count", control.count_ledger),
    ("DELETE", "/_control/ledger", control.clear_ledger),
    ("GET", "/_control/secrets", control.show_secrets),
    ("POST", "/_control/reset", control.reset),
)

_PAGES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/{brand}/oauth/authorize", authorize_pages.show_sign_in),
    ("POST", "/{brand}/oauth/sign-in", authorize_pages.sign_in),
    ("POST", "/{brand}/oauth/consent", authorize_pages.decide),
    ("GET", "/{brand}/oauth/look.css", authorize_pages.show_look),
    ("GET", "/{brand}/pair/{id}", pairing_pages.show_pairing),
    ("POST", "/{brand}/pair/{id}", pairing_pages.pair),
)


@web.middleware
async def _word_routing_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Paths and methods that do not exist answer in the words of the API asked too."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return _find_face(request).error(ApiError(404, "not_found"))
    except web.HTTPMethodNotAllowed as error:
        return _find_face(request).error(
            ApiError(405, "method_not_allowed", headers={"Allow": ", ".join(sorted(error.allowed_methods))})
        )


def _find_face(request: web.Request) -> Face:
    for dialect in DIALECTS:
        if request.path.startswith(f"{dialect.prefix}/"):
            return dialect.face
    return api.PLAIN_FACE


def make_app(world: World) -> web.Application:
    app = web.Application(client_max_size=LONGEST_BODY_BYTES, middlewares=[_word_routing_errors])
    app[WORLD] = world
    app[SIGN_INS] = SignIns()
    for method, path, handler in _ROUTES:
        app.router.add_route(method, path, speak(api.PLAIN_FACE, handler))
    for method, path, handler in _PAGES:
        app.router.add_route(method, path, handler)
    for dialect in DIALECTS:
        for method, path, handler in dialect.routes:
            app.router.add_route(method, dialect.prefix + path, speak(dialect.face, handler))
        for method, path, handler in dialect.pages:
            app.router.add_route(method, dialect.prefix + path, handler)
    return app
