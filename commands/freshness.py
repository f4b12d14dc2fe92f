"""Whether a car has to be looked at before a command is sent to it. Pure."""

from fleet.adapters.rules import RetryClass

# What may be sent only once is not risked on a state that is more than this old: the car may sleep by now, and a
# "no, it sleeps" would be the one answer it gets.
ONCE_MAX_AGE_S = 5


def must_look_first(
    retry_class: str, *, online_state: str | None, age_s: float | None, check_first_s: int, attempts: int = 0
) -> bool:
    """Say whether the known state is too old, or too unclear, to send on.

    age_s: how long ago the car was last asked; None: never. check_first_s: the team's own limit. attempts: requests
    made before; a second try never trusts what the first one was sent on.
    """
    if age_s is None or attempts or online_state not in {"online", "asleep"}:
        return True
    limit_s = check_first_s if retry_class == RetryClass.A.value else min(check_first_s, ONCE_MAX_AGE_S)
    return age_s > limit_s
