"""Personal links for a list of cars: what can join and what can't, then a sheet of links that is shown once."""

import csv
import io
from base64 import b64encode
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from compatibility.vins import make_of
from connect.access import get_share_link
from connect.brands import brands_of
from connect.models import ShareLink
from connect.qr import qr_path
from connect.sending.forms import VinListForm
from connect.sending.services import Refused, hand_over
from connect.sending.words import REFUSALS, VIN_PROBLEMS
from connect.vins import VinRow, judge
from fleet.teams.models import Membership

# A cell that begins so is a formula to a spreadsheet.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class SheetCar:
    """One car on the sheet of links."""

    vin: str
    make: str
    url: str
    path: str
    side: int


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def list_vins(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Paste VINs, read what can join; with "make", get a link for each car that can."""
    link, membership = get_share_link(request.user, link_id)
    if request.method != "POST":
        return _show(request, link, VinListForm())
    form = VinListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, link, form, status=422)
    rows = judge(form.rows, link=link, brands=brands_of(membership.team_id))
    if request.POST.get("act") == "make":
        try:
            return _make(request, link, membership, [row.vin for row in rows if not row.problem])
        except Refused as refused:
            form.add_error("entries", REFUSALS[refused.code])
            return _show(request, link, form, status=422)
    return _show(request, link, form, rows=rows)


def _make(request: HttpRequest, link: ShareLink, membership: Membership, vins: list[str]) -> HttpResponse:
    made = hand_over(link=link, membership=membership, vins=vins)
    cars = []
    for recipient, secret in made:
        url = request.build_absolute_uri(reverse("connect:start", args=[secret]))
        path, side = qr_path(url, quickly=True)
        cars.append(SheetCar(recipient.vin, make_of(recipient.vin), url, path, side))
    return render(request, "connect/link_sheet.html", {"link": link, "cars": cars, "csv_url": _csv_url(cars)})


def _csv_url(cars: list[SheetCar]) -> str:
    """Return the sheet as a file inside the page: the links are in this answer and nowhere else."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_("VIN"), _("Make"), _("Link")])
    writer.writerows([_harmless(car.vin), _harmless(car.make), _harmless(car.url)] for car in cars)
    return "data:text/csv;charset=utf-8;base64," + b64encode(("\ufeff" + out.getvalue()).encode()).decode()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def _show(
    request: HttpRequest, link: ShareLink, form: VinListForm, *, rows: list[VinRow] | None = None, status: int = 200
) -> HttpResponse:
    shown = [(row, VIN_PROBLEMS.get(row.problem, "")) for row in rows or ()]
    good = [row.vin for row in rows or () if not row.problem]
    context = {"link": link, "form": form, "rows": shown, "good": good, "good_text": "\n".join(good)}
    return render(request, "connect/link_vins.html", context, status=status)
