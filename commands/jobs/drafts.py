"""A job that a person is putting together: what they filled in, and the preview of what it would do."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from commands.forms import CommandForm, make_form
from commands.jobs.forms import HOUR_MIN, OptionsForm, problem_of
from commands.jobs.preview import Example, Preview, ProviderShare, Skipped, preview_job
from fleet.adapters.commands import Command as Order
from fleet.adapters.commands import make_command
from fleet.adapters.rules import InvalidParameter
from fleet.teams.models import Membership
from fleet.vehicles.filters import VehicleFilter

TOKEN_MAX_LENGTH = 64
# What a form offers before somebody chose.
FIRST_VALUES: Mapping[str, Mapping[str, Any]] = {
    "set_charge_limit": {"limit_percent": 80},
    "set_temperature": {"temperature_c": 21.0},
}
SKIPPED_ICONS = {
    "no_consent": "user",
    "needs_owner": "user",
    "needs_pairing": "key",
    "connection_ended": "link",
    "rule": "shield",
    "busy": "clock",
}
OPTION_NAMES = ("pace_per_min", "stop_share_percent", "within_min")


@dataclass(frozen=True)
class Draft:
    """What templates/jobs/_draft.html shows.

    order, preview: None until the values are good. token: names this form, so that sending it twice starts one job.
    problem: what is wrong with the whole, for example too many cars.
    """

    kind: str
    cars: VehicleFilter
    form: CommandForm | None
    options: OptionsForm
    order: Order | None
    preview: Preview | None
    token: str
    is_refused: bool
    problem: str = ""

    @property
    def can_start(self) -> bool:
        return self.preview is not None and self.preview.eligible > 0 and not self.is_refused

    @property
    def skipped(self) -> list["SkippedGroup"]:
        return [] if self.preview is None else [_group(skipped) for skipped in self.preview.skipped]

    @property
    def skipped_count(self) -> int:
        return 0 if self.preview is None else self.preview.total - self.preview.eligible

    @property
    def calls(self) -> int:
        return sum(share.calls for share in self._shares)

    @property
    def wakes(self) -> int:
        return sum(share.wakes for share in self._shares)

    @property
    def money(self) -> list[tuple[Decimal, str]]:
        """Return what it costs per currency, where somebody counts."""
        costs: dict[str, Decimal] = {}
        for share in self._shares:
            if share.money is not None:
                costs[share.currency] = costs.get(share.currency, Decimal(0)) + share.money
        return [(amount, currency) for currency, amount in sorted(costs.items())]

    @property
    def is_short_of_budget(self) -> bool:
        return any(share.limit == "budget" for share in self._shares)

    @property
    def _shares(self) -> tuple[ProviderShare, ...]:
        return () if self.preview is None else self.preview.providers

    def hidden(self) -> list[tuple[str, str]]:
        """Return what the question before a risky job carries on, by the names of the form."""
        values = dict(self.order.parameters()) if self.order is not None else {}
        values |= {name: self.options.data.get(name, "") for name in OPTION_NAMES}
        return [(name, str(value)) for name, value in [*values.items(), ("token", self.token)]]

    def note(self, error: InvalidParameter) -> bool:
        """Show at its field what a service refused of the values; say whether there is such a field."""
        if self.form is None or error.field not in self.form.fields:
            return False
        self.form.note(error)
        return True


@dataclass(frozen=True)
class NextStep:
    label: str
    url: str


@dataclass(frozen=True)
class SkippedGroup:
    """Cars that would not get it, for one reason, with what can be done about it. others: how many are not named."""

    sentence: str
    count: int
    icon: str
    examples: tuple[Example, ...]
    others: int
    next_step: NextStep | None


def _group(skipped: Skipped) -> SkippedGroup:
    return SkippedGroup(
        sentence=skipped.sentence,
        count=skipped.count,
        icon=SKIPPED_ICONS.get(skipped.code, "ban"),
        examples=skipped.examples,
        others=skipped.count - len(skipped.examples),
        next_step=_next_step(skipped.code),
    )


def _next_step(code: str) -> NextStep | None:
    if code in {"no_consent", "needs_owner", "connection_ended", "needs_pairing"}:
        return NextStep(_("Ask the owner"), reverse("connect:links"))
    if code == "rule":
        return NextStep(_("Look at the rules"), reverse("rules:list"))
    return None


def read_draft(request: HttpRequest, membership: Membership, cars: VehicleFilter, kind: str) -> Draft:
    """Read what was filled in, and look ahead at what it would do."""
    is_sent = request.method == "POST"
    form = _read_values(request, kind)
    options = OptionsForm(request.POST if is_sent else {"within_min": HOUR_MIN})
    order = _order_of(kind, form)
    is_good = options.is_valid() and order is not None
    token = request.POST.get("token", "")
    is_token = 0 < len(token) <= TOKEN_MAX_LENGTH and token.isascii() and token.isprintable()
    preview, problem = _look_ahead(membership, cars, order, options) if is_good else (None, "")
    is_refused = bool(problem or options.errors or (form is not None and form.errors))
    made = token if is_token else secrets.token_urlsafe(16)
    return Draft(kind, cars, form, options, order, preview, made, is_refused, problem)


def _read_values(request: HttpRequest, kind: str) -> CommandForm | None:
    if request.method != "POST":
        first = FIRST_VALUES.get(kind)
        return make_form(kind, {}, data=first)
    form = make_form(kind, {}, data=request.POST)
    if form is None or not request.htmx or request.POST.get("step"):  # type: ignore[attr-defined]
        return form
    # While somebody still types, what is missing is no mistake yet.
    is_unfinished = any(field.required and form[name].data in {None, ""} for name, field in form.fields.items())
    return make_form(kind, {}, initial=request.POST.dict()) if is_unfinished else form


def _order_of(kind: str, form: CommandForm | None) -> Order | None:
    if form is None:
        return make_command(kind, {})
    return form.make_order() if form.is_bound else None


def _look_ahead(
    membership: Membership, cars: VehicleFilter, order: Order | None, options: OptionsForm
) -> tuple[Preview | None, str]:
    if order is None:
        return None, ""
    try:
        preview = preview_job(
            membership=membership,
            cars=cars,
            order=order,
            pace_per_min=options.cleaned_data["pace_per_min"],
            deadline=options.deadline(),
        )
    except InvalidParameter as error:
        return None, "" if options.note(error) else problem_of(error)
    return preview, ""
