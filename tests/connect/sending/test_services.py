"""Personal links: sending, letters, reminders, withdrawing, how far an owner is."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from connect.models import Recipient, ShareLink, Visit
from connect.sending import letters
from connect.sending.letters import write_due_letters, write_letter
from connect.sending.lists import read_list
from connect.sending.services import (
    NotSent,
    Refused,
    find_recipient,
    hand_over,
    note_done,
    note_opened,
    recipient_problem,
    remind,
    remind_all,
    send_to,
    withdraw,
)
from connect.sending.status import recipient_rows
from connect.services import revoke_share_link
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.sealing import hash_token
from tests.connect.conftest import make_link, make_member
from tests.connect.sending.conftest import read_letters, send
from tests.factories import make_visit
from tests.fleet.members.conftest import at_once

VIN, OTHER_VIN = "WVWZZZ1JZXW000001", "WVWZZZ1JZXW000002"


def kinds_of(link: ShareLink) -> list[tuple[str, object]]:
    told = Event.objects.filter(subject=f"share_link:{link.id}").exclude(kind="share_link.created").order_by("id")
    return [(event.kind, event.data.get("count")) for event in told]


def age(recipient: Recipient, hours: float) -> None:
    """Let time pass since the last letter."""
    Recipient.objects.filter(pk=recipient.pk).update(sent_at=timezone.now() - timedelta(hours=hours))
    recipient.refresh_from_db()


def test_send_when_there_are_several_then_each_has_a_letter_and_a_link_of_their_own(
    link: ShareLink, manager: Membership
) -> None:
    made = send(link, manager, f"email,name,language,vin\nada@example.com,Ada,de,{VIN}\nbo@example.com,,,")

    secrets = read_letters()

    assert [letter.to for letter in mail.outbox] == [["ada@example.com"], ["bo@example.com"]]
    assert [find_recipient(secret) for secret in secrets] == made
    assert len(set(secrets)) == 2
    assert kinds_of(link) == [("share_link.sent", 2)]
    for one in made:
        one.refresh_from_db()
    assert [(one.sent_count, one.send_at, one.failures, one.vin) for one in made] == [
        (1, None, 0, VIN),
        (1, None, 0, ""),
    ]
    assert [one.secret_hash for one in made] == [hash_token(secret) for secret in secrets]


def test_letter_when_the_owner_speaks_german_then_it_says_all_there_is_to_know(manager: Membership) -> None:
    link, _ = make_link(manager)
    ends_at = timezone.now() + timedelta(days=90)
    ShareLink.objects.filter(pk=link.pk).update(message="For the\ncharging.", language="en", consent_ends_at=ends_at)
    send(link, manager, f"email,name,language,vin\nada@example.com,Ada,de,{VIN}\nbo@example.com,,,")
    read_letters()

    german, english = (str(letter.body) for letter in mail.outbox)

    assert "Hello," in english
    assert "> For the\n> charging." in english
    assert "- Battery and range\n" in english
    assert "- Location (your choice)" in english
    assert "If you do not know Team of manager, do nothing" in english
    assert "Hello" not in german
    assert "> For the\n> charging." in german
    assert VIN[-5:] in german
    assert VIN not in german
    assert mail.outbox[1].subject == "Team of manager asks to connect your car"


def test_letter_when_the_teams_name_breaks_lines_then_the_subject_is_one_line(
    link: ShareLink, manager: Membership
) -> None:
    manager.team.name = "Evil\nBcc: everybody@example.com"
    manager.team.save(update_fields=["name"])
    send(link, manager, "ada@example.com")
    read_letters()

    assert mail.outbox[0].subject == "Evil Bcc: everybody@example.com asks to connect your car"
    assert mail.outbox[0].recipients() == ["ada@example.com"]


def test_send_when_a_line_is_bad_then_nothing_is_written(link: ShareLink, manager: Membership) -> None:
    send(link, manager, "ada@example.com")

    with pytest.raises(NotSent) as refused:
        send_to(link=link, membership=manager, entries=read_list("new@example.com\nADA@example.com\nnobody"))

    assert [(problem.line, problem.code) for problem in refused.value.problems] == [
        (2, "invited"),
        (3, "not_an_address"),
    ]
    assert list(Recipient.objects.values_list("email", flat=True)) == ["ada@example.com"]


@pytest.mark.parametrize("text", ["", "\n".join(f"a{n}@example.com" for n in range(501))])
def test_send_when_there_is_nobody_or_too_many_then_it_is_refused(
    link: ShareLink, manager: Membership, text: str
) -> None:
    with pytest.raises(Refused):
        send_to(link=link, membership=manager, entries=read_list(text))

    assert not Recipient.objects.exists()


def test_send_when_the_link_is_closed_then_nothing_is_written_or_sent(link: ShareLink, manager: Membership) -> None:
    (recipient,) = send(link, manager, "ada@example.com")
    revoke_share_link(link=link, actor=manager.user.actor)

    with pytest.raises(Refused, match="link_closed"):
        send_to(link=link, membership=manager, entries=read_list("bo@example.com"))

    assert write_due_letters() == 0
    assert not mail.outbox
    link.refresh_from_db()
    recipient.link = link
    assert recipient_problem(recipient, timezone.now()) == "link_revoked"


def test_send_when_pressed_twice_at_once_then_everybody_is_asked_once(committed_db: Any) -> None:
    manager = make_member("manager")
    link, _ = make_link(manager)
    entries = read_list("ada@example.com\nbo@example.com")

    def press() -> int:
        return send_to(link=link, membership=manager, entries=entries)

    answers = at_once(press, press)

    assert sorted(str(answer) for answer in answers) == ["2", "not_sent"]
    assert Recipient.objects.filter(link=link).count() == 2


def test_letter_when_two_workers_write_at_once_then_it_goes_out_once(committed_db: Any) -> None:
    manager = make_member("manager")
    link, _ = make_link(manager)
    (recipient,) = send(link, manager, "ada@example.com")

    answers = at_once(*[lambda: write_letter(recipient.id)] * 4)

    assert sorted(answers) == [False, False, False, True]
    assert len(mail.outbox) == 1


def test_letter_when_the_mail_server_is_down_then_it_is_kept_and_tried_later(
    link: ShareLink, manager: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recipient,) = send(link, manager, "ada@example.com")
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", _raise(SMTPServerDisconnected("gone")))
        assert write_letter(recipient.id) is False
    recipient.refresh_from_db()
    waits = recipient.send_at - timezone.now()
    (row,) = recipient_rows(link, [recipient])

    assert (recipient.failures, recipient.sent_count, row.status) == (1, 0, "retrying")
    assert timedelta(seconds=50) < waits <= timedelta(minutes=1)
    assert write_due_letters() == 0
    Recipient.objects.update(send_at=timezone.now())
    assert write_due_letters() == 1
    assert len(mail.outbox) == 1


def test_letter_when_its_worker_died_then_another_one_writes_it(
    link: ShareLink, manager: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recipient,) = send(link, manager, "ada@example.com")
    with monkeypatch.context() as killed:
        killed.setattr("django.core.mail.EmailMessage.send", _raise(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            write_letter(recipient.id)
    recipient.refresh_from_db()

    assert timedelta(minutes=9) < recipient.send_at - timezone.now() <= letters.LEASE
    Recipient.objects.update(send_at=timezone.now())
    assert write_letter(recipient.id) is True


def test_letter_when_the_address_is_refused_then_it_is_not_tried_again(
    link: ShareLink, manager: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recipient,) = send(link, manager, "ada@example.com")
    error = SMTPRecipientsRefused({"ada@example.com": (550, b"no such user")})
    monkeypatch.setattr("django.core.mail.EmailMessage.send", _raise(error))

    assert write_letter(recipient.id) is False

    recipient.refresh_from_db()
    (row,) = recipient_rows(link, [recipient])
    assert (recipient.send_at, row.status, bool(row.remind_url)) == (None, "undeliverable", True)


def _raise(error: BaseException) -> Any:
    def send(_self: object) -> None:
        raise error

    return send


def test_remind_when_a_day_has_passed_then_the_older_letter_still_works(link: ShareLink, manager: Membership) -> None:
    (recipient,) = send(link, manager, "ada@example.com")
    read_letters()
    age(recipient, 25)

    remind(recipient=recipient, membership=manager)
    first, second = read_letters()

    assert (first, find_recipient(first)) == (second, recipient)
    assert mail.outbox[1].subject.startswith("Reminder: ")
    assert kinds_of(link)[-1] == ("share_link.reminded", 1)


def test_remind_when_it_would_be_a_nuisance_then_it_is_refused(link: ShareLink, manager: Membership) -> None:
    (recipient,) = send(link, manager, "ada@example.com")
    refusals = [refusal_of(recipient, manager)]
    read_letters()
    recipient.refresh_from_db()
    refusals.append(refusal_of(recipient, manager))
    Recipient.objects.update(sent_count=3)
    age(recipient, 25)
    refusals.append(refusal_of(recipient, manager))
    Recipient.objects.update(sent_count=1, revoked_at=timezone.now())
    recipient.refresh_from_db()
    refusals.append(refusal_of(recipient, manager))

    assert refusals == ["waits", "too_soon", "too_many_letters", "over"]
    assert remind_all(link=link, membership=manager) == 0


def refusal_of(recipient: Recipient, membership: Membership) -> str:
    with pytest.raises(Refused) as refused:
        remind(recipient=recipient, membership=membership)
    return refused.value.code


def test_remind_all_when_pressed_then_only_who_is_not_done_gets_a_letter(link: ShareLink, manager: Membership) -> None:
    done, no, _waits, young, late = send(link, manager, "\n".join(f"{one}@example.com" for one in "abcde"))
    read_letters()
    now = timezone.now()
    Recipient.objects.exclude(pk=young.pk).update(sent_at=now - timedelta(hours=25))
    Recipient.objects.filter(pk=done.pk).update(done_at=now)
    Recipient.objects.filter(pk=no.pk).update(declined_at=now)
    Recipient.objects.filter(pk=_waits.pk).update(send_at=now)

    assert remind_all(link=link, membership=manager) == 1

    late.refresh_from_db()
    young.refresh_from_db()
    assert (late.send_at is not None, young.send_at) == (True, None)


def test_withdraw_when_it_was_out_then_its_link_is_dead_and_who_is_asked_anew_gets_another(
    link: ShareLink, manager: Membership
) -> None:
    (recipient,) = send(link, manager, f"email,vin\nada@example.com,{VIN}")
    (secret,) = read_letters()

    assert withdraw(recipient=recipient, membership=manager) is True
    assert withdraw(recipient=recipient, membership=manager) is False
    found = find_recipient(secret)
    assert found is not None
    assert recipient_problem(found, timezone.now()) == "link_revoked"
    (again,) = send(link, manager, "ada@example.com")
    assert (again.pk == recipient.pk, find_recipient(secret)) == (False, None)
    assert read_letters()[1] != secret


def test_done_when_noted_then_it_works_once_and_not_at_all_when_withdrawn(link: ShareLink, manager: Membership) -> None:
    first, second = send(link, manager, "a@example.com\nb@example.com")
    connection = _any_connection()
    withdraw(recipient=second, membership=manager)

    assert [note_done(first, connection), note_done(first, connection), note_done(second, connection)] == [
        True,
        False,
        False,
    ]
    first.refresh_from_db()
    assert recipient_problem(first, timezone.now()) == "link_used_up"


def _any_connection() -> Any:
    return None  # a personal link may be done without one: it is only kept for the page


def test_problem_when_the_links_own_uses_are_over_then_a_personal_link_still_works(
    link: ShareLink, manager: Membership
) -> None:
    (recipient,) = send(link, manager, "a@example.com")
    ShareLink.objects.filter(pk=link.pk).update(uses=1)
    recipient.link.refresh_from_db()

    assert recipient.link.problem(timezone.now()) == "link_used_up"
    assert recipient_problem(recipient, timezone.now()) == ""


def test_hand_over_when_cars_are_given_then_each_has_a_link_that_is_found_and_none_twice(
    link: ShareLink, manager: Membership
) -> None:
    made = hand_over(link=link, membership=manager, vins=[OTHER_VIN, VIN])

    assert [recipient.vin for recipient, _ in made] == [OTHER_VIN, VIN]
    assert [find_recipient(secret) for _, secret in made] == [recipient for recipient, _ in made]
    assert hand_over(link=link, membership=manager, vins=[VIN]) == []
    assert kinds_of(link) == [("share_link.handed_over", 2)]


def test_events_when_owners_are_asked_then_neither_address_nor_secret_nor_vin_is_told(
    link: ShareLink, manager: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    (recipient,) = send(link, manager, f"email,name,vin\nada@example.com,Ada,{VIN}")
    (secret,) = read_letters()
    withdraw(recipient=recipient, membership=manager)

    told = str(list(Event.objects.values())) + caplog.text

    assert [word for word in ("ada@example.com", "Ada", VIN, secret) if word in told] == []


def test_status_when_owners_are_at_different_places_then_each_row_tells_the_latest(
    link: ShareLink, manager: Membership, provider: Any
) -> None:
    waiting, _sent, opened, going, stuck, no, gone = send(
        link, manager, "\n".join(f"{one}@example.com" for one in "abcdefg")
    )
    Recipient.objects.exclude(pk=waiting.pk).update(sent_at=timezone.now(), sent_count=1, send_at=None)
    for one in (opened, going, stuck, no):
        note_opened(one)
    Recipient.objects.filter(pk=no.pk).update(declined_at=timezone.now())
    withdraw(recipient=gone, membership=manager)
    make_pass(link, manager, provider, going)
    make_pass(link, manager, provider, stuck, step="failed", failure="no_cars", finished_at=timezone.now())
    hand_over(link=link, membership=manager, vins=[VIN])

    rows = recipient_rows(link, Recipient.objects.filter(link=link).select_related("team").order_by("email"))

    assert [(row.status, row.words, row.detail) for row in rows] == [
        ("handed", "Handed over", ""),
        ("waiting", "Waiting to be sent", ""),
        ("sent", "Sent", "1 letter"),
        ("opened", "Opened", ""),
        ("step", "Signing in at Volkswagen", ""),
        ("stuck", "Stuck", "They read: “There is no car in this account”"),
        ("declined", "Said no", "You can still remind them by hand."),
        ("withdrawn", "Withdrawn", ""),
    ]
    assert [bool(row.withdraw_url) for row in rows] == [True] * 7 + [False]


def make_pass(link: ShareLink, manager: Membership, provider: Any, recipient: Recipient, **facts: object) -> None:
    visit = make_visit(manager, provider)
    Visit.objects.filter(pk=visit.pk).update(link=link, recipient=recipient, verifier_sealed=None, **facts)
