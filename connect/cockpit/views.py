"""Pages of the cockpit: all connections of a team, one of them, asking owners to repair theirs."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from connect.cockpit.access import get_connection, links_of, live_connections
from connect.cockpit.facts import read_facts, shown_links
from connect.cockpit.forms import AskForm, OwnerEmailForm
from connect.cockpit.health import judge
from connect.cockpit.pages import ids_of, make_cockpit, read_chosen, rows_of
from connect.cockpit.repair import MOST_AT_ONCE, CannotAsk, ask_many, ask_owner, plan_asks, set_email
from connect.models import Recipient
from connect.qr import qr_path
from connect.sending.services import secret_of
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.models import Connection


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def list_connections(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.CONNECT)
    chosen = read_chosen(request.GET)
    cockpit = make_cockpit(membership, chosen, request.GET.get("page"), now=timezone.now())
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "connections/list.html#list" if is_part else "connections/list.html"
    answer = render(request, template, {"cockpit": cockpit, "chosen": chosen})
    if is_part:
        answer["HX-Push-Url"] = reverse("connect:connections") + (f"?{chosen.query}" if chosen.query else "")
    return answer


@require_GET
@login_required
@never_cache
def show_connection(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection, membership = get_connection(request.user, connection_id)
    return _show(request, connection, membership)


@require_POST
@login_required
def ask(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask one owner: by letter, or with a link that is shown in this very answer and in no other."""
    connection, membership = get_connection(request.user, connection_id)
    form = AskForm(request.POST, team=membership.team)
    if not form.is_valid():
        return _show(request, connection, membership, ask_form=form, status=422)
    by_hand = request.POST.get("by") == "hand"
    try:
        recipient = ask_owner(
            connection=connection, membership=membership, consent_ends_at=form.ends_at(), by_hand=by_hand
        )
    except CannotAsk as error:
        messages.warning(request, _WHY_NOT[error.code]())
        return _back(request, connection)
    if by_hand or not recipient.email:
        return _show(request, connection, membership, recipient=recipient)
    messages.success(request, _("A letter to the owner is on its way."))
    return _back(request, connection)


@require_POST
@login_required
def change_email(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    connection, membership = get_connection(request.user, connection_id)
    form = OwnerEmailForm(request.POST)
    if not form.is_valid():
        return _show(request, connection, membership, email_form=form, status=422)
    if set_email(owner=connection.owner, email=form.cleaned_data["email"], actor=membership.user.actor):
        messages.success(request, _("The owner’s e-mail address was changed."))
    return redirect("connect:connection", connection.id)


@require_POST
@login_required
@never_cache
def ask_several(request: HttpRequest) -> HttpResponse:
    """Say first who of the selected can be asked; with confirm= ask them."""
    membership = get_current_membership(request, to=Permission.CONNECT)
    chosen = read_chosen(request.POST)
    is_all = bool(request.POST.get("all"))
    ids = ids_of(membership, chosen, now=timezone.now()) if is_all else _ticked(request)
    connections = live_connections(membership, ids)
    back = reverse("connect:connections") + (f"?{chosen.query}" if chosen.query else "")
    if request.POST.get("confirm"):
        count = ask_many(connections=connections, membership=membership)
        messages.success(
            request,
            ngettext("%(count)s letter is on its way.", "%(count)s letters are on their way.", count)
            % {"count": count},
        )
        return redirect(back)
    context = {
        "plan": plan_asks(connections, team_id=membership.team_id, now=timezone.now()),
        "count": len(connections),
        "chosen": chosen,
        "ids": ids,
        "is_all": is_all,
        "back_url": back,
        "most": MOST_AT_ONCE,
    }
    return render(request, "connections/ask.html", context)


_WHY_NOT = {
    "lately": lambda: _("This owner was written to within the last 24 hours, or a letter waits to be sent."),
    "often": lambda: _("This owner had three letters about it; more would be a nuisance. Call them."),
    "ended": lambda: _("This connection has ended. Make a share link to ask the owner anew."),
}


def _ticked(request: HttpRequest) -> list[UUID]:
    """Return the ids of links that were ticked; what is no id is nobody's."""
    found = []
    for raw in request.POST.getlist("id")[:MOST_AT_ONCE]:
        try:
            found.append(UUID(raw))
        except ValueError:
            continue
    return found


def _back(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Go where one was: to the list as it was narrowed, or to the connection."""
    if request.POST.get("to") != "list":
        return redirect("connect:connection", connection.id)
    query = read_chosen(request.POST).query
    return redirect(reverse("connect:connections") + (f"?{query}" if query else ""))


def _show(
    request: HttpRequest,
    connection: Connection,
    membership: Membership,
    *,
    email_form: OwnerEmailForm | None = None,
    ask_form: AskForm | None = None,
    recipient: Recipient | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    connection.owner.refresh_from_db()
    links = links_of(connection, membership)
    facts = read_facts(shown_links(membership, now=now).filter(connection=connection))
    url = request.build_absolute_uri(reverse("connect:start", args=[secret_of(recipient)])) if recipient else ""
    context = {
        "connection": connection,
        "rows": rows_of(membership, [(key, fact, judge(fact, now=now)) for key, fact in facts]),
        "links": links,
        "email_form": email_form or OwnerEmailForm({"email": connection.owner.email}),
        "ask_form": ask_form or AskForm(team=membership.team),
        "new_url": url,
        "qr": qr_path(url) if url else None,
    }
    return render(request, "connections/detail.html", context, status=status)
