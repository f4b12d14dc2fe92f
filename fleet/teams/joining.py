"""The invitation that a browser holds while its person signs in or up; the rest of it is in fleet.members."""

from django.http import HttpRequest

# {"hash": of the secret, "email": whom it is for, or ""}.
JOINING_KEY = "joining"


def invited_address(request: HttpRequest | None) -> str | None:
    """Return whom the invitation in this browser is for, "" for whoever holds it; None when there is none."""
    held = request.session.get(JOINING_KEY) if request is not None and hasattr(request, "session") else None
    return str(held.get("email", "")) if isinstance(held, dict) else None
