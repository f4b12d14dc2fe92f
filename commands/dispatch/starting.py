"""How many commands of a dispatcher are on the way to their permit: it bounds the claims, so permits stay fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Starting:
    """One command between claim and first byte. Waiting for an answer costs nothing, so it does not count."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count
        self._is_counted = True
        count(1)

    def leave(self) -> None:
        """Count no longer: it is on its way, or it is over."""
        if self._is_counted:
            self._is_counted = False
            self._count(-1)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Do not count while the car or its maker is waited for."""
        self.leave()
        try:
            yield
        finally:
            self._is_counted = True
            self._count(1)
