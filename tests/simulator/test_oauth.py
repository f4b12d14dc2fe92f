"""The authorization server over real HTTP, as a browser and a client see it."""

import base64
from urllib.parse import urlencode

import pytest

from simulator.brands import BRANDS
from tests.simulator.cloud import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    VERIFIER,
    Answer,
    Owner,
    PageReader,
    Simulator,
    make_challenge,
)
from tests.simulator.conftest import CAR


def ask(
    cloud: Simulator, brand: str = "volkswagen", headers: dict[str, str] | None = None, **fields: str | None
) -> Answer:
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "scope": "read_vin control_security read_lock_state",
        "state": "st&te",
        "code_challenge": make_challenge(),
        "code_challenge_method": "S256",
        **fields,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return cloud.request("GET", f"/{brand}/oauth/authorize?{query}", headers=headers)


def sign_in(cloud: Simulator, owner: Owner, password: str = PASSWORD, **fields: str) -> Answer:
    ticket = PageReader(ask(cloud, owner.brand, **fields).text).ticket
    return cloud.form(f"/{owner.brand}/oauth/sign-in", {"ticket": ticket, "email": owner.email, "password": password})


def allow(cloud: Simulator, owner: Owner, scopes: list[str] | None = None, **fields: str) -> Answer:
    page = PageReader(sign_in(cloud, owner, **fields).text)
    return cloud.form(
        f"/{owner.brand}/oauth/consent",
        {"ticket": page.ticket, "scope": page.scopes if scopes is None else scopes, "decision": "allow"},
    )


def exchange(cloud: Simulator, code: str, brand: str = "volkswagen", **fields: str) -> Answer:
    wanted = {"code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, **fields}
    return cloud.token(brand, grant_type="authorization_code", **wanted)


def refresh(cloud: Simulator, token: str, brand: str = "volkswagen") -> Answer:
    return cloud.token(brand, grant_type="refresh_token", refresh_token=token)


def test_authorization_when_allowed_then_code_then_tokens_that_open_the_account(cloud: Simulator, owner: Owner) -> None:
    redirect = allow(cloud, owner)
    answer = exchange(cloud, redirect.location["code"])
    tokens = answer.json()
    owner.tokens = tokens

    assert (redirect.status, redirect.location["state"]) == (302, "st&te")
    assert redirect.headers["Location"].startswith(REDIRECT_URI + "?")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert {key: tokens[key] for key in ("token_type", "expires_in", "scope", "account_id")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read_vin read_lock_state control_security",
        "account_id": owner.account_id,
    }
    assert [vehicle["id"] for vehicle in owner.get("vehicles").json()["vehicles"]] == owner.cars


def test_token_when_the_client_signs_in_with_basic_then_accepted(cloud: Simulator, owner: Owner) -> None:
    code = allow(cloud, owner).location["code"]
    credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '+')}".encode()).decode()

    answer = cloud.form(
        "/volkswagen/oauth/token",
        {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER},
        {"Authorization": f"Basic {credentials}"},
    )

    assert (answer.status, answer.json()["account_id"]) == (200, owner.account_id)


def test_consent_when_a_scope_is_unticked_then_it_is_not_granted(cloud: Simulator, owner: Owner) -> None:
    code = allow(cloud, owner, scopes=["read_vin", "control_engine"]).location["code"]

    assert exchange(cloud, code).json()["scope"] == "read_vin"


def test_consent_when_nothing_is_ticked_then_the_page_says_so(cloud: Simulator, owner: Owner) -> None:
    answer = allow(cloud, owner, scopes=[])

    assert answer.status == 200
    assert "Tick at least one line" in PageReader(answer.text).words


def test_consent_when_cancelled_then_access_denied_and_the_ticket_is_spent(cloud: Simulator, owner: Owner) -> None:
    ticket = PageReader(sign_in(cloud, owner).text).ticket

    cancelled = cloud.form("/volkswagen/oauth/consent", {"ticket": ticket, "decision": "cancel"})
    again = cloud.form("/volkswagen/oauth/consent", {"ticket": ticket, "decision": "allow", "scope": "read_vin"})

    assert (cancelled.status, cancelled.location) == (302, {"error": "access_denied", "state": "st&te"})
    assert again.status == 400


def test_consent_when_nobody_signed_in_then_refused(cloud: Simulator) -> None:
    ticket = PageReader(ask(cloud).text).ticket

    answer = cloud.form("/volkswagen/oauth/consent", {"ticket": ticket, "decision": "allow", "scope": "read_vin"})

    assert (answer.status, "Location" in answer.headers) == (400, False)


def test_sign_in_when_the_password_is_wrong_then_the_form_says_so_and_keeps_the_email(
    cloud: Simulator, owner: Owner
) -> None:
    answer = sign_in(cloud, owner, password="wrong")

    page = PageReader(answer.text)
    assert answer.status == 200
    assert "E-mail address or password is wrong" in page.words
    assert page.inputs["email"]["value"] == owner.email
    assert "value" not in page.inputs["password"]


def test_sign_in_when_the_account_is_of_another_brand_then_refused(cloud: Simulator, owner: Owner) -> None:
    owner.brand = "kia"

    assert "password is wrong" in sign_in(cloud, owner).text


@pytest.mark.parametrize(
    "fields",
    [
        {"client_id": "somebody"},
        {"client_id": None},
        {"redirect_uri": REDIRECT_URI + "/"},
        {"redirect_uri": REDIRECT_URI + "?a=b"},
        {"redirect_uri": REDIRECT_URI.replace("127.0.0.1", "localhost")},
        {"redirect_uri": "https://thief.example/"},
        {"redirect_uri": None},
    ],
)
def test_authorize_when_client_or_address_is_not_registered_then_a_page_and_no_redirect(
    cloud: Simulator, fields: dict
) -> None:
    answer = ask(cloud, **fields)

    assert (answer.status, "Location" in answer.headers) == (400, False)
    assert "not registered" in answer.text


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "read_vin rule_world"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_authorize_when_the_request_is_faulty_then_back_with_an_error(
    cloud: Simulator, fields: dict, error: str
) -> None:
    answer = ask(cloud, **fields)

    assert answer.status == 302
    assert (answer.location["error"], answer.location["state"]) == (error, "st&te")


@pytest.mark.parametrize(
    "fields",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"redirect_uri": REDIRECT_URI + "/"},
        {"brand": "kia"},
    ],
)
def test_code_when_verifier_address_or_brand_is_wrong_then_invalid_grant(
    cloud: Simulator, owner: Owner, fields: dict
) -> None:
    code = allow(cloud, owner).location["code"]

    answer = exchange(cloud, code, **fields)

    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


def test_code_when_used_twice_then_refused_and_what_it_gave_is_revoked(cloud: Simulator, owner: Owner) -> None:
    code = allow(cloud, owner).location["code"]
    owner.tokens = exchange(cloud, code).json()
    before = owner.get("vehicles").status

    again = exchange(cloud, code)

    assert (before, again.status, again.json()["error"]) == (200, 400, "invalid_grant")
    assert owner.get("vehicles").status == 401


def test_code_when_of_another_client_then_refused(cloud: Simulator, owner: Owner) -> None:
    cloud.control("POST", "clients", {"client_id": "other", "client_secret": "x", "redirect_uris": [REDIRECT_URI]})
    code = allow(cloud, owner).location["code"]

    answer = exchange(cloud, code, client_id="other", client_secret="x")

    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


def test_refresh_when_used_then_rotated_and_the_new_pair_works(cloud: Simulator, owner: Owner) -> None:
    first = owner.tokens

    owner.tokens = refresh(cloud, first["refresh_token"]).json()
    third = refresh(cloud, owner.tokens["refresh_token"])

    assert first["refresh_token"] != owner.tokens["refresh_token"]
    assert owner.tokens["scope"] == first["scope"]
    assert (owner.get("vehicles").status, third.status) == (200, 200)


def test_refresh_when_an_older_token_is_reused_then_the_whole_grant_is_gone(cloud: Simulator, owner: Owner) -> None:
    first = owner.tokens["refresh_token"]
    owner.tokens = refresh(cloud, first).json()

    reused = refresh(cloud, first)
    current = refresh(cloud, owner.tokens["refresh_token"])

    assert [(answer.status, answer.json()["error"]) for answer in (reused, current)] == [(400, "invalid_grant")] * 2
    assert owner.get("vehicles").status == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoke_when_given_either_token_then_the_grant_is_gone(cloud: Simulator, owner: Owner, kind: str) -> None:
    answer = cloud.form(
        "/volkswagen/oauth/revoke",
        {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token": owner.tokens[kind]},
    )

    assert answer.status == 200
    assert owner.get("vehicles").status == 401
    assert refresh(cloud, owner.tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_revoke_when_the_token_is_unknown_then_200_all_the_same(cloud: Simulator) -> None:
    fields = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token": "nonsense"}

    assert cloud.form("/volkswagen/oauth/revoke", fields).status == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "unknown"}, 401, "invalid_client"),
    ],
)
def test_token_when_the_request_is_faulty_then_the_error_of_the_standard(
    cloud: Simulator, fields: dict, status: int, error: str
) -> None:
    answer = cloud.token("volkswagen", **fields)

    assert (answer.status, answer.json()["error"]) == (status, error)


def test_token_when_a_parameter_is_repeated_or_json_is_sent_then_invalid_request(cloud: Simulator) -> None:
    repeated = cloud.form("/volkswagen/oauth/token", {"grant_type": ["refresh_token", "refresh_token"]})
    as_json = cloud.request("POST", "/volkswagen/oauth/token", "{}", {"Content-Type": "application/json"})

    assert [(answer.status, answer.json()["error"]) for answer in (repeated, as_json)] == [(400, "invalid_request")] * 2


def test_pages_when_german_is_asked_for_then_german_by_either_way(cloud: Simulator) -> None:
    by_parameter = PageReader(ask(cloud, ui_locales="de-AT en").text)
    by_header = PageReader(ask(cloud, headers={"Accept-Language": "fr;q=0.9, en;q=0.5, de;q=0.8"}).text)
    neither = PageReader(ask(cloud).text)

    assert (by_parameter.language, by_header.language, neither.language) == ("de", "de", "en")
    assert "Passwort" in by_parameter.words


def test_pages_when_shown_then_strict_policy_labels_and_nothing_inline(cloud: Simulator, owner: Owner) -> None:
    first = ask(cloud)
    second = sign_in(cloud, owner)

    for answer in (first, second):
        page = PageReader(answer.text)
        visible = {name for name, fields in page.inputs.items() if fields.get("type") != "hidden"}
        assert visible <= page.labelled
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert "<script" not in answer.text
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:9; base-uri 'none'; "
            "frame-ancestors 'none'"
        )


def test_pages_when_words_come_from_outside_then_they_are_escaped(cloud: Simulator) -> None:
    evil = "<script>alert(1)</script>"
    cloud.control("POST", "clients", {"client_id": evil, "client_secret": "x", "redirect_uris": [REDIRECT_URI]})
    ticket = PageReader(ask(cloud).text).ticket

    pages = [
        ask(cloud, client_id=evil).text,
        cloud.form("/volkswagen/oauth/sign-in", {"ticket": ticket, "email": f'">{evil}', "password": "x"}).text,
    ]

    assert all("<script" not in page and "&lt;script" in page for page in pages)


@pytest.mark.parametrize("brand", sorted(BRANDS))
def test_look_when_asked_then_each_brand_has_its_own_readable_colours(cloud: Simulator, brand: str) -> None:
    answer = cloud.request("GET", f"/{brand}/oauth/look.css")

    look = BRANDS[brand]
    assert answer.headers["Content-Type"].startswith("text/css")
    assert f"--accent: {look.accent};" in answer.text
    for ink, ground in (
        (look.ink, look.paper),
        (look.on_accent, look.accent),
        (look.on_header, look.header),
    ):
        assert contrast(ink, ground) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2 between two colours."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_accounts_when_made_twice_then_the_same_with_the_new_password(cloud: Simulator) -> None:
    owner = cloud.add_owner(CAR)

    again = cloud.control(
        "POST",
        "accounts",
        {"brand": "volkswagen", "email": owner.email.upper(), "password": "changed", "vehicles": [CAR]},
    )

    assert again["account_id"] == owner.account_id
    assert "wrong" in sign_in(cloud, owner).text
    assert len(owner.get("vehicles").json()["vehicles"]) == 2
