"""Pages of timed commands: starting one, what waits, deciding otherwise; who may what."""

from commands.models import Command
from commands.programs.models import TimedCommand
from tests.commands.programs.scheduling import make_timed
from tests.factories import PASSWORD, join_simulated_car


def test_start_when_filled_in_then_the_command_and_its_way_back_are_there(cast, link, browser_of):
    browser = browser_of(cast.operator)

    answer = browser.post(f"/vehicles/{link.vehicle_id}/timed/unlock/", {"minutes": "2", "token": "abc"})
    again = browser.post(f"/vehicles/{link.vehicle_id}/timed/unlock/", {"minutes": "2", "token": "abc"})

    timed = TimedCommand.objects.get()
    assert (answer.status_code, answer.url, again.status_code) == (302, f"/vehicles/{link.vehicle_id}/", 302)
    assert (timed.first.kind, timed.minutes, timed.membership_id) == ("unlock", 2, cast.operator.id)
    page = browser.get(f"/vehicles/{link.vehicle_id}/timed/").content.decode()
    assert "The first command has not left yet." in page
    assert f"/timed/{timed.id}/now/" in page


def test_start_when_the_time_is_the_cars_own_then_it_is_understood_so(cast, link, browser_of):
    answer = browser_of(cast.owner).post(f"/vehicles/{link.vehicle_id}/timed/stop_charge/", {"until": "17:00"})

    timed = TimedCommand.objects.get()
    assert answer.status_code == 302
    assert (timed.due_at.hour, timed.due_at.minute, timed.minutes) == (17, 0, None)
    assert [step["kind"] for step in timed.back] == ["set_charge_limit", "start_charge"]


def test_start_when_a_value_is_wrong_then_its_field_says_so_and_nothing_is_sent(cast, link, browser_of):
    browser = browser_of(cast.owner)
    wrong = {
        "unlock": {"minutes": "0"},
        "stop_charge": {"until": "soon"},
        "set_charge_limit": {"until": "17:00", "limit_percent": "20"},
        "start_climate": {"minutes": ""},
    }

    answers = {kind: browser.post(f"/vehicles/{link.vehicle_id}/timed/{kind}/", given) for kind, given in wrong.items()}

    assert {kind: (answer.status_code, list(answer.context["form"].errors)) for kind, answer in answers.items()} == {
        "unlock": (422, ["minutes"]),
        "stop_charge": (422, ["until"]),
        "set_charge_limit": (422, ["limit_percent"]),
        "start_climate": (422, ["minutes"]),
    }
    assert not Command.objects.exists()


def test_start_when_nothing_could_be_restored_then_it_says_so_and_sends_nothing(cast, simulator, browser_of):
    link = join_simulated_car(cast.owner, simulator, state={"charge_limit_percent": 80})

    answer = browser_of(cast.owner).post(f"/vehicles/{link.vehicle_id}/timed/stop_charge/", {"until": "17:00"})

    assert answer.status_code == 409
    assert "The car does not charge now, so there would be nothing to restore." in answer.content.decode()
    assert not Command.objects.exists()


def test_risky_start_when_nobody_proved_lately_who_they_are_then_the_password_is_asked_for(cast, link, browser_of):
    browser = browser_of(cast.owner, lately=False)
    path = f"/vehicles/{link.vehicle_id}/timed/unlock/"

    answers = [browser.post(path, {"minutes": "2", "password": word}) for word in ("", "not it", PASSWORD)]

    assert [answer.status_code for answer in answers] == [422, 422, 302]
    assert "not it" not in answers[1].content.decode()
    assert Command.objects.count() == 1


def test_lock_now_and_keep_unlocked_when_pressed_then_the_card_follows(cast, link, browser_of):
    browser = browser_of(cast.operator)
    timed = make_timed(link, cast.owner)

    kept = browser.post(f"/timed/{timed.id}/keep/", headers={"HX-Request": "true"})
    too_late = browser.post(f"/timed/{timed.id}/now/", headers={"HX-Request": "true"})

    timed.refresh_from_db()
    assert (kept.status_code, too_late.status_code) == (200, 409)
    assert (timed.state, timed.reason) == ("dropped", "kept")
    assert "Somebody chose to leave it as it is." in kept.content.decode()
    assert "It is on its way already, or over." in too_late.content.decode()


def test_pages_when_a_viewer_or_an_outsider_asks_then_nothing_can_be_done(cast, link, browser_of):
    timed = make_timed(link, cast.owner)
    paths = [f"/vehicles/{link.vehicle_id}/timed/unlock/", f"/timed/{timed.id}/now/", f"/timed/{timed.id}/keep/"]
    viewer, outsider = browser_of(cast.viewer), browser_of(cast.outsider)

    statuses = {
        "viewer": [viewer.post(path).status_code for path in paths],
        "outsider": [outsider.post(path).status_code for path in paths],
    }
    page = viewer.get(f"/vehicles/{link.vehicle_id}/timed/").content.decode()

    assert statuses == {"viewer": [403] * 3, "outsider": [404] * 3}
    assert outsider.get(f"/vehicles/{link.vehicle_id}/timed/").status_code == 404
    assert "/now/" not in page
    assert "Unlock for a while" in page


def test_start_when_there_is_no_such_program_then_there_is_no_such_page(cast, link, browser_of):
    browser = browser_of(cast.owner)

    assert [
        browser.get(f"/vehicles/{link.vehicle_id}/timed/{kind}/").status_code for kind in ("set_pin", "nonsense")
    ] == [404, 404]
