"""Single presses of one team beside another team's thousands.

Import it after Django is set up, that is, while a rig is open.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from benchmarks.engine.orders import accept, wait_for_end
from benchmarks.engine.rig import Rig
from benchmarks.engine.seeding import Fleet
from commands.services import request_command
from fleet.adapters.commands import SetChargeLimit, StopClimate
from fleet.vehicles.models import Vehicle

PRESS_EVERY_S = 1.0
COUNT = """
SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state IN ('claimed', 'sending'))
FROM commands_command WHERE team_id = %s AND state IN ('queued', 'claimed', 'sending')
"""
WAITED = "SELECT id, extract(epoch FROM permitted_at - accepted_at)::float8 FROM commands_command WHERE id = ANY(%s)"


@dataclass(frozen=True)
class Wait:
    """One press: from acceptance to the permit, and what the other team had when it was made."""

    seconds: float
    others_queued: int
    others_sending: int


def press_beside(rig: Rig, crowd: Fleet, single: Fleet, *, presses: int) -> list[Wait]:
    """Queue a command for every car of the crowd; then press once a second for another team's cars, in turn.

    Ends early when the crowd's commands are over: a press beside nobody says nothing.
    """
    accept(crowd, crowd.cars, [SetChargeLimit(80)] * len(crowd.cars))
    made: list[tuple[UUID, int, int]] = []
    began = time.monotonic()
    with rig.admin() as connection:
        for n in range(presses):
            time.sleep(max(0.0, began + n * PRESS_EVERY_S - time.monotonic()))
            queued, sending = connection.execute(COUNT, [crowd.membership.team_id]).fetchone() or (0, 0)
            if queued + sending == 0:
                break
            vehicle = Vehicle.objects.get(pk=single.cars[n % len(single.cars)].vehicle_id)
            command = request_command(vehicle=vehicle, membership=single.membership, order=StopClimate())
            made.append((command.id, queued, sending))
        wait_for_end(rig)
        rows = connection.execute(WAITED, [[command_id for command_id, _, _ in made]]).fetchall()
    seconds = dict(rows)
    # What never got its permit waited for ever; a figure must not leave it out.
    if missing := [command_id for command_id, _, _ in made if seconds[command_id] is None]:
        raise SystemExit(f"{len(missing)} single presses were never permitted")
    return [Wait(seconds[command_id], queued, sending) for command_id, queued, sending in made]
