"""Which counters of one key a domain has seen: never the same twice; in order, or within a window."""

from dataclasses import dataclass

WINDOW = 32


@dataclass(slots=True)
class Counter:
    """The highest counter seen, and which of the last ones before it.

    The security computer takes counters in order only; the infotainment system lets the last 32 arrive late.
    """

    takes_late: bool
    highest: int = 0
    seen: int = 0  # bit n: highest - 1 - n was seen

    def is_late(self, counter: int) -> bool:
        return counter < self.highest

    def take(self, counter: int) -> bool:
        """Mark a counter as seen; return False, and change nothing, when it was or may have been seen before."""
        if counter > self.highest:
            jump = counter - self.highest
            # A jump of four thousand million is allowed and must not be shifted by.
            self.seen = 0 if jump > WINDOW else ((self.seen << 1 | 1) << (jump - 1)) & ((1 << WINDOW) - 1)
            self.highest = counter
            return True
        age = self.highest - counter
        if not self.takes_late or not 1 <= age <= WINDOW or self.seen >> (age - 1) & 1:
            return False
        self.seen |= 1 << (age - 1)
        return True
