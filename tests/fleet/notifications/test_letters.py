"""What a letter says and when it is due: gathered, translated, not in quiet hours, and only what still holds."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone

from fleet.notifications.choices import Choices
from fleet.notifications.kinds import KINDS
from fleet.notifications.models import Letter, Line
from fleet.notifications.post import work_through
from fleet.notifications.services import choose
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Role
from fleet.teams.services import remove_member
from tests.factories import make_member, make_team
from tests.fleet.notifications.conftest import let_lines_wait_since, make_vehicle, read, waits, write

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = {"quiet_from": time(22), "quiet_until": time(6)}
JOINED = {"data": {"role": "viewer"}}


def post(now: datetime | None = None) -> list[str]:
    """Work through the post as the clock would in two minutes; the letters that went out, by address."""
    now = now or timezone.now() + timedelta(minutes=2)
    before = len(mail.outbox)
    work_through(now=now)
    return sorted(letter.to[0] for letter in mail.outbox[before:])


def happen(membership: Membership, kind: str = "member.added", **facts: object) -> None:
    write(kind, membership=membership, **{**JOINED, **facts})  # type: ignore[arg-type]
    read()


def test_letter_when_things_happen_then_one_tells_all_of_them_with_links_and_no_more(owner: Membership) -> None:
    vehicle = make_vehicle(owner, "HH-NL 1")
    for number in range(12):
        facts = {"vehicle_id": vehicle.id, "subject": f"command:{number}", "data": {"kind": "lock"}}
        write("command.unresolved", membership=owner, **facts)  # type: ignore[arg-type]
    happen(owner)

    assert post(timezone.now()) == []  # there may be more in a moment
    assert post() == [owner.user.email]

    letter = mail.outbox[-1]
    assert letter.subject == "Fleetwell: 2 things to know"
    assert letter.body == (
        "Hello,\n\n"
        "In the team “Example Fleet”:\n\n"
        "12 commands were not proved.\nhttp://localhost:8000/alerts/\n\n"
        "Somebody joined as Viewer.\nhttp://localhost:8000/members/\n\n"
        "Choose what you are told of, and when:\nhttp://localhost:8000/notifications/settings/\n"
    )
    sent = Letter.objects.get()
    assert letter.extra_headers == {
        "Message-ID": f"<{sent.id}@localhost>",
        "List-Unsubscribe": "<http://localhost:8000/notifications/settings/>",
        "Auto-Submitted": "auto-generated",
    }
    assert (sent.outcome, waits(owner.user)) == ("sent", [])


def test_letter_when_more_happens_then_it_waits_ten_minutes_after_the_last(owner: Membership) -> None:
    now = timezone.now()
    happen(owner)
    let_lines_wait_since(now - timedelta(minutes=5))
    first = post(now)
    happen(owner)
    let_lines_wait_since(now)

    times = [now + timedelta(minutes=minutes) for minutes in (2, 9, 11)]

    assert (first, [post(at) for at in times]) == ([owner.user.email], [[], [], [owner.user.email]])


def test_letter_when_the_reader_speaks_german_then_it_does_too(owner: Membership) -> None:
    owner.user.language = "de"
    owner.user.save(update_fields=["language"])
    happen(owner)

    post()

    assert "Guten Tag," in mail.outbox[-1].body
    assert "Viewer" not in mail.outbox[-1].body


@pytest.mark.parametrize("team", ["Nord\r\nBcc: thief@example.com", "Nord\u2028\x00\x1bwind"])
def test_letter_when_a_name_holds_line_breaks_then_it_stays_one_line(owner: Membership, team: str) -> None:
    Team.objects.filter(pk=owner.team_id).update(name=team.replace("\x00", ""))
    write("team.closing", membership=owner, data={})
    read()

    assert post() == [owner.user.email]

    letter = mail.outbox[-1].message()
    assert (letter["Bcc"], letter["To"]) == (None, owner.user.email)
    assert "Nord" in str(mail.outbox[-1].subject)
    assert [line for line in mail.outbox[-1].body.splitlines() if line.startswith("Bcc")] == []


@pytest.mark.parametrize("how", ["removed", "switched off", "inactive"])
def test_letter_when_the_right_ends_while_it_waits_then_it_says_nothing(owner: Membership, how: str) -> None:
    admin = make_member(owner.team, Role.ADMIN)
    happen(owner)
    if how == "removed":
        remove_member(membership=admin, actor=owner.user.actor)
    elif how == "switched off":
        off = dict.fromkeys(KINDS, (False, False))
        choose(user=admin.user, choices=off, quiet_from=None, quiet_until=None, time_zone="")
    else:
        admin.user.is_active = False
        admin.user.save(update_fields=["is_active"])

    assert post() == [owner.user.email]
    assert set(Letter.objects.filter(user=admin.user).values_list("outcome", flat=True)) <= {"empty"}


def test_letter_when_the_team_wants_a_second_factor_then_who_has_none_gets_none(owner: Membership) -> None:
    happen(owner)
    Team.objects.filter(pk=owner.team_id).update(requires_second_factor=True)

    assert post() == []


def test_choices_when_off_then_neither_bell_nor_letter_tell(owner: Membership) -> None:
    choose(
        user=owner.user,
        choices={"joined": (False, True), "member": (True, False)},
        quiet_from=None,
        quiet_until=None,
        time_zone="",
    )
    from tests.fleet.notifications.conftest import told

    happen(owner)
    happen(owner, "member.removed")

    assert (told(owner.user), waits(owner.user)) == ([("member.removed", 1)], [("member.added", 1)])


def test_security_when_it_happens_at_night_then_it_is_told_at_once_and_the_rest_in_the_morning(
    owner: Membership,
) -> None:
    choose(user=owner.user, choices={"device": (False, False)}, time_zone="Europe/Berlin", **NIGHT)  # type: ignore[arg-type]
    midnight = datetime(2026, 11, 24, 0, 30, tzinfo=BERLIN)
    happen(owner)
    for _ in range(3):
        facts = {"browser": "Firefox", "system": "Android"}
        write("account.new_device", actor=owner.user.actor, subject=owner.user.actor, data=facts)
        read()
        let_lines_wait_since(midnight - timedelta(hours=1))

        assert post(midnight) == [owner.user.email]
        midnight += timedelta(minutes=1)

    assert mail.outbox[-1].subject == (
        "Fleetwell: Your account was signed in to in a browser that we did not know: Firefox · Android."
    )
    assert "Was it you?" in mail.outbox[-1].body
    assert "joined" not in mail.outbox[-1].body
    assert post(datetime(2026, 11, 24, 5, 59, tzinfo=BERLIN)) == []
    assert post(datetime(2026, 11, 24, 6, 0, tzinfo=BERLIN)) == [owner.user.email]
    assert "joined" in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("at", "is_quiet"),
    [
        ("2026-11-23T21:59", False),
        ("2026-11-23T22:00", True),
        ("2026-11-24T05:59", True),
        ("2026-11-24T06:00", False),
        # The night in which 02:00 becomes 03:00, and the one in which 02:59 is followed by 02:00.
        ("2027-03-28T01:59", True),
        ("2027-03-28T03:00", True),
        ("2027-03-28T06:00", False),
        ("2026-10-25T02:30", True),
        ("2026-10-25T06:00", False),
    ],
)
def test_quiet_hours_when_over_midnight_then_the_clock_on_the_wall_decides(at: str, is_quiet: bool) -> None:
    choices = Choices(quiet_from=time(22), quiet_until=time(6), zone=BERLIN)
    local = datetime.fromisoformat(at)

    for fold in (0, 1):
        assert choices.is_quiet(local.replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)) is is_quiet


def test_quiet_hours_when_a_letter_is_tried_again_in_them_then_it_waits(owner: Membership) -> None:
    evening = datetime(2026, 11, 23, 21, 59, tzinfo=BERLIN)
    choose(user=owner.user, choices={}, time_zone="Europe/Berlin", **NIGHT)  # type: ignore[arg-type]
    happen(owner)
    letter = Letter.objects.create(user=owner.user, try_at=evening)
    Line.objects.update(letter=letter)

    assert post(evening + timedelta(minutes=2)) == []
    assert post(datetime(2026, 11, 24, 6, 1, tzinfo=BERLIN)) == [owner.user.email]


def test_letters_when_many_people_wait_then_each_gets_one_by_files(owner: Membership, tmp_path: Path) -> None:
    other = make_team()
    read()
    happen(owner)
    happen(other)
    files = {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(tmp_path)}

    with override_settings(**files):
        work_through(now=timezone.now() + timedelta(minutes=2))

    assert len(list(tmp_path.glob("*.log"))) == 2
