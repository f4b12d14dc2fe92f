"""When a provider counts as down: enough failures in a short time, and hardly anything else."""

from uuid import uuid4

from commands.dispatch.health import FAILURES, WINDOW_S, Health


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_provider_when_it_fails_again_and_again_then_it_is_down_once():
    health, app = Health(Clock()), uuid4()

    said = [health.note(app, "upstream_down") for _ in range(FAILURES + 1)]

    assert said == [False] * (FAILURES - 1) + [True, False]


def test_provider_when_most_of_its_answers_are_good_then_it_is_not_down():
    health, app = Health(Clock()), uuid4()

    said = [health.note(app, code) for _ in range(50) for code in ("", "", "outcome_unknown")]

    assert not any(said)


def test_provider_when_its_failures_are_long_ago_then_they_do_not_count():
    clock = Clock()
    health, app = Health(clock), uuid4()

    said = []
    for _ in range(FAILURES * 3):
        said.append(health.note(app, "upstream_down"))
        clock.now += WINDOW_S / 3

    assert not any(said)


def test_provider_when_cars_refuse_or_are_out_of_reach_then_that_says_nothing_about_it():
    health, app = Health(Clock()), uuid4()

    said = [health.note(app, code) for _ in range(50) for code in ("vehicle_refused", "vehicle_unreachable")]

    assert not any(said)


def test_another_provider_when_one_is_down_then_it_is_judged_by_itself():
    health = Health(Clock())
    for _ in range(FAILURES):
        health.note(uuid4(), "upstream_down")

    assert health.note(uuid4(), "upstream_down") is False
