"""Every way out of the owner's flow: one title, one sentence and one next step each, in one table."""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Next(Enum):
    """What a person can do after a way out."""

    NOTHING = "nothing"
    AGAIN = "again"  # from the start of the same link
    CHANGE = "change"  # go on and change what is shared already


@dataclass(frozen=True)
class WayOut:
    """{asker} is the team that asks, {brand} the maker, {vin_end} how the VIN of the link ends; put in when shown.

    error: what another site is told that sent the owner to us.
    """

    title: Promise
    text: Promise
    next: Next = Next.NOTHING
    status: int = 200
    sign: str = "info"
    tone: str = "warn"
    error: str = "server_error"


_ASK = _("Ask {asker} for a new link.")

WAYS_OUT: dict[str, WayOut] = {
    # The link
    "link_unknown": WayOut(
        _("This link does not exist"),
        _("Perhaps it was not copied whole. Open it again from the message you got."),
        status=404,
        sign="link",
    ),
    "too_many_tries": WayOut(
        _("Too many tries"), _("Wait a minute, then open the link from the message you got."), status=429, sign="clock"
    ),
    "link_revoked": WayOut(
        _("This link was taken back"), _("{asker} does not use it any more. Nothing is shared."), status=410, sign="ban"
    ),
    "team_closed": WayOut(
        _("This link is closed"),
        _("{asker} does not take cars any more. Nothing new is shared."),
        status=410,
        sign="ban",
    ),
    "link_expired": WayOut(_("This link is too old"), _ASK, status=410, sign="hourglass"),
    "link_used_up": WayOut(_("This link was used already"), _ASK, status=410, sign="link"),
    "brand_unknown": WayOut(
        _("This make can’t be connected"),
        _("This link is not for that make, or it is not offered yet."),
        Next.AGAIN,
        status=404,
        sign="car",
    ),
    "return_unknown": WayOut(
        _("This link leads astray"),
        _("It wants to send you on to a place that {asker} does not know. Open the link from the message you got."),
        status=400,
        sign="shield",
    ),
    "refused": WayOut(
        _("Nothing is shared"),
        _("You said no before signing in; {asker} gets nothing. If you change your mind, open the link again."),
        Next.AGAIN,
        sign="x",
        tone="ok",
        error="access_denied",
    ),
    # The way back from the maker
    "bad_callback": WayOut(
        _("We did not understand the answer"),
        _("The way back from your car maker was damaged. Nothing was shared."),
        Next.AGAIN,
        status=400,
    ),
    "wrong_state": WayOut(
        _("This sign-in did not begin here"),
        _("Open the link from your message and sign in again, in this same browser. Nothing was shared."),
        Next.AGAIN,
        status=400,
        sign="shield",
    ),
    "state_used": WayOut(
        _("This sign-in was used already"), _("Each sign-in works once. Nothing new was shared."), Next.AGAIN, 400
    ),
    "state_expired": WayOut(
        _("That took too long"),
        _("For your safety a sign-in is good for ten minutes. Nothing was shared."),
        Next.AGAIN,
        status=400,
        sign="hourglass",
    ),
    "other_browser": WayOut(
        _("This page belongs to another browser"),
        _("Go on in the browser in which you began, or open the link from the message you got here."),
        status=404,
        sign="shield",
    ),
    # What the maker or the owner said
    "denied": WayOut(
        _("You did not allow it"),
        _("You cancelled at {brand}. Nothing is shared with {asker}."),
        Next.AGAIN,
        sign="x",
        error="access_denied",
    ),
    "declined": WayOut(
        _("Nothing is shared"),
        _("You decided against it; {asker} sees none of your cars through this sign-in."),
        Next.AGAIN,
        sign="x",
        tone="ok",
        error="access_denied",
    ),
    "maker_refused": WayOut(
        _("{brand} did not let us go on"),
        _("Nothing was shared. You can try again, or tell {asker}."),
        Next.AGAIN,
        error="invalid_subscription",
    ),
    "maker_down": WayOut(
        _("{brand} does not answer"),
        _("That is not your fault, and nothing was shared. Try again in a few minutes."),
        Next.AGAIN,
        sign="offline",
    ),
    "maker_confused": WayOut(
        _("{brand} gave an answer we can’t use"),
        _("Nothing was shared. Try again later, or tell {asker}."),
        Next.AGAIN,
    ),
    "setup_required": WayOut(
        _("This can’t work right now"),
        _("The connection to {brand} is not set up rightly. Tell {asker}; you can do nothing about it."),
        sign="key",
    ),
    "code_refused": WayOut(
        _("The sign-in did not hold"), _("{brand} took it back before we could use it. Nothing was shared."), Next.AGAIN
    ),
    "nothing_granted": WayOut(
        _("The needed permissions are missing"),
        _("At {brand} you left out everything that {asker} needs. Nothing is shared."),
        Next.AGAIN,
        sign="ban",
        error="access_denied",
    ),
    "no_cars": WayOut(
        _("There is no car in this account"),
        _("You signed in at {brand}, but the account has no car that can be connected. Perhaps it is in another one."),
        Next.AGAIN,
        sign="car",
        error="no_vehicles",
    ),
    "wrong_car": WayOut(
        _("That car is not in this account"),
        _(
            "The link is for the car whose VIN ends in {vin_end}. You signed in at {brand}, but it is not in this "
            "account; nothing is shared. Sign in with the account that the car belongs to."
        ),
        Next.AGAIN,
        sign="car",
        error="no_vehicles",
    ),
    "vin_not_offered": WayOut(
        _("This car can’t be connected yet"),
        _("The link is for the car whose VIN ends in {vin_end}, and its make is not offered here. Tell {asker}."),
        sign="car",
        error="vehicle_incompatible",
    ),
    "vehicle_incompatible": WayOut(
        _("Your car can’t do what is needed"),
        _("Nothing is shared. Tell {asker}: perhaps they can ask for less. If you have another car, try its account."),
        Next.AGAIN,
        sign="car",
        error="vehicle_incompatible",
    ),
    "already_joined": WayOut(
        _("Your cars are connected already"),
        _("{asker} has all cars of this account. You can change what is shared."),
        Next.CHANGE,
        sign="check",
        tone="ok",
    ),
    "ended": WayOut(
        _("This sharing has ended"), _("{asker} does not reach your car through this sign-in any more."), sign="check"
    ),
    "expired": WayOut(
        _("You were away for a while"), _("We forgot this sign-in. Nothing was shared."), Next.AGAIN, sign="hourglass"
    ),
}


def describe_way_out(code: str, *, asker: str = "", brand: str = "", vin: str = "") -> dict[str, object]:
    """Return title, text, sign and tone of a way out with the names put in. Raises KeyError for an unknown code."""
    way = WAYS_OUT[code]
    names = {"asker": asker or gettext("The team"), "brand": brand or gettext("Your car maker"), "vin_end": vin[-5:]}
    return {
        "title": str(way.title).format(**names),
        "text": str(way.text).format(**names),
        "sign": way.sign,
        "tone": way.tone,
    }
