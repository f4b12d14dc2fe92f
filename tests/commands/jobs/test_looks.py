"""How often open pages look at a job: a few often, many seldomer, and never so many that watching costs the machine."""

from uuid import uuid4

import pytest

from commands.jobs.looks import LOOKS_PER_S, MOST_POLL_S, POLL_S, book_look


def looks_per_s(pages: int, *, lasting_s: float) -> float:
    """Let pages look as they are told to, all of them first within a second, and return how often they looked."""
    job_id = uuid4()
    due = [page / pages for page in range(pages)]
    looked = 0
    while (now := min(due)) < lasting_s:
        looked += now >= 1
        due[due.index(now)] = now + book_look(job_id, now=now)
    return looked / (lasting_s - 1)


@pytest.mark.parametrize("pages", [1, 5, 8])
def test_pages_when_they_are_few_then_each_looks_as_often_as_ever(pages: int) -> None:
    assert looks_per_s(pages, lasting_s=120) == pytest.approx(pages / POLL_S, rel=0.05)


@pytest.mark.parametrize("pages", [30, 50, 80])
def test_pages_when_they_are_many_then_together_they_look_no_oftener(pages: int) -> None:
    assert looks_per_s(pages, lasting_s=60) == pytest.approx(LOOKS_PER_S, rel=0.05)


def test_pages_when_they_are_a_crowd_then_each_still_looks_now_and_then() -> None:
    assert looks_per_s(1000, lasting_s=121) == pytest.approx(1000 / MOST_POLL_S, rel=0.15)


def test_pages_when_the_others_have_gone_then_one_looks_often_again() -> None:
    job_id = uuid4()
    crowded_s = [book_look(job_id, now=0.0) for _ in range(50)][-1]

    assert crowded_s > 5 * POLL_S
    assert book_look(job_id, now=crowded_s) == POLL_S
    assert book_look(job_id, now=crowded_s + POLL_S) == POLL_S
