"""What a person should look at becomes an alert in the very statement that tells of it: none is lost with a process."""

from django.db import migrations

from fleet.events.schema import revoke, same_team

# A command that was overtaken by a later one of its kind asks nobody to look: the later one will tell.
RAISE = """
CREATE FUNCTION raise_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO alerts_alert (id, team_id, vehicle_id, command_id, kind, data)
    SELECT gen_random_uuid(), h.team_id, h.vehicle_id, substr(h.subject, 9)::uuid,
           CASE WHEN h.kind = 'command.contradicted' OR h.data->>'error' = 'contradicted' THEN 'contradicted'
                WHEN h.kind = 'command.refused' THEN 'parked' ELSE 'not_proved' END, h.data
    FROM happened h
    WHERE (h.kind = 'command.unresolved' AND h.data->>'error' IS DISTINCT FROM 'overtaken')
        OR (h.kind = 'command.refused' AND h.data->>'error' = 'parked')
        OR (h.kind = 'command.contradicted' AND h.data->>'alert' IS DISTINCT FROM 'false')
    ON CONFLICT (command_id) WHERE command_id IS NOT NULL DO UPDATE
        SET kind = excluded.kind, data = excluded.data, closed_at = NULL, closed_by_id = NULL
        WHERE excluded.kind = 'contradicted' AND alerts_alert.kind <> 'contradicted';
    RETURN NULL;
END $$;
CREATE TRIGGER events_event_alert AFTER INSERT ON events_event
    REFERENCING NEW TABLE AS happened FOR EACH STATEMENT EXECUTE FUNCTION raise_alerts();
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_keep_alerts"), ("events", "0003_tell_pages_by_the_statement")]
    operations = [
        migrations.RunSQL(RAISE, "DROP TRIGGER events_event_alert ON events_event; DROP FUNCTION raise_alerts();"),
        same_team("alerts_alert", "vehicle_id", "vehicles_vehicle"),
        same_team("alerts_alert", "command_id", "commands_command"),
        revoke("alerts_alert", "DELETE"),
    ]
