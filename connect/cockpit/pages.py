"""What the cockpit's pages show, made from rows: tabs, lines and what came of asking. No rights, no changes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from connect.cockpit.facts import observed_at, read_facts, shown_links
from connect.cockpit.health import REPAIRABLE, Facts, Health, State, judge
from connect.cockpit.repair import Ask, latest_asks
from connect.cockpit.words import SIGNS, TITLES, TONES, sentence, why_ends
from connect.scopes import scope_lines
from fleet.teams.models import Membership
from fleet.vehicles.access import vehicles_of
from fleet.vehicles.models import VehicleLink

PAGE_SIZE = 50
TEXT_MAX_LENGTH = 100


@dataclass(frozen=True)
class Chosen:
    """What the address narrows the list to; anything that is none of it narrows nothing."""

    state: State | None = None
    make: str = ""
    text: str = ""

    @property
    def query(self) -> str:
        """Return it as an address says it."""
        said = {"state": self.state.value if self.state else "", "make": self.make, "q": self.text}
        return urlencode({name: value for name, value in said.items() if value})

    def includes(self, health: Health) -> bool:
        """Say whether a health is of the tab. What has ended has a tab of its own."""
        return health.state is self.state if self.state else health.state is not State.ENDED


@dataclass(frozen=True)
class Tab:
    title: str
    count: int
    query: str
    is_current: bool


@dataclass(frozen=True)
class ConnectionRow:
    """One line: the link, its health, and the last time its owner was asked, if ever."""

    link: VehicleLink
    health: Health
    heard_at: datetime | None
    observed_at: datetime | None
    ask: Ask | None

    @property
    def title(self) -> str:
        return str(TITLES[self.health.state])

    @property
    def tone(self) -> str:
        return TONES[self.health.state]

    @property
    def sign(self) -> str:
        return SIGNS[self.health.state]

    @property
    def sentence(self) -> str:
        return sentence(self.health)

    @property
    def why_ends(self) -> str:
        return why_ends(self.health)

    @property
    def missing(self) -> list[str]:
        return [line.title for line in scope_lines(needed=self.health.missing)]

    @property
    def can_ask(self) -> bool:
        return self.health.state in REPAIRABLE

    @property
    def has_button(self) -> bool:
        """Say whether the line itself offers to ask: not where all is well, nor where a letter just went out."""
        is_open = self.ask is not None and self.ask.is_open
        may_again = self.ask.may_again if self.ask is not None and is_open else True
        return self.can_ask and self.health.state is not State.WORKS and may_again

    @property
    def noticed_at(self) -> datetime | None:
        """Return since when it is so, where no other column tells."""
        return self.health.since if self.health.state in {State.NEEDS_OWNER, State.MAKER_DOWN} else None


@dataclass(frozen=True)
class Cockpit:
    """The list as one page shows it."""

    rows: list[ConnectionRow]
    page: Page[Any]
    tabs: list[Tab]
    makes: list[str]
    chosen: Chosen
    total: int


def read_chosen(values: Any) -> Chosen:
    """Read what an address narrows to."""
    states = {state.value: state for state in State}
    make, text = values.get("make", "")[:60].replace("\0", ""), values.get("q", "").replace("\0", "")
    return Chosen(states.get(values.get("state", "")), make, text.strip()[:TEXT_MAX_LENGTH])


def make_cockpit(membership: Membership, chosen: Chosen, page_number: str | None, *, now: datetime) -> Cockpit:
    """Return the list, the worst first, in a fixed number of queries."""
    everything = shown_links(membership, now=now)
    makes = vehicles_of(membership).order_by("make").values_list("make", flat=True).distinct()
    judged = [(key, facts, judge(facts, now=now)) for key, facts in read_facts(narrow(everything, chosen))]
    counts = Counter(health.state for _key, _facts, health in judged)
    found = [one for one in judged if chosen.includes(one[2])]
    found.sort(key=lambda one: (one[2].rank, one[0]))
    page = Paginator(found, PAGE_SIZE).get_page(page_number)
    return Cockpit(
        rows=rows_of(membership, page.object_list),
        page=page,
        tabs=_tabs(counts, chosen),
        makes=[make for make in makes if make],
        chosen=chosen,
        total=len(judged),
    )


def ids_of(membership: Membership, chosen: Chosen, *, now: datetime) -> list[UUID]:
    """Return the links of all pages of a list."""
    facts = read_facts(narrow(shown_links(membership, now=now), chosen))
    return [key for key, one in facts if chosen.includes(judge(one, now=now))]


def narrow(links: QuerySet[VehicleLink], chosen: Chosen) -> QuerySet[VehicleLink]:
    """Return the links of a make and with a text in car or owner."""
    if chosen.make:
        links = links.filter(vehicle__make=chosen.make)
    if chosen.text:
        columns = ["vehicle__plate", "vehicle__name", "vehicle__vin", "vehicle__make", "vehicle__model"]
        columns += ["connection__owner__name", "connection__owner__email"]
        wanted = Q()
        for column in columns:
            wanted |= Q(**{f"{column}__icontains": chosen.text})
        links = links.filter(wanted)
    return links


def rows_of(membership: Membership, judged: Iterable[tuple[UUID, Facts, Health]]) -> list[ConnectionRow]:
    """Return the lines of judged links, in their order."""
    judged = list(judged)
    links = VehicleLink.objects.filter(team_id=membership.team_id, pk__in=[key for key, _facts, _health in judged])
    by_id = {link.id: link for link in links.select_related("vehicle", "connection__owner", "connection__account__app")}
    newest = observed_at((link.vehicle_id for link in by_id.values()), team_id=membership.team_id)
    asks = latest_asks((link.connection_id for link in by_id.values()), team_id=membership.team_id)
    return [
        ConnectionRow(
            link,
            health,
            facts.heard_at,
            newest.get(link.vehicle_id),
            asks.get(link.connection_id) if facts.ended_at is None else None,
        )
        for key, facts, health in judged
        if (link := by_id.get(key)) is not None
    ]


def _tabs(counts: Counter[State], chosen: Chosen) -> list[Tab]:
    live = sum(number for state, number in counts.items() if state is not State.ENDED)
    tabs = [Tab(_("All"), live, _query(chosen, None), chosen.state is None)]
    tabs += [
        Tab(str(TITLES[state]), counts[state], _query(chosen, state), chosen.state is state)
        for state in State
        if counts[state] or chosen.state is state
    ]
    return tabs


def _query(chosen: Chosen, state: State | None) -> str:
    return Chosen(state, chosen.make, chosen.text).query
