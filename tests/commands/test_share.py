"""Who may claim how much: nobody takes all, everybody gets something, people go before programs."""

from uuid import UUID, uuid4

from commands.dispatch.share import Held, share_out
from commands.dispatch.store import Turn

WINDOW = 1000
NO_END = 10**6


def turn(team: UUID, app: UUID, **fields: object) -> Turn:
    values = {"is_probing": False, "room": None, "room_urgent": None} | fields
    return Turn(id=1, app_id=app, team_id=team, **values)


def fill(held: Held, team: UUID, app: UUID, *, rank: int) -> int:
    """Let one team take, claim after claim, all that it is given; return how much that is."""
    taken = 0
    while given := sum(w.room for w in share_out([turn(team, app)], held, at_once=100) if w.rank == rank):
        held.add(team, app, given)
        taken += given
    return taken


def test_one_team_when_it_wants_everything_then_a_quarter_stays_free_for_others():
    held = Held(WINDOW)

    assert fill(held, uuid4(), uuid4(), rank=0) == 750


def test_other_teams_of_the_same_provider_when_one_has_taken_its_share_then_each_still_gets_some():
    held, app = Held(WINDOW), uuid4()

    taken = [fill(held, uuid4(), app, rank=0) for _ in range(20)]

    # Each after the first gets less, and nobody nothing, until the provider holds nearly all.
    assert taken[:3] == [750, 125, 10]
    assert all(taken[:6])
    assert sum(taken) <= WINDOW * 15 / 16 + 2


def test_another_provider_when_one_hangs_with_all_it_could_get_then_it_has_its_own_share():
    held, hanging = Held(WINDOW), uuid4()
    for _ in range(200):
        fill(held, uuid4(), hanging, rank=0)

    assert fill(held, uuid4(), uuid4(), rank=0) >= (WINDOW - WINDOW * 15 / 16) / 2


def test_bulk_when_the_window_fills_up_then_the_last_tenth_is_kept_for_people():
    held = Held(WINDOW)
    for _ in range(200):
        fill(held, uuid4(), uuid4(), rank=1)

    assert held.total <= WINDOW * 9 / 10
    assert fill(held, uuid4(), uuid4(), rank=0) > 0


def test_small_window_when_it_is_empty_then_at_least_one_goes():
    held = Held(1)

    assert fill(held, uuid4(), uuid4(), rank=0) == 1


def test_provider_with_an_open_breaker_when_it_is_asked_again_then_one_command_goes_to_look():
    wanted = share_out([turn(uuid4(), uuid4(), is_probing=True)], Held(WINDOW), at_once=100)

    assert {w.room for w in wanted} == {1}


def test_budget_when_little_is_left_then_no_more_is_claimed_and_people_may_use_the_reserve():
    wanted = share_out([turn(uuid4(), uuid4(), room=0, room_urgent=3)], Held(WINDOW), at_once=100)

    assert [(w.rank, w.room) for w in wanted] == [(0, 3)]


def test_many_turns_when_little_may_start_at_once_then_it_is_divided_between_them():
    turns = [turn(uuid4(), uuid4()) for _ in range(10)]

    wanted = share_out(turns, Held(WINDOW), at_once=50)

    assert [w.room for w in wanted if w.rank == 0] == [5] * 10
