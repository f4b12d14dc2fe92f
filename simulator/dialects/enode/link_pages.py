"""Enode's link pages in the browser and its token endpoint: from the link's address to the way back."""

from typing import Any

from aiohttp import web

from simulator.authorize_pages import begin_sign_in, send_back, show_problem
from simulator.dialects.broker_pages import has_cancelled, make_broker, show_brands, show_broker_look
from simulator.dialects.brokers import find_brand_by_make, issue_application_token
from simulator.dialects.enode.face import FACE
from simulator.dialects.enode.links import (
    DIALECT,
    NEEDED,
    end_session,
    find_scopes,
    find_session,
    keep_ticked,
    link,
)
from simulator.dialects.enode.webhooks import tell_of_link
from simulator.faults import json_response, serve
from simulator.keys import WORLD
from simulator.oauth import OAuthError
from simulator.pages import LANGUAGES, choose_language
from simulator.sign_ins import LIFE_S, SignIn
from simulator.token_endpoint import NEVER_STORE, authenticate, read_form
from simulator.world import World

PREFIX = "/dialects/enode"
BROKER = make_broker(prefix=PREFIX, name="Enode", account_name="Enode Link", accent="#17603b")
TOKEN_S = 3600.0


async def show_link(request: web.Request) -> web.StreamResponse:
    """Ask for the make unless the session names it, then begin the maker's sign-in."""
    world = request.app[WORLD]
    token = request.match_info["token"]
    session = find_session(world, token)
    client = world.authorizations.clients.get(session["client_id"]) if session is not None else None
    if session is None or client is None:
        return show_problem(request, BROKER, "expired")
    brand = find_brand_by_make(session["vendor"] or request.query.get("vendor", ""))
    pending = SignIn(
        brand=(brand or BROKER).key,
        client_id=client.client_id,
        client_name=client.name,
        redirect_uri=session["redirect_uri"],
        state=None,
        challenge="",
        scopes=find_scopes(session["scopes"]),
        language=_speak(session["language"], request),
        expires_at=world.now() + LIFE_S,
        required=tuple(find_scopes([NEEDED])),
        finish=_finish_with(world, token, session),
    )
    if has_cancelled(request):
        # What Enode adds to the address then is not known; so is what a refusal on the maker's own page adds.
        return send_back(pending, error="access_denied")
    if brand is None:
        return show_brands(request, BROKER, client_name=client.name, parameter="vendor")
    return begin_sign_in(request, brand, pending)


async def show_look(_request: web.Request) -> web.StreamResponse:
    return show_broker_look(BROKER)


async def issue_token(request: web.Request) -> web.StreamResponse:
    """Client credentials, by HTTP Basic; an hour, no refresh token."""
    world = request.app[WORLD]
    form = await request.post()

    def act() -> web.Response:
        try:
            fields = read_form(request, form)
            if fields.get("grant_type") != "client_credentials":
                raise OAuthError("unsupported_grant_type", "grant_type must be client_credentials.")
            if "Authorization" not in request.headers:
                raise OAuthError("invalid_client", "Use HTTP Basic.")
            client = authenticate(world, request, fields)
        except OAuthError as error:
            body = {"error": error.error, "error_description": error.description}
            return json_response(body, status=401 if error.error == "invalid_client" else 400, headers=NEVER_STORE)
        life_s = min(TOKEN_S, world.behaviours.for_all().access_token_s)
        token = issue_application_token(world, DIALECT, client.client_id, life_s=life_s)
        return json_response(
            {"access_token": token, "token_type": "bearer", "expires_in": int(life_s), "scope": ""},
            headers=NEVER_STORE,
        )

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


def _finish_with(world: World, token: str, session: dict[str, Any]) -> Any:
    def finish(pending: SignIn, ticked: list[str]) -> dict[str, str | None]:
        account = world.accounts.find(pending.account_id or "")
        if account is None:
            return {"error": "expired"}
        # A session works once, and it is the success that uses it up.
        end_session(world, token)
        fields = link(
            world,
            client_id=session["client_id"],
            user_id=session["user_id"],
            account=account,
            scopes=keep_ticked(session["scopes"], ticked),
        )
        tell_of_link(world, fields)
        return {}

    return finish


def _speak(language: str, request: web.Request) -> str:
    browser = request.headers.get("Accept-Language", "")
    if language == "browser":
        return choose_language("", browser)
    return choose_language(language, "") if language.split("-")[0] in LANGUAGES else LANGUAGES[0]
