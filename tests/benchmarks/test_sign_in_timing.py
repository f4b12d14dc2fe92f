"""The rank test of the timing benchmark, against values from a table."""

import random

import pytest

from benchmarks.sign_in_timing import probability


def test_probability_when_both_come_of_one_source_then_nothing_is_told() -> None:
    source = random.Random(7)

    found = [
        probability([source.gauss(50, 5) for _ in range(200)], [source.gauss(50, 5) for _ in range(200)])
        for _ in range(200)
    ]

    assert 0 <= sum(p < 0.01 for p in found) <= 8


def test_probability_when_one_is_a_little_slower_then_it_is_told() -> None:
    source = random.Random(7)

    assert probability([source.gauss(52, 5) for _ in range(200)], [source.gauss(50, 5) for _ in range(200)]) < 0.01


def test_probability_when_computed_by_hand_then_it_is_the_same() -> None:
    # U of [1, 3, 5, 7] and [2, 4, 6, 8] is 6 or 10; z = 2 / sqrt(12).
    assert probability([1, 3, 5, 7], [2, 4, 6, 8]) == pytest.approx(0.5637, abs=0.0001)
