"""What the benchmarks send: mixed kinds, a tenth of them only once, and another kind for the same car the next time."""

from collections import Counter

from benchmarks.engine.orders import mix


def test_mix_when_made_has_a_tenth_that_is_sent_once_only_of_every_class() -> None:
    classes = Counter(order.retry_class.value for order in mix(1000))

    assert classes["A"] == 900
    assert set(classes) == {"A", "B", "C", "D"}


def test_mix_when_the_turn_is_another_gives_every_car_another_order() -> None:
    assert not any(one == other for one, other in zip(mix(1000), mix(1000, turn=1), strict=True))


def test_mix_when_made_has_no_secret_since_a_job_may_not() -> None:
    assert [order for order in mix(1000) if order.secrets] == []
