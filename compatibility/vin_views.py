"""The page that checks a VIN. It comes by POST and stays in the request: in no address, no log and no table."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from compatibility.facts_of_providers import find_make
from compatibility.filters import MatrixFilter
from compatibility.models import CarLine
from compatibility.shell import shell_of
from compatibility.vins import CHECKED, FAULTS, find_fault, make_of, model_year_of
from fleet.vehicles.vin import clean_vin


class VinForm(forms.Form):
    """One VIN as somebody types it: spaces and hyphens do not matter."""

    vin = forms.CharField(label=gettext_lazy("VIN"), max_length=40, strip=True)

    def clean_vin(self) -> str:
        typed = "".join(letter for letter in self.cleaned_data["vin"] if letter not in " -\t\u00a0")
        if fault := find_fault(typed):
            raise forms.ValidationError(str(FAULTS[fault]), code=fault)
        return clean_vin(typed)


@dataclass(frozen=True)
class ModelLink:
    name: str
    url: str


@dataclass(frozen=True)
class VinPage:
    """What a VIN tells. make and year: "" and None where it does not. models: of that make and year, with facts."""

    make: str
    year: int | None
    is_checked: bool
    matrix_url: str
    models: list[ModelLink]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def check(request: HttpRequest) -> HttpResponse:
    """Say what a VIN tells and what it cannot; 422 with the reason beside the field for a text that is none."""
    form = VinForm(request.POST or None)
    page = None
    if request.method == "POST" and form.is_valid():
        page = make_vin_page(form.cleaned_data["vin"])
    status = 422 if request.method == "POST" and page is None else 200
    limits = limits_of(page) if page else []
    context = {"form": form, "page": page, "limits": limits, **shell_of(request)}
    return render(request, "compatibility/vin.html", context, status=status)


def make_vin_page(vin: str) -> VinPage:
    """Return what a well-formed VIN tells; one query."""
    name, year = make_of(vin), model_year_of(vin)
    make = find_make(name) if name else None
    if make is None:
        return VinPage(name, year, vin[0] in CHECKED, "", [])
    wanted = MatrixFilter(make=make.key, year_from=year, year_to=year)
    return VinPage(
        make=make.name,
        year=year,
        is_checked=vin[0] in CHECKED,
        matrix_url=f"{reverse('compatibility:matrix')}?{wanted.to_query()}",
        models=_models(make.key, year),
    )


def _models(make_key: str, year: int | None) -> list[ModelLink]:
    lines = CarLine.objects.filter(make_key=make_key, is_named=True).exclude(model_key="").order_by("model_key", "id")
    names: dict[str, str] = {}
    for model_key, model, year_from, year_to in lines.values_list("model_key", "model", "year_from", "year_to"):
        if year is None or (year_from or year) <= year <= (year_to or year):
            names.setdefault(model_key, model)
    query = f"?year={year}" if year else ""
    return [
        ModelLink(name, reverse("compatibility:car", args=[make_key, model_key]) + query)
        for model_key, name in names.items()
    ]


def limits_of(page: VinPage) -> list[str]:
    """Return in words what this VIN cannot tell."""
    limits = [
        _("The model, the engine and the equipment: makers write them in codes of their own."),
        _("The country it is driven in, and which services its owner has booked."),
    ]
    if page.year is None:
        limits.insert(0, _("The model year: only cars made for North America have to carry it."))
    if not page.is_checked:
        limits.append(_("Whether it is mistyped: only North America demands a check digit."))
    return limits
