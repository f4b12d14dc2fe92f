"""Reading a car again after a command that only the maker's or the car's word proves, so that pages show what came of
it. What that reading says of the proof is contradictions'.
"""

from django.db import connection

from fleet.adapters.commands import KINDS
from fleet.adapters.settling import REPORTED

# By then a cloud reports what the car did; a round that was late or lost must not make a car slip through.
SETTLED_S = REPORTED.settle_s
LOOK_FOR_S = 60.0
READABLE = sorted(kind for kind, command in KINDS.items() if command.signal is not None)

# Starts from the index of confirmed commands by time.
LOOK = """
UPDATE vehicles_vehicle v SET read_at = NULL
FROM commands_command c
WHERE c.state = 'confirmed' AND c.evidence IN ('vehicle_ack', 'provider') AND c.kind = ANY(%(kinds)s)
    AND c.finished_at <= clock_timestamp() - %(settled_s)s * interval '1 s'
    AND c.finished_at > clock_timestamp() - (%(settled_s)s + %(look_for_s)s) * interval '1 s'
    AND v.id = c.vehicle_id AND v.read_at < c.finished_at + %(settled_s)s * interval '1 s'
"""


def look_again() -> int:
    """Make the cars due for reading that obeyed a while ago and were not read since; return how many.

    They are read by the regular round, within what their budgets allow. Idempotent.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOOK, {"kinds": READABLE, "settled_s": SETTLED_S, "look_for_s": LOOK_FOR_S})
        return int(cursor.rowcount)
