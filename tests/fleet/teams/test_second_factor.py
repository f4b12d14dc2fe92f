"""Second factors: setting them up, signing in by them, what is kept of them, and every bad input they can be given."""

import json
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.models import Membership
from tests.factories import make_team
from tests.fleet.teams.factors import (
    SECRET,
    by_both,
    by_password,
    code_at,
    code_now,
    give_app,
    kinds_of,
    next_code,
    sign_in,
    with_session,
)

HOME = reverse("vehicles:list")
ACTIVATE, STEP = reverse("mfa_activate_totp"), reverse("mfa_authenticate")
CODES = reverse("mfa_view_recovery_codes")


@pytest.fixture(autouse=True)
def _limits_start_anew(db):
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def owner() -> Membership:
    return make_team()


def is_signed_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_set_up_when_shown_then_the_picture_and_the_text_hold_the_same_secret_and_nothing_is_inline(owner):
    page = by_password(owner).get(ACTIVATE)

    assert page.context["form"].secret in page.content.decode()
    assert f"secret={page.context['form'].secret}" in page.context["totp_url"]
    assert 'src="data:image/svg+xml;base64,' in page.content.decode()
    assert "no-store" in page["Cache-Control"]


BAD_CODES = [
    "",
    "12345",
    "1234567",
    "\u0661\u0662\u0663\u0664\u0665\u0666",
    "\uff11\uff12\uff13\uff14\uff15\uff16",
    "12345a",
    "-12345",
    "1e5000",
    "000000",
    "\x00",
    "9" * 5000,
    "12\n34\r56x",
]


@pytest.mark.parametrize("code", BAD_CODES, ids=range(len(BAD_CODES)))
def test_code_when_it_is_none_then_the_error_is_at_the_field_everywhere(owner, code):
    app = give_app(owner.user)
    waiting = Client()
    sign_in(waiting, owner.user)
    newcomer = make_team()
    setting_up = by_password(newcomer)
    setting_up.get(ACTIVATE)

    answers = [
        waiting.post(STEP, {"code": code}),
        by_both(owner, app).post(reverse("mfa_reauthenticate"), {"code": code}),
        setting_up.post(ACTIVATE, {"code": code}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert [list(answer.context["form"].errors) for answer in answers] == [["code"]] * 3
    assert not is_signed_in(waiting)


@pytest.mark.parametrize("written", ["{0}{1}", "{0} {1}", " {0}-{1} "])
def test_code_when_it_has_spaces_then_they_do_not_matter(owner, written):
    give_app(owner.user)
    browser = Client()
    sign_in(browser, owner.user)
    code = code_now()

    answer = browser.post(STEP, {"code": written.format(code[:3], code[3:])})

    assert answer["Location"] == HOME
    assert is_signed_in(browser)


def test_sign_in_when_only_the_password_was_given_then_nothing_opens(owner):
    give_app(owner.user)
    browser = Client()

    first = sign_in(browser, owner.user, next=reverse("connect:links"))
    behind = [
        browser.get(HOME),
        browser.post(reverse("connect:links"), {"label": "x"}),
        browser.get(reverse("mfa_index")),
    ]

    assert first["Location"].startswith(STEP)
    assert {answer.status_code for answer in behind} == {302}
    assert all(answer["Location"].startswith(reverse("account_login")) for answer in behind)
    assert "account.signed_in" not in kinds_of(owner)


def test_sign_in_when_both_are_given_then_it_opens_what_was_asked_for_and_is_noted(owner):
    give_app(owner.user)
    browser = Client()
    sign_in(browser, owner.user, next=reverse("connect:links"))

    answer = browser.post(STEP, {"code": code_now()})

    assert answer["Location"] == reverse("connect:links")
    event = Event.objects.get(kind="account.signed_in")
    assert (event.actor, event.team_id, event.data) == (owner.user.actor, None, {"by": ["password", "totp"]})


def test_code_when_it_was_used_then_it_is_not_good_again_in_any_process(owner):
    give_app(owner.user)
    first, second, third = Client(), Client(), Client()
    for browser in (first, second, third):
        sign_in(browser, owner.user)
    now = time.time()

    assert first.post(STEP, {"code": code_at(now)}).status_code == 302
    cache.clear()  # as another process has it
    assert second.post(STEP, {"code": code_at(now)}).status_code == 422
    cache.clear()
    assert second.post(STEP, {"code": code_at(now - 30)}).status_code == 422
    assert third.post(STEP, {"code": code_at(now + 30)}).status_code == 302


def test_code_when_it_is_old_or_of_the_future_then_it_is_wrong(owner):
    give_app(owner.user)
    browser = Client()
    sign_in(browser, owner.user)

    statuses = [browser.post(STEP, {"code": code_at(time.time() + offset)}).status_code for offset in (-90, 90)]

    assert statuses == [422, 422]


def test_code_when_guessed_too_often_then_the_right_one_is_refused_too(owner):
    give_app(owner.user)
    browser = Client()
    sign_in(browser, owner.user)
    wrong = f"{(int(code_now()) + 1) % 1_000_000:06}"

    for _ in range(5):
        browser.post(STEP, {"code": wrong})
    answer = browser.post(STEP, {"code": next_code()})

    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert not is_signed_in(browser)
    assert kinds_of(owner).count("account.second_factor_failed") == 5


def test_recovery_codes_when_downloaded_then_the_file_holds_those_that_are_left(owner):
    app = give_app(owner.user)
    browser = by_both(owner, app)
    browser.post(reverse("mfa_generate_recovery_codes"))
    shown = browser.get(CODES).context["unused_codes"]

    file = browser.get(reverse("mfa_download_recovery_codes"))
    browser.post(reverse("mfa_generate_recovery_codes"))

    assert re.findall(r"^\d{8}$", file.content.decode(), re.MULTILINE) == shown
    assert "attachment" in file["Content-Disposition"]
    assert set(browser.get(CODES).context["unused_codes"]).isdisjoint(shown)


def test_app_when_removed_then_it_is_off_with_its_recovery_codes_and_a_letter_tells(owner):
    app = give_app(owner.user)
    browser = by_both(owner, app)
    browser.post(reverse("mfa_generate_recovery_codes"))
    mail.outbox.clear()

    answer = browser.post(reverse("mfa_deactivate_totp"))

    assert answer["Location"] == reverse("mfa_index")
    assert not Authenticator.objects.exists()
    assert [letter.to for letter in mail.outbox] == [[owner.user.email]]
    assert kinds_of(owner)[-2:] == ["account.second_factor_removed"] * 2


GUARDED = ["mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes"]
GUARDED += ["mfa_generate_recovery_codes", "mfa_download_recovery_codes", "account_email"]


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("has_app", [True, False])
def test_change_of_the_account_when_the_sign_in_is_old_then_it_asks_first_and_keeps_nothing_typed(owner, name, has_app):
    app = give_app(owner.user) if has_app else None
    browser = by_both(owner, app, minutes_ago=16) if app else by_password(owner, minutes_ago=16)
    before = dict(browser.session.items())

    answers = [
        browser.get(reverse(name)),
        browser.post(reverse(name), {"code": "1", "action_add": "", "email": "e@example.com"}),
    ]

    assert {answer.status_code for answer in answers} == {302}
    assert all(answer["Location"].startswith(reverse("account_reauthenticate")) for answer in answers)
    assert dict(browser.session.items()) == before
    assert Authenticator.objects.count() == int(has_app)
    assert mail.outbox == []


def test_confirming_when_there_is_a_second_factor_then_a_password_does_not_do(owner):
    app = give_app(owner.user)
    browser = by_both(owner, app, minutes_ago=16)

    by_word = browser.post(
        reverse("account_reauthenticate") + "?next=/accounts/2fa/", {"password": "a long enough phrase"}
    )
    still = browser.get(ACTIVATE.replace("activate", "deactivate"))
    by_code = browser.post(reverse("mfa_reauthenticate") + "?next=/accounts/2fa/", {"code": code_now()})

    assert by_word["Location"].startswith(reverse("mfa_reauthenticate"))
    assert still.status_code == 302
    assert by_code["Location"] == "/accounts/2fa/"
    assert browser.get(ACTIVATE.replace("activate", "deactivate")).status_code == 200


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_confirming_when_next_leads_elsewhere_then_it_stays_here(owner, target):
    app = give_app(owner.user)
    browser = by_both(owner, app, minutes_ago=16)

    code = browser.post(reverse("mfa_reauthenticate"), {"code": code_now(), "next": target})
    needed = by_both(owner, app).get(reverse("account_second_factor"), {"next": target})

    assert (code["Location"], needed["Location"]) == (HOME, HOME)


def test_second_factor_pages_when_nobody_is_signed_in_then_they_ask_to_sign_in():
    names = [*GUARDED, "mfa_index", "mfa_list_webauthn", "account_home", "usersessions_list", "account_second_factor"]

    for name in [*names, "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_change_password"]:
        answer = Client().get(reverse(name))
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("account_login")), name


def test_second_factor_of_another_person_when_named_then_it_is_absent(owner):
    key = Authenticator.objects.create(user=owner.user, type="webauthn", data={"name": "Phone", "credential": {}})
    stranger = by_password(make_team())

    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert stranger.get(reverse(name, args=[key.pk])).status_code == 404
        assert stranger.post(reverse(name, args=[key.pk]), {"name": "x"}).status_code == 404
    assert Authenticator.objects.get().data["name"] == "Phone"


def test_passkey_when_renamed_then_the_name_is_shown_as_text(owner):
    key = Authenticator.objects.create(user=owner.user, type="webauthn", data={"name": "Phone", "credential": {}})
    browser = with_session(Client(), owner.user, {"method": "mfa", "id": key.pk})
    url = reverse("mfa_edit_webauthn", args=[key.pk])

    bad = [browser.post(url, {"name": name}) for name in ("", "x" * 61, "a\u202eb", "a\x00b")]
    good = browser.post(url, {"name": "<b>Key</b>"})
    page = browser.get(reverse("mfa_index")).content.decode()

    assert [answer.status_code for answer in bad] == [422] * 4
    assert good["Location"] == reverse("mfa_index")
    assert "&lt;b&gt;Key&lt;/b&gt;" in page


KEY = {"id": "AA", "rawId": "AA", "type": "public-key"}
BYTES = dict.fromkeys(("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"), "AA")
BAD_CREDENTIALS = [
    "",
    "null",
    "[]",
    "1",
    '"x"',
    "{}",
    "{",
    "[" * 100_000,
    "\x00",
    '{"a": "\\u0000"}',
    '{"response": null}',
]
BAD_CREDENTIALS += [
    json.dumps(value)
    for value in (
        KEY | {"id": 5},
        KEY,
        KEY | {"response": {}},
        KEY | {"response": []},
        KEY | {"response": BYTES},
        KEY | {"response": BYTES | {"clientDataJSON": "e30"}},
        KEY | {"response": {"clientDataJSON": 1, "attestationObject": [], "signature": {}, "userHandle": 7}},
        {"response": {"userHandle": None}},
        {"response": {"userHandle": "AA" * 20}},
    )
]


@pytest.mark.parametrize("credential", BAD_CREDENTIALS, ids=range(len(BAD_CREDENTIALS)))
def test_passkey_when_script_sends_nonsense_then_it_is_refused_everywhere(owner, credential):
    app = give_app(owner.user)
    waiting = Client()
    sign_in(waiting, owner.user)
    waiting.get(STEP)
    adding = by_both(owner, app)
    adding.get(reverse("mfa_add_webauthn"))
    confirming = by_both(owner, app)
    confirming.get(reverse("mfa_reauthenticate_webauthn"))
    passkey_only = Client()
    passkey_only.get(reverse("mfa_login_webauthn"), headers={"Accept": "application/json"})

    statuses = [
        waiting.post(STEP, {"credential": credential}).status_code,
        adding.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": credential}).status_code,
        passkey_only.post(reverse("mfa_login_webauthn"), {"credential": credential}).status_code,
        confirming.post(reverse("mfa_reauthenticate_webauthn"), {"credential": credential}).status_code,
    ]

    # Signing in by passkey alone goes back to the sign-in page, with the reason there.
    assert statuses[:3] == [422, 422, 302]
    assert statuses[3] in {302, 422}
    assert not is_signed_in(waiting)
    assert not is_signed_in(passkey_only)
    assert list(Authenticator.objects.values_list("type", flat=True)) == ["totp"]


def test_secret_when_the_key_ring_gets_a_newer_key_then_it_still_opens(owner, settings):
    give_app(owner.user)
    settings.KEY_RING = "k2:" + "B" * 43 + "=," + settings.KEY_RING
    browser = Client()
    sign_in(browser, owner.user)

    assert browser.post(STEP, {"code": code_now()}).status_code == 302
    assert SECRET not in json.dumps(Authenticator.objects.get().data)
