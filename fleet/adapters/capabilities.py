"""Whether a car can do a command: yes, no or unknown, with why, the source and the date."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fleet.adapters.commands import KINDS
from fleet.adapters.rules import Number


class Answer(enum.Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Capability:
    """One command on one car. `why` is a code (not_equipped, not_offered, …); `ranges` narrow the vocabulary's own."""

    answer: Answer
    source: str
    checked_at: datetime
    why: str = ""
    ranges: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandCard:
    """What an adapter says of one command: where the fact comes from, when it was checked, tried live or not."""

    source: str
    checked_on: str
    live_tested: bool


class Tokens(enum.Enum):
    """Whose the access tokens are: each owner's login has its own, or the whole application has one."""

    OWNER = "owner"
    APPLICATION = "application"


class SignIn(enum.Enum):
    """How the address of an owner's sign-in comes about: made by us, or asked of the provider each time."""

    REDIRECT = "redirect"
    ASKED = "asked"


@dataclass(frozen=True)
class Limit:
    """No more than `limit` of a resource within `window_s` seconds, and what one costs; the words of fleet.budgets.

    resource: "calls", "commands" or "wakes"; per: "app", "account" or "car". unit_price: None where nothing is billed.
    """

    resource: str
    per: str
    limit: int
    window_s: int
    source: str
    checked_on: str
    unit_price: float | None = None
    currency: str = ""


@dataclass(frozen=True)
class Manifest:
    """What an adapter offers at all, before any car is asked. Declared equals implemented: a test holds it.

    reads and scopes are words of the vocabulary. answer_within_s: how long the maker may take to answer a command.
    can_wake: the maker has a call that wakes a car. can_poll: a reference given at acceptance can be asked about.
    grant_life_days: after so long the owner has to sign in again whatever happens; idle_life_days: a grant that was not
    refreshed for so long is dead. None: the maker does not say, so nothing is foretold.

    urls: the provider's addresses by name, where a registration names no others; regions: the keys of those that differ
    by region ("api_eu"). secrets: what a registration needs beside id and secret ("api_key"). callback_fields: what
    the way back from the sign-in carries beside the state. register_url: where an operator registers with the provider.
    """

    key: str
    name: str
    commands: Mapping[str, CommandCard]
    signals: frozenset[str]
    scopes: frozenset[str]
    answer_within_s: float
    can_wake: bool
    can_poll: bool
    refresh_tokens_rotate: bool
    grant_life_days: float | None = None
    idle_life_days: float | None = None
    tokens: Tokens = Tokens.OWNER
    sign_in: SignIn = SignIn.REDIRECT
    callback_fields: tuple[str, ...] = ("code",)
    has_webhooks: bool = False
    urls: Mapping[str, str] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    register_url: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.commands) - set(KINDS)
        if unknown:
            raise ValueError(f"{self.key} declares commands outside the vocabulary: {sorted(unknown)}")
