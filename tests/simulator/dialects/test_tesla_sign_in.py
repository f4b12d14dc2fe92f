"""Signing in at Tesla's dialect: the owner's pages, tokens, regions, the client's own registration and pairing."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    VERIFIER,
    Answer,
    PageReader,
    Simulator,
    make_challenge,
    make_client_arguments,
    start_simulator,
)
from tests.simulator.dialects.tesla_wire import (
    BASE,
    MODEL_3,
    OLD_MODEL_S,
    UNLOCK,
    VCSEC,
    Signer,
    TeslaApp,
    fault_of,
    publish_key,
)

SCOPES = "openid offline_access vehicle_device_data vehicle_location vehicle_cmds vehicle_charging_cmds"


@pytest.fixture
def app(lab: Simulator) -> TeslaApp:
    return TeslaApp(lab, OLD_MODEL_S)


def audience(lab: Simulator, region: str = "eu") -> str:
    return f"{lab.address}{BASE}/{region}"


def token(lab: Simulator, **fields: str) -> Answer:
    return lab.form(f"{BASE}/oauth2/v3/token", {"client_id": CLIENT_ID, **fields})


def sign_in(app: TeslaApp, scope: str, *, without: tuple[str, ...] = (), **fields: str) -> dict[str, str]:
    """Walk through the owner's pages and return what came back to the client."""
    asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "scope": scope, **fields}
    first = app.lab.request("GET", f"{BASE}/oauth2/v3/authorize?{urlencode({**asked, 'state': 'st&te'})}")
    page = app.lab.request("GET", first.headers["Location"])
    if page.status == 302:
        return page.location
    ticket = PageReader(page.text).ticket
    fields = {"ticket": ticket, "email": app.owner.email, "password": PASSWORD}
    consent = PageReader(app.lab.form("/tesla/oauth/sign-in", fields).text)
    ticked = [word for word in consent.scopes if word not in without]
    answer = {"ticket": consent.ticket, "scope": ticked, "decision": "allow"}
    return app.lab.form("/tesla/oauth/consent", answer).location


def with_pkce() -> dict[str, str]:
    return {"code_challenge": make_challenge(), "code_challenge_method": "S256"}


def exchange(app: TeslaApp, code: str, **fields: str) -> Answer:
    wanted = {"code": code, "redirect_uri": REDIRECT_URI, "audience": audience(app.lab), **fields}
    return token(app.lab, grant_type="authorization_code", **wanted)


def refresh(lab: Simulator, refresh_token: str) -> Answer:
    return token(lab, grant_type="refresh_token", refresh_token=refresh_token)


def claims_of(access_token: str) -> dict[str, Any]:
    words = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(words + "=" * (-len(words) % 4)))


def test_sign_in_when_allowed_then_the_token_says_what_was_granted_and_opens_the_account(app: TeslaApp) -> None:
    back = sign_in(app, SCOPES, without=("control_pin",), **with_pkce())
    answer = exchange(app, back["code"], code_verifier=VERIFIER)
    tokens = answer.json()
    claims = claims_of(tokens["access_token"])

    assert (back["state"], answer.status, answer.headers["Cache-Control"]) == ("st&te", 200, "no-store")
    assert (tokens["expires_in"], tokens["token_type"], tokens["refresh_token"][:3]) == (28800, "Bearer", "EU_")
    assert {name: claims[name] for name in ("sub", "aud", "scp", "ou_code", "azp")} == {
        "sub": app.owner.account_id,
        "aud": [audience(app.lab, "na"), audience(app.lab)],
        # Of the commands a part was unticked, so there are none.
        "scp": ["openid", "offline_access", "vehicle_device_data", "vehicle_location", "vehicle_charging_cmds"],
        "ou_code": "EU",
        "azp": CLIENT_ID,
    }
    listed = app.ask("GET", "vehicles", token=tokens["access_token"]).json()
    assert [car["vin"] for car in listed["response"]] == app.vins
    broken = tokens["access_token"].replace(".", ".e", 1)
    assert app.refuse_of(app.ask("GET", "vehicles", token=broken)) == (401, "invalid bearer token")


def test_token_when_something_about_the_code_is_wrong_then_the_makers_words_say_what(app: TeslaApp) -> None:
    plain = sign_in(app, "openid vehicle_device_data")["code"]
    unproved, proved = (sign_in(app, SCOPES, **with_pkce())["code"] for _ in range(2))

    answers = [
        exchange(app, plain),
        exchange(app, plain, client_secret="wrong"),
        exchange(app, plain, client_secret=CLIENT_SECRET, audience="https://elsewhere.example"),
        exchange(app, plain, client_secret=CLIENT_SECRET),
        exchange(app, plain, client_secret=CLIENT_SECRET),
        exchange(app, unproved, client_secret=CLIENT_SECRET),
        exchange(app, proved, code_verifier="w" * 43),
        token(app.lab, grant_type="password"),
    ]

    assert [(answer.status, answer.json().get("error")) for answer in answers] == [
        (400, "unauthorized_client"),
        (400, "unauthorized_client"),
        (400, "invalid_request"),
        (200, None),
        (400, "invalid_auth_code"),
        (400, "invalid_auth_code"),
        (400, "invalid_auth_code"),
        (400, "unsupported_grant_type"),
    ]
    assert "refresh_token" not in answers[3].json()
    assert sign_in(app, "openid everything")["error"] == "invalid_scope"


def test_refresh_when_the_answer_was_lost_then_the_last_token_works_for_a_day_and_an_older_one_never(
    app: TeslaApp,
) -> None:
    first = app.tokens["refresh_token"]
    lost = refresh(app.lab, first).json()
    second = refresh(app.lab, first).json()
    third = refresh(app.lab, second["refresh_token"]).json()
    spent = refresh(app.lab, lost["refresh_token"])

    assert len({first, *(answer["refresh_token"] for answer in (lost, second, third))}) == 4
    assert claims_of(third["access_token"])["scp"] == claims_of(app.tokens["access_token"])["scp"]
    assert (spent.status, spent.json()["error"]) == (401, "login_required")
    # The one from before may be in a thief's hands: the whole grant is gone.
    gone = app.ask("GET", "vehicles", token=third["access_token"])
    assert app.refuse_of(gone) == (401, "token expired (401)")


def test_region_when_it_is_the_wrong_one_then_421_names_the_right_one(lab: Simulator) -> None:
    app = TeslaApp(lab, MODEL_3)
    app.control("POST", f"accounts/{app.owner.account_id}", {"region": "na"})
    region = app.ask("GET", "users/region").json()
    wrong = app.ask("GET", "vehicles")
    named = re.search(r"use base URL: (\S+),", wrong.json()["error"])
    app.region = "na"

    assert region == {"response": {"region": "na", "fleet_api_base_url": audience(lab, "na")}}
    assert (wrong.status, named and named[1]) == (421, audience(lab, "na"))
    assert app.ask("GET", "vehicles").status == 200


def test_pairing_when_a_domain_is_registered_then_its_owners_page_lets_the_key_in(lab: Simulator) -> None:
    app = TeslaApp(lab, {**MODEL_3, "needs_pairing": True})
    signer, vin = Signer(app), app.vins[0]
    with publish_key(signer.pem) as domain:
        partner = token(
            lab, grant_type="client_credentials", client_secret=CLIENT_SECRET, audience=audience(lab), scope="openid"
        ).json()["access_token"]
        refused = app.ask("POST", "partner_accounts", {"domain": "fleet.example"}, token=partner)
        registered = app.ask("POST", "partner_accounts", {"domain": domain}, token=partner)
    shown = app.ask("GET", f"partner_accounts/public_key?domain={domain}", token=partner)

    before = pairing_of(app, vin), fault_of(signer.shake_hands(VCSEC))
    pages = [lab.request("GET", f"{BASE}/_ak/{domain}?vin={word}") for word in (vin, "nobody")]
    looked = pairing_of(app, vin)
    lab.form(f"{BASE}/_ak/{domain}?vin={vin}", {})
    after = pairing_of(app, vin, token=partner), fault_of(signer.command(VCSEC, UNLOCK))

    assert app.refuse_of(refused) == (424, "Public key download failed")
    assert registered.json()["response"]["public_key"] == signer.public_key.hex()
    assert shown.json() == {"response": {"public_key": signer.public_key.hex()}}
    assert [page.status for page in pages] == [200, 400]
    assert (before, looked, after) == (([], 3), [], ([vin], 0))
    assert app.refuse_of(app.ask("POST", "partner_accounts", {"domain": domain})) == (
        403,
        "Unauthorized missing scopes",
    )


def pairing_of(app: TeslaApp, vin: str, token: str | None = None) -> list[str]:
    return app.ask("POST", "vehicles/fleet_status", {"vins": [vin]}, token=token).json()["response"]["key_paired_vins"]


def test_restart_when_the_lab_comes_back_then_tokens_keys_and_domains_are_kept_and_every_car_has_booted(
    tmp_path: Path,
) -> None:
    first = start_simulator("--state-dir", str(tmp_path), *make_client_arguments())
    app = TeslaApp(first, {**MODEL_3, "needs_pairing": True}, scopes=["offline_access", "vehicle_cmds"])
    signer = Signer(app).pair()
    signer.command(VCSEC, UNLOCK)
    old = signer.sessions[VCSEC]
    first.stop()

    app.lab = second = start_simulator("--state-dir", str(tmp_path))
    try:
        request = signer.sign(VCSEC, UNLOCK)
        fault = signer.send(request)
        new = signer.adopt(VCSEC, fault, request.uuid)
        signer.counters[VCSEC] = new.counter
        done = fault_of(signer.command(VCSEC, UNLOCK))
        scopes = claims_of(refresh(second, app.tokens["refresh_token"]).json()["access_token"])["scp"]
    finally:
        second.stop()

    assert (fault_of(fault), done, new.counter) == (15, 0, 0)
    assert (new.publicKey == old.publicKey, new.epoch == old.epoch) == (True, False)
    assert scopes == ["offline_access", "vehicle_cmds"]
