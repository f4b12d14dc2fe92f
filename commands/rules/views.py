"""Pages of rules: the list, which everybody of the team may read, and adding, changing, switching, removing."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commands.rules.access import get_rule, rules_of
from commands.rules.check import Rule, check_first_of, rule_of
from commands.rules.forms import FORMS, CheckFirstForm, RuleForm, make_rule_form
from commands.rules.models import TeamRule
from commands.rules.pages import choices, preview_of, row_of
from commands.rules.services import (
    TooManyRules,
    add_rule,
    change_rule,
    remove_rule,
    set_check_first,
    switch_rule,
)
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission


@require_GET
@login_required
@never_cache
def list_rules(request: HttpRequest) -> HttpResponse:
    return _show_list(request, get_current_membership(request, to=Permission.VIEW))


def _show_list(
    request: HttpRequest, membership: Membership, *, form: CheckFirstForm | None = None, status: int = 200
) -> HttpResponse:
    check_first_s = check_first_of([membership.team_id])[membership.team_id]
    context = {
        "rows": [row_of(rule) for rule in rules_of(membership)],
        "choices": choices(),
        "may_manage": membership.may(Permission.RULES),
        "check_first_s": check_first_s,
        "form": form or CheckFirstForm(initial={"check_first_s": check_first_s}),
    }
    return render(request, "rules/list.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_rule(request: HttpRequest) -> HttpResponse:
    """Show the form of a new rule, of the kind that ?kind= names, and add it."""
    membership = get_current_membership(request, to=Permission.RULES)
    form = _make_form(request, _kind(request.GET.get("kind", "")))
    if request.method != "POST":
        return _show_form(request, form)
    if not form.is_valid():
        return _show_form(request, form, status=422)
    try:
        add_rule(
            membership=membership,
            kind=form.kind,
            commands=form.chosen(),
            values=form.values(),
            blocks_unknown=form.blocks_unknown(),
        )
    except TooManyRules:
        form.add_error(None, _("Your team has 50 rules. Remove one that is no longer needed first."))
        return _show_form(request, form, status=422)
    messages.success(request, _("The rule holds from now on."))
    return redirect("rules:list")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_rule(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    row, membership = get_rule(request.user, rule_id)
    form = _make_form(request, row.kind, rule_of(row))
    if request.method != "POST":
        return _show_form(request, form, row)
    if not form.is_valid():
        return _show_form(request, form, row, status=422)
    change_rule(
        rule=row,
        membership=membership,
        commands=form.chosen(),
        values=form.values(),
        blocks_unknown=form.blocks_unknown(),
    )
    messages.success(request, _("The rule was changed and holds from now on."))
    return redirect("rules:list")


@require_POST
@login_required
@never_cache
def say_rule(request: HttpRequest) -> HttpResponse:
    """Say in words what a form that is being filled in would do. Writes nothing."""
    get_current_membership(request, to=Permission.RULES)
    form = make_rule_form(_kind(request.POST.get("kind", "")), data=request.POST)
    return render(request, "rules/_says.html", {"preview": preview_of(form)})


@require_POST
@login_required
def switch(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Switch a rule on or off, as the form says; not the other way round, so that a double press is harmless."""
    row, membership = get_rule(request.user, rule_id)
    switch_rule(rule=row, membership=membership, is_on=request.POST.get("on") == "1")
    return redirect("rules:list")


@require_POST
@login_required
@never_cache
def remove(request: HttpRequest, rule_id: UUID) -> HttpResponse:
    """Ask, and then remove a rule."""
    row, membership = get_rule(request.user, rule_id)
    if request.POST.get("confirm") != "1":
        return render(request, "rules/remove.html", {"row": row_of(row)})
    if remove_rule(rule=row, membership=membership):
        messages.success(request, _("The rule was removed."))
    return redirect("rules:list")


@require_POST
@login_required
def set_policy(request: HttpRequest) -> HttpResponse:
    """Set after how many seconds a known state is too old to send on."""
    membership = get_current_membership(request, to=Permission.RULES)
    form = CheckFirstForm(request.POST)
    if not form.is_valid():
        return _show_list(request, membership, form=form, status=422)
    set_check_first(membership=membership, check_first_s=form.cleaned_data["check_first_s"])
    messages.success(request, _("Saved."))
    return redirect("rules:list")


def _kind(kind: str) -> str:
    if kind not in FORMS:
        raise Http404
    return kind


def _make_form(request: HttpRequest, kind: str, rule: Rule | None = None) -> RuleForm:
    return make_rule_form(kind, data=request.POST if request.method == "POST" else None, rule=rule)


def _show_form(request: HttpRequest, form: RuleForm, row: TeamRule | None = None, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "choice": next(choice for choice in choices() if choice.kind == form.kind),
        "preview": preview_of(form),
        "row": row_of(row) if row is not None else None,
    }
    return render(request, "rules/form.html", context, status=status)
