"""What people read of registrations: names of secrets and choices, what a test found and what to do, refusals."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from fleet.budgets.words import number
from fleet.registrations.testing import STORED_SECRETS, TIME

# Secrets and choices -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SecretWords:
    """A secret that is typed in. is_needed: nothing works without it."""

    label: Promise
    hint: Promise | str = ""
    is_needed: bool = True


SECRETS = {
    "api_key": SecretWords(
        gettext_lazy("API key"), gettext_lazy("Volvo calls it “VCC API key”; the primary one is enough.")
    ),
    "management_token": SecretWords(
        gettext_lazy("Management token"),
        gettext_lazy("Shows that a message comes from the provider. No messages are received yet; it can wait."),
        is_needed=False,
    ),
}


def secret_words(name: str) -> SecretWords:
    """Return what a secret is called, also one that nobody has words for yet."""
    return SECRETS.get(name) or SecretWords(capfirst(name.replace("_", " ")))  # type: ignore[arg-type]


def own_domain() -> str:
    return urlsplit(settings.PUBLIC_URL).hostname or ""


@dataclass(frozen=True)
class Choice:
    """Something that is no secret. choices: value and words; none: a domain or an id is typed."""

    name: str
    label: Promise
    hint: Promise | str
    choices: tuple[tuple[str, Promise], ...] = ()
    initial: Callable[[], str] = str
    is_domain: bool = False
    is_needed: bool = True
    # Addresses that go with a value, where they are not those of the card.
    urls: tuple[tuple[str, dict[str, str]], ...] = ()

    def urls_for(self, value: str) -> dict[str, str | None]:
        """Return the addresses that go with a value; None is the card's own."""
        managed = {name: None for _value, urls in self.urls for name in urls}
        return {**managed, **dict(self.urls).get(value, {})}


CHOICES: dict[str, tuple[Choice, ...]] = {
    "tesla": (
        Choice(
            "domain",
            gettext_lazy("Domain of the public key"),
            gettext_lazy("The one you registered at Tesla. Tesla fetches the key from it, and owners see it."),
            initial=own_domain,
            is_domain=True,
        ),
    ),
    "smartcar": (
        Choice(
            "mode",
            pgettext_lazy("of a provider", "Cars"),
            gettext_lazy("Simulated cars are Smartcar’s own, to try things out; no owner’s account is needed."),
            (("live", gettext_lazy("Real cars")), ("simulated", gettext_lazy("Simulated cars"))),
            initial=lambda: "live",
        ),
        Choice(
            "application_id",
            gettext_lazy("Application ID"),
            gettext_lazy("Only of an application made before version 3: it signs owners in under an ID of its own."),
            is_needed=False,
        ),
    ),
    "enode": (
        Choice(
            "environment",
            gettext_lazy("Environment"),
            gettext_lazy("Each has client IDs of its own."),
            (("production", gettext_lazy("Production")), ("sandbox", gettext_lazy("Sandbox"))),
            initial=lambda: "production",
            urls=(
                (
                    "sandbox",
                    {
                        "token": "https://oauth.sandbox.enode.io/oauth2/token",
                        "api": "https://enode-api.sandbox.enode.io",
                    },
                ),
            ),
        ),
    ),
}


def choices_of(provider: str) -> tuple[Choice, ...]:
    return CHOICES.get(provider, ())


# What a test found ---------------------------------------------------------------------------------------------------

STEPS = {
    "signing_key": gettext_lazy("Our key"),
    "credentials": gettext_lazy("Client ID and secret"),
    "registration": gettext_lazy("Register our domain"),
    "public_key": gettext_lazy("Our key is known there"),
    "api": gettext_lazy("The interface answers"),
    "webhooks": gettext_lazy("Messages from the provider"),
    STORED_SECRETS: gettext_lazy("Stored secrets"),
    TIME: gettext_lazy("Within a minute"),
}


def step_words(step: str, *, region: str = "") -> str:
    """Return what a step of a test is called, and in which region it was tried."""
    words = str(STEPS.get(step) or capfirst(step.replace("_", " ")))
    return f"{words} ({region.upper()})" if region else words


# What commands work without: where it is not set up, the registration works all the same.
EXTRAS = frozenset({"webhooks"})
# By step and code, else by code: what it means, and what to do about it.
FAILURES = {
    ("signing_key", "setup_required"): gettext_lazy(
        "There is none, or it does not open. Set the registration up anew; cars have to be paired again then."
    ),
    ("credentials", "setup_required"): gettext_lazy(
        "%(provider)s does not know this client ID with this secret. Copy both again, without spaces; a secret that "
        "was replaced there has to be replaced here too."
    ),
    ("credentials", "needs_reconnect"): gettext_lazy(
        "%(provider)s refused the secret. Copy it again, or make a new one there."
    ),
    ("api", "setup_required"): gettext_lazy(
        "%(provider)s does not let this application in. Compare its API key, if it has one, and see there that it is "
        "switched on."
    ),
    ("webhooks", "setup_required"): gettext_lazy(
        "What they are checked with is missing. Commands work without it; messages are not received yet."
    ),
    ("public_key", "setup_required"): gettext_lazy(
        "%(provider)s has no key for this domain, or another one. See that the key’s address opens from the internet "
        "under https, then press “Send our key”."
    ),
    ("registration", "setup_required"): gettext_lazy(
        "%(provider)s did not take the domain. It must be among the allowed origins of the application there, and "
        "the key’s address must open from the internet under https."
    ),
    ("registration", "invalid_request"): gettext_lazy(
        "%(provider)s did not take the domain. It must be among the allowed origins of the application there."
    ),
    (STORED_SECRETS, "setup_required"): gettext_lazy(
        "They do not open with the keys of this installation (FLEETWELL_KEY_RING). Bring the old key back."
    ),
    (TIME, "upstream_down"): gettext_lazy("%(provider)s took longer than a minute. Try again later."),
}
CODES = {
    "setup_required": gettext_lazy(
        "%(provider)s refuses this registration. Compare every value with what stands there."
    ),
    "needs_reconnect": gettext_lazy("%(provider)s refuses this registration. Copy ID and secret again."),
    "needs_consent": gettext_lazy("The application has no right to do this. Choose more permissions at %(provider)s."),
    "account_action": gettext_lazy(
        "%(provider)s wants something of you, such as new terms. Sign in there and look for notices."
    ),
    "quota_exhausted": gettext_lazy("The plan or billing limit at %(provider)s is used up. Raise it there."),
    "rate_limited": gettext_lazy("%(provider)s asked us to slow down. Try again in some minutes."),
    "upstream_down": gettext_lazy(
        "%(provider)s did not answer. What you entered may be right all the same; try again in some minutes."
    ),
    "upstream_error": gettext_lazy(
        "%(provider)s answered something that we don’t understand. If it stays so, Fleetwell needs an update."
    ),
    "invalid_request": gettext_lazy("%(provider)s takes our question for wrong. Compare the addresses and IDs."),
}
NOT_TRIED = gettext_lazy("Not tried, as something before it failed.")
OTHER = gettext_lazy("It failed at %(provider)s, and we don’t know why.")


def failure_words(step: str, code: str, *, provider: str) -> str:
    """Return what a failed step means and what to do."""
    words = FAILURES.get((step, code)) or CODES.get(code) or OTHER
    return str(words) % {"provider": provider}


# Limits --------------------------------------------------------------------------------------------------------------


def rate(limit: int, window_s: int) -> str:
    """Return "60 a minute"."""
    named = {
        60: _("%(n)s a minute"),
        3_600: _("%(n)s an hour"),
        86_400: _("%(n)s a day"),
        2_592_000: _("%(n)s a month"),
    }
    if window_s in named:
        return named[window_s] % {"n": number(limit)}
    within = ngettext("%(n)s within %(s)s second", "%(n)s within %(s)s seconds", window_s)
    return within % {"n": number(limit), "s": number(window_s)}


# Refusals ------------------------------------------------------------------------------------------------------------

REFUSALS = {
    "taken": gettext_lazy("This client ID is set up here already."),
    "in_use": gettext_lazy("Logins of owners hang on this client ID. Set up a new registration for another one."),
    "unreadable": gettext_lazy(
        "The secrets that are stored do not open with the keys of this installation (FLEETWELL_KEY_RING)."
    ),
}
NOT_REMOVED = gettext_lazy(
    "Cars were connected through it, and their history names it. It can be switched off, not removed."
)
