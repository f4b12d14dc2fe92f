"""What a car's own answer teaches: what it cannot do is not offered again, for a month or until it says otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.services import NotSupported
from fleet.adapters.capabilities import Answer, Capability
from fleet.adapters.commands import Unlock
from fleet.adapters.errors import NotExecuted
from fleet.adapters.providers.simulator import payloads
from fleet.vehicles.services import note_capabilities
from tests.commands.rig import carry, known, press

NOW = datetime.now(UTC)


def test_unlock_when_the_car_says_that_it_cannot_then_it_is_not_offered_again(link, car, monkeypatch):
    note_capabilities(link, {})
    monkeypatch.setattr(payloads, "verdict_of", lambda _: NotExecuted("not_capable"))

    command = press(link, Unlock())
    carry()

    assert known(command) == ("refused", "", "not_capable", "")
    link.refresh_from_db()
    learned = link.capability("unlock")
    assert (learned["answer"], learned["why"], learned["source"]) == ("no", "not_capable", "answer")
    with pytest.raises(NotSupported, match="not_capable"):
        press(link, Unlock())


@pytest.mark.parametrize(
    ("age_days", "said", "answer"),
    [(29, {}, "no"), (31, {}, "unknown"), (1, {"unlock": Capability(Answer.YES, "maker", NOW)}, "yes")],
    ids=["young", "old", "contradicted"],
)
def test_capabilities_when_read_again_then_what_was_learned_stays_for_a_month_unless_the_maker_says_otherwise(
    link, age_days, said, answer
):
    at = (NOW - timedelta(days=age_days)).isoformat()
    link.capabilities = {"unlock": {"answer": "no", "why": "x", "source": "answer", "checked_at": at, "ranges": {}}}
    link.save(update_fields=["capabilities"])

    note_capabilities(link, said)

    assert link.capability("unlock")["answer"] == answer
