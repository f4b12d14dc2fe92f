"""What an operator does at a provider, step by step: which page, which values to enter there, what to bring back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.vehicles.providers import callback_url


@dataclass(frozen=True)
class Copy:
    """A value to be entered at the provider letter by letter."""

    id: str
    label: Promise
    value: str


@dataclass(frozen=True)
class Step:
    """One thing to do. link: where; copies: what to enter there."""

    text: Promise
    link: str = ""
    copies: tuple[Copy, ...] = ()


def origin() -> str:
    return settings.PUBLIC_URL.rstrip("/")


def key_url() -> str:
    """Return where this installation shows the public half of its key for cars."""
    return origin() + reverse("tesla_public_key")


def is_reachable_by_makers() -> bool:
    """Say whether makers take our address at all: they send owners back to https alone."""
    return settings.PUBLIC_URL.startswith("https://")


def steps_for(provider: str, *, register_url: str) -> list[Step]:
    """Return what to do at a provider, first to last; for one without words of its own the common part."""
    return GUIDES.get(provider, _common)(register_url)


def _back(label: Promise) -> Copy:
    return Copy("redirect-url", label, callback_url())


def _common(register_url: str) -> list[Step]:
    return [
        Step(
            _("Register an application with the provider, with this address to which owners are sent back."),
            register_url,
            (_back(_("Redirect address")),),
        ),
        Step(_("Bring client ID and secret from there, and enter them below.")),
    ]


def _simulator(_register_url: str) -> list[Step]:
    return [Step(_("Nothing has to be registered elsewhere: enter ID and secret that the simulator was started with."))]


def _tesla(register_url: str) -> list[Step]:
    return [
        Step(
            _(
                "Request an application at Tesla’s developer site, for the grant types “authorization code” and "
                "“client credentials”. Enter these there:"
            ),
            register_url,
            (Copy("origin", _("Allowed origin"), origin()), _back(_("Allowed redirect URI"))),
        ),
        Step(
            _(
                "Choose the scopes Vehicle Information, Vehicle Location, Vehicle Commands and Vehicle Charging "
                "Management. What is not chosen there is not offered to owners."
            )
        ),
        Step(
            _(
                "Set a billing limit there. It begins at 0; Tesla switches the application off as soon as a call costs "
                "something."
            )
        ),
        Step(
            _(
                "Enter client ID and secret below and save. The key that signs commands is made here; its private half "
                "is stored encrypted and never shown. Tesla fetches the public half from this address, which has to "
                "open from the internet:"
            ),
            copies=(Copy("key-url", _("Public key"), key_url()),),
        ),
        Step(_("Press “Send our key”: it registers the domain and its key with Tesla in each region. Then test.")),
        Step(
            _(
                "Each owner then lets the key into the car once, in Tesla’s app. The page after joining leads there; "
                "without it newer cars refuse commands."
            )
        ),
    ]


def _smartcar(register_url: str) -> list[Step]:
    return [
        Step(
            _("Make an application in Smartcar’s dashboard. Enter this redirect URI there:"),
            register_url,
            (_back(_("Redirect URI")),),
        ),
        Step(
            _(
                "Choose under Vehicle Access what owners are asked for: at least vehicle info, VIN, and the control "
                "permissions that you want to use."
            )
        ),
        Step(
            _(
                "Bring the client ID of API version 3 (it begins with “client_”) and a client secret. The ID of "
                "version 2 looks like a UUID and does not work here."
            )
        ),
        Step(_("If you like, bring the application management token too. It is for messages, which come later.")),
    ]


def _enode(register_url: str) -> list[Step]:
    return [
        Step(
            _("Make a client in Enode’s developer portal, in the sandbox or in production."),
            register_url,
        ),
        Step(_("Bring client ID and secret from there. Enode shows the secret only once.")),
        Step(
            _("Owners come back to this address. Where Enode asks for allowed redirect addresses, enter it."),
            copies=(_back(_("Redirect address")),),
        ),
        Step(_("Charging is all that Enode offers: cars joined through it can’t be locked or heated.")),
    ]


def _volvo(register_url: str) -> list[Step]:
    return [
        Step(_("Make an application at Volvo’s developer portal. Bring its VCC API key."), register_url),
        Step(
            _(
                "Publish it, with the scopes of the Connected Vehicle, Energy and Location APIs, and with this "
                "redirect URI. Only what is published gets a client ID and a secret."
            ),
            copies=(_back(_("Redirect URI")),),
        ),
        Step(
            _(
                "Volvo looks at lock, unlock, engine, honk and location before it allows them. Until then these "
                "commands are refused."
            )
        ),
        Step(_("Enter client ID, secret and API key below.")),
    ]


GUIDES: Mapping[str, Callable[[str], list[Step]]] = {
    "simulator": _simulator,
    "tesla": _tesla,
    "smartcar": _smartcar,
    "enode": _enode,
    "volvo": _volvo,
}
SHORT: Mapping[str, Promise] = {
    "simulator": _("A pretend car maker of this installation, to try everything without a car."),
    "tesla": _("Tesla’s own interface. The widest set of commands; each call costs a little."),
    "smartcar": _("One registration for some forty makes. Locks, charging and destinations."),
    "enode": _("One registration for some fifty makes. Charging only."),
    "volvo": _("Volvo’s own interface. Locks, climate, engine, horn and lights; no charging."),
}
