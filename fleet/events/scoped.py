"""Querysets that refuse to run without a team while a request is answered: what belongs to a team is asked for in it.

Access functions find what a person may see; this is the net below them. A query over a team's rows that does not say
of which team raises Unscoped before it reaches the database, wherever in a page, a partial or the API it was written.
What crosses teams on purpose says so with `across_teams()`; tests/test_tenancy.py names every place that may.
Workers and commands of the operator serve all teams and are not asked.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self, TypeVar

from asgiref.sync import iscoroutinefunction
from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In, IsNull
from django.db.models.sql.where import AND, OR, WhereNode
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

View = Callable[[HttpRequest], HttpResponseBase] | Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Row = TypeVar("Row", bound=models.Model, covariant=True)

_is_strict: ContextVar[bool] = ContextVar("fleetwell_scoped", default=False)


class Unscoped(Exception):
    """A query over rows of teams that does not say of which team. A mistake of ours: never shown, never caught."""


class ScopedQuerySet(models.QuerySet[Row]):
    """A queryset over rows of teams. Whatever reads or changes rows looks first whether a team is named."""

    _is_scoped = False

    def across_teams(self) -> Self:
        """Return the same for rows of all teams: for what is found by a secret, or belongs to a person."""
        found = self._chain()  # type: ignore[attr-defined]
        found._is_scoped = True  # noqa: SLF001
        return found

    def this(self, row: models.Model) -> Self:
        """Return the same for one row in hand, to lock, to change or to look at anew."""
        found = self.filter(pk=row.pk)
        found._is_scoped = True  # noqa: SLF001
        return found

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._is_scoped = self._is_scoped  # noqa: SLF001
        return clone

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: dict[str, Any]) -> None:
        # An object in hand was found in its team; an id was perhaps only asked for.
        if not negate and any(_is_of_a_team(value, name) for name, value in kwargs.items()):
            self._is_scoped = True
        super()._filter_or_exclude_inplace(negate, args, kwargs)  # type: ignore[misc]

    @property
    def is_scoped(self) -> bool:
        """Say whether it reads rows of a team that is named, or of all teams on purpose."""
        # A related manager asks for the rows of an object in hand.
        return self._is_scoped or "instance" in self._hints or _names_team(self.query.where)  # type: ignore[attr-defined]

    def _require_team(self) -> None:
        if _is_strict.get() and not self.is_scoped and not self.query.is_empty():
            raise Unscoped(f"a query over {self.model.__name__} names no team")

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            self._require_team()
        super()._fetch_all()

    def iterator(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self._require_team()
        return super().iterator(*args, **kwargs)

    def count(self) -> int:
        if self._result_cache is None:
            self._require_team()
        return super().count()

    def exists(self) -> bool:
        if self._result_cache is None:
            self._require_team()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._require_team()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._require_team()
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_team()
        return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


ScopedManager = models.Manager.from_queryset(ScopedQuerySet)


@contextmanager
def within_teams(is_strict: bool = True) -> Iterator[None]:
    """Refuse queries without a team inside the block."""
    token = _is_strict.set(is_strict)
    try:
        yield
    finally:
        _is_strict.reset(token)


@sync_and_async_middleware
def scoped(get_response: View) -> View:
    """Answer every request under that rule."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            with within_teams():
                return await get_response(request)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        with within_teams():
            return get_response(request)  # type: ignore[return-value]

    return answer


def _is_of_a_team(value: Any, name: str) -> bool:
    if isinstance(value, models.QuerySet):
        return isinstance(value, ScopedQuerySet) and value.is_scoped
    if isinstance(value, list | tuple | set | frozenset):  # in none: there is nothing to find
        return name.endswith("__in") and all(isinstance(one, models.Model) and hasattr(one, "team_id") for one in value)
    return isinstance(value, models.Model) and hasattr(value, "team_id")


def _names_team(node: Any) -> bool:
    """Say whether every row that a condition lets through is of a team that it names."""
    if isinstance(node, WhereNode):
        if node.negated:
            return False
        if node.connector == AND:
            return any(_names_team(child) for child in node.children)
        return node.connector == OR and bool(node.children) and all(_names_team(child) for child in node.children)
    # IS NULL: of no team, as events of accounts are.
    is_pinned = isinstance(node, Exact | In) or (isinstance(node, IsNull) and node.rhs)
    return is_pinned and isinstance(node.lhs, Col) and node.lhs.target.column == "team_id"
