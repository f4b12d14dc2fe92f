"""The only changes of state that exist. The database keeps the same table and a trigger that refuses all others."""

TRANSITIONS = frozenset(
    {
        ("queued", "claimed"),
        ("queued", "expired"),
        ("queued", "cancelled"),
        ("queued", "superseded"),
        ("queued", "refused"),
        ("claimed", "sending"),
        ("claimed", "queued"),  # given back
        ("claimed", "refused"),
        ("claimed", "expired"),
        ("claimed", "cancelled"),
        ("claimed", "superseded"),
        ("sending", "sent"),
        ("sending", "confirmed"),
        ("sending", "failed"),
        ("sending", "refused"),
        ("sending", "unknown"),
        ("sending", "queued"),  # class A, known not executed
        ("sent", "confirmed"),
        ("sent", "failed"),
        ("sent", "unknown"),
        ("sent", "unresolved"),
        ("unknown", "sent"),  # from here on by evidence only
        ("unknown", "confirmed"),
        ("unknown", "failed"),
        ("unknown", "refused"),
        ("unknown", "unresolved"),
    }
)
