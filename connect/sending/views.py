"""Acts on the page of a link: look at a list, send it, remind, withdraw. A list is shown first and sent second."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from connect.access import get_share_link
from connect.link_views import render_link
from connect.sending.access import get_recipient
from connect.sending.forms import SendForm
from connect.sending.lists import Problem, cleaned, write_list
from connect.sending.services import NotSent, Refused, find_list_problems, remind, remind_all, send_to, withdraw
from connect.sending.words import PROBLEMS, REFUSALS

MOST_PROBLEMS_NAMED = 20


@require_POST
@login_required
@never_cache
def send_list(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Look at a list; with "send", send it. Of a list with a bad line nothing is sent."""
    link, membership = get_share_link(request.user, link_id)
    form = SendForm(request.POST, request.FILES)
    if not form.is_valid():
        return render_link(request, link, membership, status=422, send_form=form)
    try:
        if request.POST.get("act") == "send":
            count = send_to(link=link, membership=membership, entries=form.rows)
            sentence = ngettext("%(n)s letter is on its way.", "%(n)s letters are on their way.", count)
            messages.success(request, sentence % {"n": count})
            return redirect("connect:link", link.id)
        problems = find_list_problems(link=link, entries=form.rows)
    except Refused as refused:
        form.add_error("entries", REFUSALS[refused.code])
        return render_link(request, link, membership, status=422, send_form=form)
    except NotSent as refused:
        problems = list(refused.problems)
    if problems:
        _name(form, problems)
        return render_link(request, link, membership, status=422, send_form=form)
    rows = [cleaned(entry) for entry in form.rows]
    return render_link(request, link, membership, checked=rows, checked_text=write_list(rows))


def _name(form: SendForm, problems: list[Problem]) -> None:
    for problem in problems[:MOST_PROBLEMS_NAMED]:
        words = {"n": problem.line, "text": problem.text, "problem": PROBLEMS[problem.code]}
        form.add_error("entries", _("Line %(n)s: “%(text)s” %(problem)s.") % words)
    if (more := len(problems) - MOST_PROBLEMS_NAMED) > 0:
        form.add_error("entries", ngettext("And %(n)s more.", "And %(n)s more.", more) % {"n": more})


@require_POST
@login_required
def remind_everybody(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link, membership = get_share_link(request.user, link_id)
    try:
        count = remind_all(link=link, membership=membership)
    except Refused as refused:
        messages.error(request, REFUSALS[refused.code])
    else:
        sentence = ngettext("%(n)s reminder is on its way.", "%(n)s reminders are on their way.", count)
        messages.success(request, sentence % {"n": count} if count else _("Nobody to remind now."))
    return redirect("connect:link", link.id)


@require_POST
@login_required
def remind_one(request: HttpRequest, recipient_id: UUID) -> HttpResponse:
    recipient, membership = get_recipient(request.user, recipient_id)
    try:
        remind(recipient=recipient, membership=membership)
    except Refused as refused:
        messages.error(request, REFUSALS[refused.code])
    else:
        messages.success(request, _("A reminder is on its way; the link in the older letter works as well."))
    return redirect("connect:link", recipient.link_id)


@require_POST
@login_required
def withdraw_one(request: HttpRequest, recipient_id: UUID) -> HttpResponse:
    recipient, membership = get_recipient(request.user, recipient_id)
    if withdraw(recipient=recipient, membership=membership):
        messages.success(request, _("This personal link no longer works."))
    return redirect("connect:link", recipient.link_id)
