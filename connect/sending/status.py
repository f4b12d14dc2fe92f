"""How far each owner of a list is, as far as we know: from the letter to the car, or why it ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.models import Recipient, ShareLink, Visit
from connect.sending.services import why_not_remind
from connect.words import WAYS_OUT, describe_way_out
from fleet.vehicles.models import VehicleLink

# What a status is shown with: tone and icon of its pill.
SIGNS = {
    "done": ("ok", "check"),
    "stuck": ("danger", "warn"),
    "declined": ("warn", "x"),
    "step": ("accent", "arrow-right"),
    "opened": ("accent", "eye"),
    "sent": ("", "send"),
    "waiting": ("", "hourglass"),
    "retrying": ("warn", "hourglass"),
    "undeliverable": ("danger", "warn"),
    "handed": ("", "link"),
    "withdrawn": ("", "ban"),
}


@dataclass(frozen=True)
class RecipientRow:
    """One owner on the page of a link. status: a key of SIGNS; detail: more words; the urls only while they work."""

    name: str
    address: str
    vin: str
    status: str
    words: str
    detail: str
    sent_at: datetime | None
    sent_count: int
    remind_url: str
    withdraw_url: str

    @property
    def tone(self) -> str:
        return SIGNS[self.status][0]

    @property
    def sign(self) -> str:
        return SIGNS[self.status][1]


def recipient_rows(link: ShareLink, recipients: Iterable[Recipient]) -> list[RecipientRow]:
    """Return the lines of the owners of a link, with the latest pass of each."""
    recipients, now = list(recipients), timezone.now()
    passes = Visit.objects.filter(team_id=link.team_id, link=link, recipient__in=recipients)
    latest = {visit.recipient_id: visit for visit in passes.order_by("recipient", "-created_at").distinct("recipient")}
    cars = _cars_of(link, recipients)
    is_open = link.problem(now) in {"", "link_used_up"}
    rows = []
    for recipient in recipients:
        status, words, detail = _status(recipient, latest.get(recipient.id), cars.get(recipient.connection_id, []))
        may_remind = is_open and not why_not_remind(recipient, now)
        is_out = recipient.revoked_at is None and recipient.done_at is None
        rows.append(
            RecipientRow(
                name=recipient.name,
                address=recipient.email,
                vin=recipient.vin,
                status=status,
                words=words,
                detail=detail,
                sent_at=recipient.sent_at,
                sent_count=recipient.sent_count,
                remind_url=reverse("connect:remind_one", args=[recipient.id]) if may_remind else "",
                withdraw_url=reverse("connect:withdraw", args=[recipient.id]) if is_out else "",
            )
        )
    return rows


def _status(recipient: Recipient, visit: Visit | None, cars: list[str]) -> tuple[str, str, str]:
    """Return what is known of an owner: the latest that happened counts."""
    if recipient.done_at is not None:
        return "done", _("Connected"), ", ".join(cars)
    if recipient.revoked_at is not None:
        return "withdrawn", _("Withdrawn"), ""
    if visit is not None and not _has_newer_word(recipient, visit):
        return _of_visit(recipient, visit)
    if recipient.declined_at is not None:
        return "declined", _("Said no"), _("You can still remind them by hand.")
    if recipient.opened_at is not None:
        return "opened", _("Opened"), ""
    return _of_letter(recipient)


def _has_newer_word(recipient: Recipient, visit: Visit) -> bool:
    return recipient.declined_at is not None and recipient.declined_at > visit.created_at


def _of_visit(recipient: Recipient, visit: Visit) -> tuple[str, str, str]:
    if visit.step == Visit.Step.DECLINED:
        return "declined", _("Said no"), _("After signing in at %(brand)s.") % {"brand": visit.brand_name}
    if visit.step == Visit.Step.FAILED:
        code = visit.failure if visit.failure in WAYS_OUT else "expired"
        read = describe_way_out(code, asker=recipient.team.name, brand=visit.brand_name)["title"]
        return "stuck", _("Stuck"), _("They read: “%(title)s”") % {"title": read}
    steps = {
        Visit.Step.ASKING: _("Signing in at %(brand)s"),
        Visit.Step.SIGNING_IN: _("Signing in at %(brand)s"),
        Visit.Step.EXCHANGING: _("Waits for %(brand)s"),
        Visit.Step.REVIEW: _("Decides what to share"),
    }
    return "step", steps[Visit.Step(visit.step)] % {"brand": visit.brand_name}, ""


def _of_letter(recipient: Recipient) -> tuple[str, str, str]:
    if not recipient.email:
        return "handed", _("Handed over"), ""
    if recipient.send_at is None and recipient.sent_at is None:
        return "undeliverable", _("Could not be delivered"), _("The mail server refuses this address.")
    if recipient.sent_at is not None:
        letters = ngettext("%(n)s letter", "%(n)s letters", recipient.sent_count) % {"n": recipient.sent_count}
        return "sent", _("Sent"), letters
    if recipient.failures:
        return "retrying", _("Being tried again"), _("The mail server did not take it yet.")
    return "waiting", _("Waiting to be sent"), ""


def _cars_of(link: ShareLink, recipients: list[Recipient]) -> dict[object, list[str]]:
    connections = [one.connection_id for one in recipients if one.connection_id is not None]
    joined = VehicleLink.objects.filter(team_id=link.team_id, connection_id__in=connections)
    cars: dict[object, list[str]] = {}
    for one in joined.select_related("vehicle").order_by("vehicle__make", "vehicle__model", "id"):
        cars.setdefault(one.connection_id, []).append(one.vehicle.make_and_model)
    return cars
