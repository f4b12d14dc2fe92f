"""The application's role gets its rights; the log becomes append-only and tells open pages of every new row."""

from django.db import migrations

from fleet.events.schema import append_only, grant_to_application

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514';
END $$;
"""

TELL = """
CREATE FUNCTION tell_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('fleetwell_live', json_build_object(
        'event', NEW.id, 'kind', NEW.kind, 'team', NEW.team_id, 'vehicle', NEW.vehicle_id, 'subject', NEW.subject
    )::text);
    RETURN NULL;
END $$;
CREATE TRIGGER events_event_tell AFTER INSERT ON events_event FOR EACH ROW EXECUTE FUNCTION tell_event();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION refuse_change()"),
        grant_to_application(),
        append_only("events_event"),
        migrations.RunSQL(TELL, "DROP TRIGGER events_event_tell ON events_event; DROP FUNCTION tell_event();"),
    ]
