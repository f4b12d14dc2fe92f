"""An owner's login at Tesla and our registration there: scopes, tokens, regions, and whose domain it is."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.providers.tesla.adapter import TeslaAdapter
from fleet.adapters.providers.tesla.scopes import Claims, read_claims, to_ours, to_tesla
from fleet.adapters.providers.tesla.signing.keys import SigningKey
from fleet.adapters.setup import SetupCheck
from tests.fleet.adapters.providers.tesla import test_adapter as plain
from tests.fleet.adapters.providers.tesla.tokens import TOKEN, make_token
from tests.fleet.adapters.raw_server import RawServer, say

CASES, KEY, VIN = plain.TestTeslaAdapter(), plain.KEY, plain.VIN


def test_list_when_the_login_lives_elsewhere_then_it_is_asked_there_and_stays_there():
    paths = []

    def react(connection, request):
        paths.append(request.path.partition("?")[0])
        if request.path.startswith("/eu"):
            text = f"user out of region, use base URL: {server.url}/na, see https://developer.tesla.com/docs"
            return say(connection, 421, {"response": None, "error": text, "error_description": ""})
        return say(connection, 200, {"response": []})

    async def twice(adapter):
        return [await adapter.list_vehicles(CASES.login) for _ in range(2)]

    with RawServer(react) as server:
        found = CASES.call(server.url, twice)

    assert found == [[], []]
    assert paths == ["/eu/api/1/vehicles", "/na/api/1/vehicles", "/na/api/1/vehicles"]


def test_list_when_an_answer_names_an_address_that_nobody_entered_then_no_token_goes_there():
    def tell(connection, request):
        return say(connection, 421, {"error": f"use base URL: {stranger.url}/na"})

    with (
        RawServer(lambda connection, _: say(connection, 200, {"response": []})) as stranger,
        RawServer(tell) as server,
        pytest.raises(AdapterError, match="upstream_error"),
    ):
        CASES.ask(server.url, "list_vehicles")

    assert (stranger.connections, len(server.requests)) == ([], 1)


def test_sign_in_when_begun_then_only_the_needed_scopes_are_asked_for():
    async def begin(adapter):
        return adapter.begin_connect(
            brand="tesla", state="s", verifier="v" * 43, scopes={"read_vin", "control_charge"}, language="de"
        )

    query = parse_qs(urlsplit(CASES.call("http://127.0.0.1:1", begin)).query)

    assert query["scope"][0].split() == [
        "offline_access",
        "openid",
        "vehicle_charging_cmds",
        "vehicle_device_data",
    ]
    assert (query["show_keypair_step"], query["prompt_missing_scopes"]) == (["true"], ["true"])
    assert query["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize(
    ("region_answer", "region"),
    [
        ({"response": {"region": "na", "fleet_api_base_url": "{url}/na"}}, "na"),
        ({"response": {"region": "na", "fleet_api_base_url": "https://elsewhere.example"}}, "na"),
        ({"response": {"region": "cn", "fleet_api_base_url": None}}, "eu"),
        ({"error": "down"}, "eu"),
    ],
    ids=["by address", "by name", "not ours", "no answer"],
)
def test_finish_connect_when_tokens_came_then_account_scopes_and_region_are_known(region_answer, region):
    forms = []

    def react(connection, request):
        if request.path == "/oauth2/v3/token":
            forms.append(parse_qs(request.body.decode()))
            return say(connection, 200, {"access_token": TOKEN, "refresh_token": "EU_1", "expires_in": 28800})
        body = json.loads(json.dumps(region_answer).replace("{url}", server.url))
        return say(connection, 200 if "response" in body else 500, body)

    async def finish(adapter):
        return await adapter.finish_connect(brand="tesla", answer={"code": "c"}, verifier="v" * 43, our_id="o")

    with RawServer(react) as server:
        url = server.url
        tokens = CASES.call(url, finish)

    assert (tokens.account_id, tokens.region, tokens.refresh_token) == ("owner-1", region, "EU_1")
    assert tokens.scopes == to_ours({"vehicle_device_data", "vehicle_location", "vehicle_cmds"})
    assert forms[0]["audience"] == [f"{url}/na"]
    assert forms[0]["code_verifier"] == ["v" * 43]


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [
        (401, "login_required", "needs_reconnect"),
        (400, "invalid_auth_code", "needs_reconnect"),
        (400, "unauthorized_client", "setup_required"),
        (401, "something_new", "upstream_down"),
        (403, None, "upstream_down"),
    ],
)
def test_refresh_when_tesla_says_no_then_only_a_definite_one_ends_the_grant(status, word, code):
    async def refresh(adapter):
        await adapter.refresh(brand="tesla", refresh_token="EU_1")

    with (
        RawServer(lambda connection, _: say(connection, status, {"error": word})) as server,
        pytest.raises(AdapterError) as failure,
    ):
        CASES.call(server.url, refresh)

    assert (failure.value.code, isinstance(failure.value, GrantRefused)) == (code, code == "needs_reconnect")
    assert parse_qs(server.requests[0].body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["EU_1"],
        "client_id": ["client-1"],
    }


def test_revoke_when_no_address_is_known_then_it_is_not_claimed():
    async def revoke(adapter):
        await adapter.revoke(brand="tesla", refresh_token="r", login=CASES.login)

    with pytest.raises(AdapterError, match="account_action"):
        CASES.call("http://127.0.0.1:1", revoke)


def test_pairing_when_asked_for_then_it_is_the_page_for_our_domain_and_this_car():
    async def pair(adapter):
        return adapter.pairing_url(brand="tesla", provider_vehicle_id=VIN)

    assert CASES.call("http://127.0.0.1:1", pair) == f"https://tesla.com/_ak/fleet.example?vin={VIN}"


@pytest.mark.parametrize(
    ("token", "claims"),
    [
        (TOKEN, Claims("owner-1", read_claims(TOKEN).scopes, "eu")),
        (make_token(sub="o", scp="openid vehicle_cmds"), Claims("o", frozenset({"openid", "vehicle_cmds"}), "")),
        (make_token(sub=7, scp=None, ou_code=["EU"]), Claims("", None, "")),
        ("opaque", Claims("", None, "")),
        ("a.b.c", Claims("", None, "")),
        ("a.W10.c", Claims("", None, "")),
    ],
)
def test_claims_when_read_then_what_makes_no_sense_says_nothing(token, claims):
    assert read_claims(token) == claims


def test_scopes_when_translated_there_and_back_then_nothing_is_lost():
    assert to_ours(to_tesla(TeslaAdapter.manifest.scopes)) == TeslaAdapter.manifest.scopes


def set_up(react, call="check_setup"):
    with RawServer(react) as server:
        return CASES.call(server.url, lambda adapter: getattr(adapter, call)()), server.requests


def test_check_setup_when_one_region_knows_another_key_then_it_is_said_for_each_step():
    ours = SigningKey.from_pem(KEY).public_key.hex()

    def react(connection, request):
        if request.path == "/oauth2/v3/token":
            return say(connection, 200, {"access_token": "partner", "expires_in": 28800})
        if request.path.startswith("/na"):
            return say(connection, 404, {"response": None, "error": "not_found"})
        return say(connection, 200, {"response": {"public_key": ours.upper()}})

    found, requests = set_up(react)

    assert found == [
        SetupCheck("signing_key", is_ok=True),
        SetupCheck("credentials", is_ok=True),
        SetupCheck("public_key", is_ok=False, code="setup_required", detail="na: HTTP 404"),
        SetupCheck("public_key", is_ok=True, detail="eu"),
    ]
    forms = [parse_qs(request.body.decode()) for request in requests if request.path == "/oauth2/v3/token"]
    assert [form["audience"][0].rpartition("/")[2] for form in forms] == ["na", "eu"]
    assert requests[1].path == "/na/api/1/partner_accounts/public_key?domain=fleet.example"


def test_check_setup_when_the_credentials_are_wrong_then_nothing_else_is_tried():
    def react(connection, request):
        return say(connection, 401, {"error": "invalid_client"})

    found, requests = set_up(react)

    assert found == [
        SetupCheck("signing_key", is_ok=True),
        SetupCheck("credentials", is_ok=False, code="setup_required", detail="na: invalid_client"),
        SetupCheck("public_key", is_ok=None, detail="na"),
        SetupCheck("public_key", is_ok=None, detail="eu"),
    ]
    assert len(requests) == 1


def test_register_when_asked_then_our_domain_is_named_in_every_region():
    def react(connection, request):
        if request.path == "/oauth2/v3/token":
            return say(connection, 200, {"access_token": "partner", "expires_in": 28800})
        return say(connection, 200, {"response": {"domain": "fleet.example"}})

    found, requests = set_up(react, "register")

    assert found == [
        SetupCheck("credentials", is_ok=True),
        SetupCheck("registration", is_ok=True, detail="na"),
        SetupCheck("registration", is_ok=True, detail="eu"),
    ]
    named = [request for request in requests if request.path != "/oauth2/v3/token"]
    assert [(request.path, request.json()) for request in named] == [
        (f"/{region}/api/1/partner_accounts", {"domain": "fleet.example"}) for region in ("na", "eu")
    ]
