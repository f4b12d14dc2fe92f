"""The API of the matrix: its rows, one definite answer about a car, and a question in words. Public, read-only."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from rest_framework.request import Request
from rest_framework.response import Response

from compatibility.answer_objects import answer_object
from compatibility.asking import answers_about
from compatibility.catalog import Catalog, current_catalog
from compatibility.facts_of_providers import find_make, vocabulary
from compatibility.filters import VALUE_MAX_LENGTH, BadFilter, MatrixFilter, read_filter, read_single, read_year
from compatibility.lookup import Car
from compatibility.questions import MAX_LENGTH
from compatibility.replies import Reply, reply_to
from compatibility.said_rows import FIELDS, entries_said, rows_of
from compatibility.words import POSITION, Engine
from fleet.api_views import PublicView, answer_if_changed, tag_of
from fleet.countries import COUNTRIES
from fleet.problems import Problem

PAGE_SIZE, PAGE_SIZE_MAX = 50, 200
OF_ROWS = ("cursor", "page_size", "fields", "format")
OF_ANSWER = ("make", "model", "year", "engine", "country", "command", "provider", "format")
# Raised whenever the same facts are told in another form, so that nobody keeps the old one.
FORM = 1


class Rows(PublicView):
    """The rows that a filter leaves, some at a time."""

    def get(self, request: Request) -> Response:
        catalog = current_catalog()
        query = request.query_params
        try:
            wanted = _read_rows(query, catalog)
            size, fields = _read_size(query), _read_fields(query)
            cursor = read_single(query, "cursor")
        except BadFilter as error:
            raise _problem(error) from error
        last = _read_cursor(cursor, catalog)
        etag = tag_of(FORM, catalog.digest, wanted, size, fields, last)
        return answer_if_changed(request, etag, lambda: self._page(query, wanted, size, fields, last, catalog))

    def _page(
        self, query: QueryDict, wanted: MatrixFilter, size: int, fields: tuple[str, ...], last: int, catalog: Catalog
    ) -> dict[str, Any]:
        found = list(entries_said(wanted).filter(id__gt=last)[: size + 1])
        following = None
        if len(found) > size:
            pairs = query.copy()
            pairs["cursor"] = _write_cursor(found[size - 1].id, catalog)
            following = f"{self.request.path}?{pairs.urlencode()}"
        rows = list(rows_of(found[:size], country=wanted.country, fields=fields))
        return {"loaded_at": catalog.loaded_at, "rows": rows, "next": following}


class CarAnswer(PublicView):
    """One definite answer: does this command work on this car?"""

    def get(self, request: Request) -> Response:
        try:
            car, ability, provider = _read_car(request.query_params)
        except BadFilter as error:
            raise _problem(error) from error
        (answer,) = answers_about(car, [ability], provider=provider)
        return _by_content(request, answer_object(answer))


class Ask(PublicView):
    """A question as people type it, and what it was taken to mean."""

    def get(self, request: Request) -> Response:
        query = request.query_params
        for name in query:
            if name not in {"q", "format"}:
                raise _problem(BadFilter(name, "unknown_parameter"))
        texts = query.getlist("q")
        if len(texts) != 1 or not texts[0].strip():
            raise _problem(BadFilter("q", "given_twice")) if len(texts) > 1 else _refusal("q", "missing")
        if len(texts[0]) > MAX_LENGTH:
            raise _problem(BadFilter("q", "too_long"))
        return _by_content(request, _reply_object(reply_to(texts[0])))


def _by_content(request: Request, content: dict[str, Any]) -> Response:
    # Runs are counted anew every few minutes, so the load alone does not tell whether an answer is the same.
    return answer_if_changed(request, tag_of(FORM, json.dumps(content)), lambda: content)


def _reply_object(reply: Reply) -> dict[str, Any]:
    question = reply.question
    return {
        "understood": {
            "make": question.make or None,
            "model": question.model or question.typed_model or None,
            "year": question.year,
            "engine": question.engine or None,
            "country": question.country or None,
            "commands": list(question.abilities),
            "provider": question.provider or None,
        },
        "not_understood": list(question.not_understood),
        "perhaps": [{"word": near.word, "make": near.make, "model": near.model or None} for near in question.near],
        "problem": reply.problem or None,
        "answers": [answer_object(answer) for answer in reply.answers],
    }


# Reading an address -------------------------------------------------------------------------------------------------


def _problem(error: BadFilter) -> Problem:
    return Problem("bad_filter", error.message, field=error.field, reason=error.code)


def _refusal(field: str, reason: str) -> Problem:
    """Return what is wrong with a parameter that only the API has. reason: "missing" or "not_a_size"."""
    says = {
        "missing": gettext("{field}: this is needed."),
        "not_a_size": gettext("{field}: a number from 1 to {most}."),
    }
    return Problem("bad_filter", says[reason].format(field=field, most=PAGE_SIZE_MAX), field=field, reason=reason)


def _read_rows(query: QueryDict, catalog: Catalog) -> MatrixFilter:
    if "page" in query:  # the page's own; here a cursor leads on
        raise BadFilter("page", "unknown_parameter")
    return read_filter(query, extra=OF_ROWS, catalog=catalog)


def _read_size(query: QueryDict) -> int:
    raw = read_single(query, "page_size")
    if not raw:
        return PAGE_SIZE
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 3 and 1 <= int(raw) <= PAGE_SIZE_MAX):
        raise _refusal("page_size", "not_a_size")
    return int(raw)


def _read_fields(query: QueryDict) -> tuple[str, ...]:
    raw = read_single(query, "fields")
    names = raw.split(",") if raw else list(FIELDS)
    if not set(names) <= set(FIELDS):
        raise BadFilter("fields", "unknown_value")
    return tuple(name for name in FIELDS if name in names)


def _read_cursor(raw: str, catalog: Catalog) -> int:
    if not raw:
        return 0
    try:
        load, _, last = base64.urlsafe_b64decode(raw.encode("ascii")).decode("ascii").partition(":")
    except (binascii.Error, ValueError) as error:
        raise Problem("bad_cursor") from error
    if load != catalog.digest[:16] or not (last.isdigit() and len(last) <= 18):
        raise Problem("bad_cursor")
    return int(last)


def _write_cursor(last: int, catalog: Catalog) -> str:
    return base64.urlsafe_b64encode(f"{catalog.digest[:16]}:{last}".encode()).decode()


def _read_car(query: QueryDict) -> tuple[Car, str, str]:
    """Read a car by name, however its make is written; a model that is not known is one that nothing names."""
    for name in query:
        if name not in OF_ANSWER:
            raise BadFilter(name, "unknown_parameter")
    one = {name: read_single(query, name) for name in OF_ANSWER}
    for name in ("make", "command"):
        if not one[name].strip():
            raise _refusal(name, "missing")
    make = find_make(one["make"])
    if make is None:
        raise BadFilter("make", "unknown_value")
    if len(one["model"]) > VALUE_MAX_LENGTH or not one["model"].isprintable():
        raise BadFilter("model", "unknown_value")
    known = {"engine": Engine.values, "country": COUNTRIES, "command": POSITION, "provider": vocabulary().providers}
    for name, values in known.items():
        if one[name] and one[name] not in values:
            raise BadFilter(name, "unknown_value")
    model = current_catalog().models.get(make.key, {}).get(one["model"], one["model"])
    car = Car(make.name, model.strip(), read_year("year", one["year"]), one["engine"], one["country"])
    return car, one["command"], one["provider"]
