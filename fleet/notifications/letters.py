"""Gathering what waits into letters, and writing one: plain text in the reader's language, with what holds now."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Min, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.notifications.access import memberships_for_letters, readable
from fleet.notifications.choices import choices_of
from fleet.notifications.entries import Entry, entries_of
from fleet.notifications.kinds import URGENT
from fleet.notifications.models import Letter, Line
from fleet.notifications.words import WHAT_TO_DO

# So that what happens together is told together.
GATHERED_FOR = timedelta(seconds=60)
# Not more than one letter in so long, but for the safety of the account.
LETTER_EVERY = timedelta(minutes=10)
MOST_PEOPLE = 1_000
MOST_LINES = 50


def make_letters(*, now: datetime) -> int:
    """Put what waits and is due into letters, one a person; return how many. Only fleet.notifications.post calls it.

    What is about the safety of the account is due at once. The rest waits a minute for more of it, until ten minutes
    after the person's last letter, and until the end of their quiet hours.
    """
    waiting = Line.objects.filter(letter__isnull=True, user__is_active=True)
    urgent = waiting.filter(kind__in=URGENT).values_list("user_id", flat=True).distinct()
    made = _put_into_letters(list(urgent[:MOST_PEOPLE]), is_urgent=True, now=now)
    due = waiting.exclude(kind__in=URGENT).values("user_id").annotate(since=Min("created_at"))
    due = due.filter(since__lte=now - GATHERED_FOR).order_by("since").values_list("user_id", flat=True)
    # Who has just had a letter, or sleeps, must not stand in the way of the others: they are left out by the query,
    # the sleepers after it, so all of them are looked at.
    recent = Letter.objects.filter(is_urgent=False).filter(
        Q(ended_at__isnull=True) | Q(outcome=Letter.Outcome.SENT, ended_at__gt=now - LETTER_EVERY)
    )
    people = list(due.exclude(user_id__in=recent.values("user_id")))
    choices = choices_of(set(people))
    awake = [user_id for user_id in people if not choices[user_id].is_quiet(now)]
    return made + _put_into_letters(awake[:MOST_PEOPLE], is_urgent=False, now=now)


def _put_into_letters(user_ids: list[UUID], *, is_urgent: bool, now: datetime) -> int:
    if not user_ids:
        return 0
    letters = [Letter(user_id=user_id, is_urgent=is_urgent, try_at=now) for user_id in user_ids]
    with transaction.atomic():
        Letter.objects.bulk_create(letters)
        of_user = {letter.user_id: letter for letter in letters}
        waiting = Line.objects.filter(user_id__in=user_ids, letter__isnull=True)
        waiting = waiting.filter(kind__in=URGENT) if is_urgent else waiting.exclude(kind__in=URGENT)
        # Locked: what the reader counts into a line in this moment is in the letter, or in the next line.
        lines = list(waiting.select_for_update())
        for line in lines:
            line.letter = of_user[line.user_id]
        Line.objects.bulk_update(lines, ["letter"], batch_size=1000)
    return len(letters)


def compose(letter: Letter) -> EmailMessage | None:
    """Return the letter as it may be sent now; None when nothing of it may be told any more.

    Rights and choices are asked again: somebody who was removed, or chose otherwise, while it waited hears nothing.
    """
    user = letter.user
    if not user.is_active:
        return None
    memberships = memberships_for_letters(user)
    choices = choices_of([user.id])[user.id]
    rows = readable(Line.objects.filter(letter=letter), memberships).order_by("team_id", "at", "id")
    lines = [line for line in rows if choices.letter(line.kind)]
    language = user.language or next((one.team.language for one in memberships), "") or settings.LANGUAGE_CODE
    with translation.override(language):
        entries = entries_of(lines[:MOST_LINES], memberships)
        return _letter(letter, entries, more=len(lines) - MOST_LINES) if entries else None


def _letter(letter: Letter, entries: list[Entry], *, more: int) -> EmailMessage:
    settings_url = settings.PUBLIC_URL + reverse("notifications:settings")
    paragraphs = [_("Hello,"), *_paragraphs(entries)]
    if more > 0:
        page = settings.PUBLIC_URL + reverse("notifications:list")
        paragraphs.append(ngettext("And %(count)s more:", "And %(count)s more:", more) % {"count": more} + f"\n{page}")
    paragraphs.append(_("Choose what you are told of, and when:") + "\n" + settings_url)
    return EmailMessage(
        subject=_subject(entries),
        body="\n\n".join(paragraphs) + "\n",
        to=[letter.user.email],
        headers={
            # The same however often it is tried: after a crash between sending and noting it a mailbox sees one letter.
            "Message-ID": f"<{letter.id}@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}>",
            "List-Unsubscribe": f"<{settings_url}>",
            "Auto-Submitted": "auto-generated",
        },
    )


def _paragraphs(entries: list[Entry]) -> list[str]:
    """Return what is told, team by team, each with the address where to look."""
    paragraphs, spoken_of = [], None
    for entry in entries:
        if entry.team is not None and entry.team != spoken_of:
            spoken_of = entry.team
            paragraphs.append(_("In the team “%(team)s”:") % {"team": _one_line(str(entry.team))})
        advice = str(WHAT_TO_DO[entry.kind.key]) + "\n" if entry.kind.key in WHAT_TO_DO else ""
        paragraphs.append(f"{_one_line(entry.says)}\n{advice}{settings.PUBLIC_URL}{entry.url}")
    return paragraphs


def _subject(entries: list[Entry]) -> str:
    if len(entries) == 1:
        said = entries[0].says
    else:
        said = ngettext("%(count)s thing to know", "%(count)s things to know", len(entries)) % {"count": len(entries)}
    return settings.ACCOUNT_EMAIL_SUBJECT_PREFIX + _one_line(said)


def _one_line(text: str) -> str:
    """Return text without line breaks or other control characters, whatever stands in a name."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
