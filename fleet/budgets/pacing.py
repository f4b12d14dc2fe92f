"""How often cars are read in the background where calls are counted: seldom, so that commands find their budget."""

from datetime import timedelta
from uuid import UUID

from django.db import connection

# Of what the reserve leaves; a job's foretold duration does not suffer from so little.
SHARE = 0.1

# All cars of an application, each so seldom that together they keep to the share, in the tightest of its budgets.
READ_INTERVALS = """
WITH cars AS (
    SELECT a.app_id, a.id, count(DISTINCT l.vehicle_id) AS n
    FROM vehicles_vehiclelink l
    JOIN vehicles_connection c ON c.id = l.connection_id
    JOIN vehicles_provideraccount a ON a.id = c.account_id
    WHERE l.ended_at IS NULL AND a.app_id IN (SELECT app_id FROM budgets_budget WHERE resource = 'calls')
    GROUP BY a.app_id, a.id
), sizes AS (
    SELECT app_id, sum(n) AS of_app, max(n) AS of_account FROM cars GROUP BY app_id
)
SELECT b.app_id, max(CASE b.per WHEN 'app' THEN s.of_app WHEN 'account' THEN s.of_account ELSE 1 END
                     * b.window_s / (%(share)s * greatest(b."limit" - b.reserve, 1)))::float8
FROM budgets_budget b JOIN sizes s ON s.app_id = b.app_id
WHERE b.resource = 'calls' GROUP BY b.app_id
"""


def read_intervals() -> dict[UUID, timedelta]:
    """Return, per application whose calls are counted, how long after a read a car may be read in the background."""
    with connection.cursor() as cursor:
        cursor.execute(READ_INTERVALS, {"share": SHARE})
        return {app_id: timedelta(seconds=seconds) for app_id, seconds in cursor.fetchall()}
