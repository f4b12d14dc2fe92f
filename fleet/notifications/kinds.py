"""What people are told of: one table, from which the reader of the log, the settings page and the tests are made."""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fleet.teams.roles import Permission


class Hears(Enum):
    """Who hears of an event, next to whoever holds the permission in its row.

    ASKER: who pressed, or who started the job, while they are a member who sees the car; of a command nobody like that
    is left for, those who hold the permission. PERSON: whose account it is. EVERYBODY: all members.
    """

    PERMITTED = "permitted"
    ASKER = "asker"
    PERSON = "person"
    EVERYBODY = "everybody"


@dataclass(frozen=True)
class Audience:
    """Whom an event concerns. with_subject: also the member whom it is about, whatever they may."""

    hears: Hears
    permission: Permission | None = None
    with_subject: bool = False


@dataclass(frozen=True)
class NoticeKind:
    """One line of the settings page. events: kind of event to audience; kinds of a later version may stand here.

    bell, letter: what holds until a person chooses. is_sure: about the safety of the account; it can't be switched off,
    waits for nothing and no hours. letter_elsewhere: it is written where the change is made, by django-allauth and by
    fleet.sign_on, also to the address that was replaced, which the log does not know.
    """

    key: str
    title: Promise
    hint: Promise
    area: Promise
    icon: str
    events: dict[str, Audience]
    bell: bool = True
    letter: bool = False
    is_sure: bool = False
    letter_elsewhere: bool = False


CONNECTORS = Audience(Hears.PERMITTED, Permission.CONNECT)
PRESSER = Audience(Hears.ASKER, Permission.RULES)
STARTER = Audience(Hears.ASKER)
KEEPERS_OF_MEMBERS = Audience(Hears.PERMITTED, Permission.MEMBERS)
KEEPERS_OF_KEYS = Audience(Hears.PERMITTED, Permission.KEYS)
PERSON = Audience(Hears.PERSON)
EVERYBODY = Audience(Hears.EVERYBODY)

CARS, TEAM, ACCOUNT = _("Vehicles and commands"), pgettext_lazy("notifications", "Team"), _("Your account")

KINDS: dict[str, NoticeKind] = {
    kind.key: kind
    for kind in (
        NoticeKind(
            "connection",
            _("A connection to a maker broke, or will"),
            _("For those who make share links."),
            CARS,
            "plug",
            {"connection.needs_owner": CONNECTORS, "connection.expiring": CONNECTORS},
            letter=True,
        ),
        NoticeKind(
            "command",
            _("A command was not proved, or was contradicted"),
            _("For who sent it; when they have left, for those who change rules."),
            CARS,
            "warn",
            {"command.unresolved": PRESSER, "command.contradicted": PRESSER},
            letter=True,
        ),
        NoticeKind(
            "ability",
            _("A vehicle gained or lost a command"),
            _("For those who make share links."),
            CARS,
            "car",
            {"vehicle.lost_command": CONNECTORS, "vehicle.gained_command": CONNECTORS},
            letter=True,
        ),
        NoticeKind(
            "job",
            _("A job ended"),
            _("For who started it."),
            CARS,
            "jobs",
            {"job.finished": STARTER, "job.ran_out": STARTER},
        ),
        NoticeKind(
            "joined",
            _("Somebody joined the team"),
            _("For those who manage members."),
            TEAM,
            "users",
            # An accepted invitation adds the member in the same transaction: one of the two is enough.
            {"member.added": KEEPERS_OF_MEMBERS},
            letter=True,
        ),
        NoticeKind(
            "member",
            _("A member was removed, or has another role"),
            _("For those who manage members, and for whose role it is."),
            TEAM,
            "user",
            {
                "member.removed": KEEPERS_OF_MEMBERS,
                "member.role_changed": Audience(Hears.PERMITTED, Permission.MEMBERS, with_subject=True),
            },
        ),
        NoticeKind(
            "key",
            _("A share link or an API token was made"),
            _("For those who make them too."),
            TEAM,
            "key",
            {
                "share_link.created": CONNECTORS,
                "token.created": KEEPERS_OF_KEYS,
                "token.made": KEEPERS_OF_KEYS,
            },
        ),
        NoticeKind(
            "team",
            _("The team is to be deleted"),
            _("For every member."),
            TEAM,
            "trash",
            {"team.closing": EVERYBODY, "team.reopened": EVERYBODY},
            letter=True,
        ),
        NoticeKind(
            "device",
            _("A sign-in from a new browser"),
            _("Always told, at once."),
            ACCOUNT,
            "monitor",
            {"account.new_device": PERSON},
            letter=True,
            is_sure=True,
        ),
        NoticeKind(
            "account",
            _("Password, address or second factor changed"),
            _("Always told, at once."),
            ACCOUNT,
            "shield",
            {
                "account.password_changed": PERSON,
                "account.email_changed": PERSON,
                "account.second_factor_added": PERSON,
                "account.second_factor_removed": PERSON,
                "account.factors_removed": PERSON,
            },
            is_sure=True,
            letter_elsewhere=True,
        ),
        NoticeKind(
            "linked",
            _("Single sign-on opens your account"),
            _("Always told, at once."),
            ACCOUNT,
            "link",
            {"account.linked": PERSON},
            letter=True,
            is_sure=True,
        ),
    )
}

KIND_OF_EVENT = {event: kind for kind in KINDS.values() for event in kind.events}
URGENT = tuple(kind.key for kind in KINDS.values() if kind.is_sure)


def audience_of(event_kind: str) -> Audience:
    """Return whom an event of this kind concerns."""
    return KIND_OF_EVENT[event_kind].events[event_kind]
