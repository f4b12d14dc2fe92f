"""Whether a provider answers, as one dispatcher sees it: when to open its breaker, and when to close it again."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from uuid import UUID

# Of the answers of the last so many seconds, no fewer than so many were failures, and no smaller a part of all.
WINDOW_S = 30.0
FAILURES = 6
FAILED_SHARE = 0.6

# The maker's side failed. A car that is out of reach, or a command that it refused, says nothing about the provider.
FAILED = frozenset({"upstream_down", "outcome_unknown"})


class Health:
    """Counts a provider's answers. `is_down` says so once there are enough failures; then counting begins anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[UUID, deque[tuple[float, bool]]] = defaultdict(lambda: deque(maxlen=500))

    def note(self, app_id: UUID, code: str) -> bool:
        """Count one answer, "" or an error code; True when the provider has just been found down."""
        answers = self._answers[app_id]
        has_failed = code in FAILED
        answers.append((self._clock(), has_failed))
        if not has_failed:
            return False
        recent = [failed for at, failed in answers if at > self._clock() - WINDOW_S]
        failures = sum(recent)
        is_down = failures >= FAILURES and failures >= FAILED_SHARE * len(recent)
        if is_down:
            answers.clear()
        return is_down
