"""Every secret that this process gave out or was given: tests look for them in all places where they must not be."""

from collections import OrderedDict

LONGEST = 500_000
_seen: OrderedDict[str, None] = OrderedDict()


def note(secret: str) -> str:
    """Remember a secret, and return it."""
    if secret:
        _seen[secret] = None
        if len(_seen) > LONGEST:
            _seen.popitem(last=False)
    return secret


def list_seen() -> list[str]:
    return list(_seen)
