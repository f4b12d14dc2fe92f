"""Open pages are told of new rows once a statement and team, some dozens at a time, instead of once a row."""

from django.db import migrations

# 40 changes of at most 190 bytes stay below the 8,000 that a notification may carry. What no page shows is not told.
TELL = """
DROP TRIGGER events_event_tell ON events_event;
DROP FUNCTION tell_event();
CREATE FUNCTION tell_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('fleetwell_live', json_build_object('team', team_id, 'changes',
                json_agg(json_build_array(vehicle_id, kind, subject) ORDER BY id))::text)
    FROM (SELECT *, row_number() OVER (PARTITION BY team_id ORDER BY id) / 40 AS chunk FROM happened
          WHERE kind <> 'command.claimed') h
    GROUP BY team_id, chunk;
    RETURN NULL;
END $$;
CREATE TRIGGER events_event_tell AFTER INSERT ON events_event
    REFERENCING NEW TABLE AS happened FOR EACH STATEMENT EXECUTE FUNCTION tell_events();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_grant_and_guard")]
    operations = [migrations.RunSQL(TELL)]
