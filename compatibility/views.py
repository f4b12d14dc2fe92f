"""Pages of the matrix: the table with its filters, one car, and up to three side by side. Anybody may read them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from compatibility.car_page import make_car_page
from compatibility.catalog import current_catalog
from compatibility.compare import make_comparison
from compatibility.filters import BadFilter, read_filter, read_single
from compatibility.matrix import Torn
from compatibility.matrix_page import MatrixPage, make_matrix_page
from compatibility.shell import find_reader, shell_of

# What the page takes beside the filter: which columns are shown, and a question that was asked.
COLUMNS, EVERY = "columns", "all"


@require_GET
@gzip_page  # five hundred cells: a tenth of it on the line, and nothing secret in it but a token that is masked anew
@never_cache
@vary_on_headers("HX-Request")
def show_matrix(request: HttpRequest) -> HttpResponse:
    """Show the matrix as the address narrows it. 400 with the reason, and no rows, for a filter that makes no sense."""
    try:
        page = _read_page(request)
    except BadFilter as error:
        return _refuse(request, error)
    except Torn:
        page = _read_page(request)
    if not _is_part(request):
        return render(request, "compatibility/matrix.html", {"page": page, **shell_of(request)})
    # Without the request: what the dashboard says around it is not asked for.
    answer = HttpResponse(render_to_string("compatibility/_matrix.html", {"page": page}))
    answer["HX-Push-Url"] = page.address
    return answer


@require_GET
@never_cache
@vary_on_headers("HX-Request")
def show_car(request: HttpRequest, make_key: str, model_key: str) -> HttpResponse:
    """Show what each provider says of one car, with date and source, and what runs have shown."""
    reader = find_reader(request)
    try:
        page = make_car_page(request.GET, make_key, model_key, team_id=reader.team_id if reader else None)
    except BadFilter as error:
        return _refuse(request, error)
    if _is_part(request):
        return render(request, "compatibility/_car.html", {"page": page})
    return render(request, "compatibility/car.html", {"page": page, **shell_of(request)})


@require_GET
@never_cache
def compare_cars(request: HttpRequest) -> HttpResponse:
    """Show up to three cars side by side, and where they differ."""
    assumed = "" if "country" in request.GET else _country_of_team(request)
    try:
        comparison = make_comparison(request.GET, country=assumed)
    except BadFilter as error:
        return _refuse(request, error)
    return render(request, "compatibility/compare.html", {"page": comparison, **shell_of(request)})


def _read_page(request: HttpRequest) -> MatrixPage:
    catalog = current_catalog()
    assumed = "" if "country" in request.GET else _country_of_team(request)
    every_column = _read_every_column(request.GET)
    wanted = read_filter(request.GET, extra=(COLUMNS,), country=assumed, catalog=catalog)
    return make_matrix_page(wanted, catalog, every_column=every_column)


def _refuse(request: HttpRequest, error: BadFilter) -> HttpResponse:
    """Say which filter makes no sense. Nothing is shown: an answer to another question would be taken for this one."""
    context = {"error": error, "clear": reverse("compatibility:matrix")}
    if _is_part(request):
        return HttpResponse(render_to_string("compatibility/_refused.html", context), status=400)
    return render(request, "compatibility/refused.html", {**context, **shell_of(request)}, status=400)


def _read_every_column(query: QueryDict) -> bool:
    asked = read_single(query, COLUMNS)
    if asked not in {"", EVERY}:
        raise BadFilter(COLUMNS, "unknown_value")
    return asked == EVERY


def _country_of_team(request: HttpRequest) -> str:
    reader = find_reader(request)
    return reader.team.country if reader else ""


def _is_part(request: HttpRequest) -> bool:
    return bool(request.htmx) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
