"""Two who are first at once: one of them looks after the installation."""

import threading
from typing import Any

from django.db import connection

from fleet.teams.models import User
from fleet.teams.services import sign_up


def test_sign_up_when_two_are_first_at_once_then_one_looks_after_the_installation(committed_db: Any) -> None:
    barrier = threading.Barrier(2)

    def come(number: int) -> None:
        try:
            barrier.wait(10)
            sign_up(user=User(email=f"first{number}@example.com", name="First"), team_name="Team")
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(User.objects.values_list("is_administrator", flat=True)) == [False, True]
