"""Pages beside the matrix: a question and its answer, the matrix as a file, changes, providers, sources."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.core.internal import ratelimit
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import condition, require_GET, require_safe
from django.views.decorators.vary import vary_on_headers

from compatibility.answer_page import ask_address, make_answer_page
from compatibility.catalog import current_catalog
from compatibility.changes_page import make_changes_page
from compatibility.export import FORMATS
from compatibility.feeds import ChangesFeed, etag_of_feed, time_of_feed
from compatibility.filters import BadFilter, read_filter, read_single
from compatibility.provider_pages import make_provider_page, make_sources_page
from compatibility.questions import MAX_LENGTH
from compatibility.replies import reply_to
from compatibility.shell import find_reader, shell_of
from fleet.files import stream_file

View = Callable[..., HttpResponseBase]
# Of one address: a question costs some hundredths of a second, a whole file some seconds.
RATES = {"ask": "60/m/ip", "export": "10/m/ip"}


def limited(action: str) -> Callable[[View], View]:
    """Answer 429 to an address that asks more often than RATES allows."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if ratelimit.consume(request, app="compatibility", action=action, config=RATES, limit_get=True):
                return view(request, *args, **kwargs)
            refused = _refuse_for_now(request)
            refused["Retry-After"] = "60"
            return refused

        return answer

    return decorate


@require_GET
@never_cache
@vary_on_headers("HX-Request")
@limited("ask")
def ask(request: HttpRequest) -> HttpResponse:
    """Answer a question; the address holds it, so an answer can be passed on. Without one the page asks for it."""
    try:
        text = _read_question(request.GET)
    except BadFilter as error:
        return _refuse(request, error)
    if len(text) > MAX_LENGTH:
        # What is too long is not read at all, so nothing of it can be taken for the question.
        context = {"error": _("A question has at most {count} characters.").format(count=MAX_LENGTH)}
        return _show_answer(request, {**context, "text": text[:MAX_LENGTH]}, status=422)
    reader = find_reader(request)
    reply = reply_to(text, country=reader.team.country if reader else "")
    page = make_answer_page(reply, team_id=reader.team_id if reader else None)
    return _show_answer(request, {"page": page, "text": text}, status=200)


@require_GET
@never_cache
@limited("export")
def export(request: HttpRequest) -> HttpResponseBase:
    """Send what the filters leave as a file; 404 for a form that there is not."""
    try:
        form = read_single(request.GET, "format")
        if form not in FORMATS:
            raise Http404
        if "page" in request.GET:  # a file has none
            raise BadFilter("page", "unknown_parameter")
        wanted = read_filter(request.GET, extra=("format",))
    except BadFilter as error:
        return _refuse(request, error)
    content_type, parts = FORMATS[form]
    name = f"compatibility-{timezone.localdate():%Y-%m-%d}.{form}"
    return stream_file(request, parts(wanted), name=name, content_type=content_type)


@require_GET
@never_cache
def show_changes(request: HttpRequest) -> HttpResponse:
    """Show what changed with each load of the data after the first."""
    try:
        page = make_changes_page(request.GET, current_catalog())
    except BadFilter as error:
        return _refuse(request, error)
    return render(request, "compatibility/changes.html", {"page": page, **shell_of(request)})


@require_safe
@condition(etag_func=etag_of_feed, last_modified_func=time_of_feed)
def changes_feed(request: HttpRequest) -> HttpResponse:
    """Send the changes as an Atom feed."""
    return ChangesFeed()(request)


@require_GET
@never_cache
def show_provider(request: HttpRequest, key: str) -> HttpResponse:
    """Show the card of a provider: what it says of how many cars, since when, and whether Fleetwell speaks to it."""
    reader = find_reader(request)
    page = make_provider_page(key, team_id=reader.team_id if reader else None)
    return render(request, "compatibility/provider.html", {"page": page, **shell_of(request)})


@require_GET
@never_cache
def show_sources(request: HttpRequest) -> HttpResponse:
    """Show where everything was read, under which licence, and what is known to be missing."""
    return render(request, "compatibility/sources.html", {"page": make_sources_page(), **shell_of(request)})


def _refuse_for_now(request: HttpRequest) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "429.html", status=429)
    # Into the page that asked, a whole page would be drawn.
    error = _("Too many questions from here within a minute. Please ask again in a minute.")
    return render(request, "compatibility/_answer.html", {"error": error}, status=429)


def _read_question(query: QueryDict) -> str:
    for name in query:
        if name != "q":
            raise BadFilter(name, "unknown_parameter")
    if len(query.getlist("q")) > 1:
        raise BadFilter("q", "given_twice")
    # What cannot be shown cannot have been meant.
    return "".join(letter if letter.isprintable() else " " for letter in query.get("q", "")).strip()


def _show_answer(request: HttpRequest, context: dict[str, object], *, status: int) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "compatibility/ask.html", {**context, **shell_of(request)}, status=status)
    answer = render(request, "compatibility/_answer.html", context, status=status)
    if status == 200:
        answer["HX-Push-Url"] = ask_address(str(context["text"]))
    return answer


def _refuse(request: HttpRequest, error: BadFilter) -> HttpResponse:
    context = {"error": error, "clear": request.path, **shell_of(request)}
    return render(request, "compatibility/refused.html", context, status=400)
