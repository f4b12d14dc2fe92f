"""The page that says why nobody came in by a provider."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fleet.sign_on.providers import Provider
from fleet.sign_on.words import OUT
from fleet.teams.views import WAIT_S


def show_way_out(request: HttpRequest, code: str, provider: Provider) -> HttpResponse:
    """Say in words why, with the status of it, and lead on."""
    out, words = OUT[code], {"provider": provider.name}
    context = {"title": str(out.title) % words, "text": str(out.text) % words, "sign": out.sign, "provider": provider}
    context["leads_back_to_provider"] = code in {"required", "strange_state", "unreachable", "not_valid", "cancelled"}
    answer = render(request, "sign_on/out.html", context, status=out.status)
    answer.headers["Cache-Control"] = "no-store"
    if out.status in {429, 503}:
        answer.headers["Retry-After"] = str(WAIT_S)
    return answer
