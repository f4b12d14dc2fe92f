"""The wake ledger's rules, held in the database for all processes together: a person's wake counts, ours are few."""

from django.db import migrations

from fleet.events.schema import revoke

GRANT = """
CREATE FUNCTION wake_grant(lane uuid, app uuid, is_automated boolean, cause text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('wake:' || lane::text, 0));
    IF is_automated THEN
        IF (SELECT count(*) FROM budgets_wake w WHERE w.lane_id = wake_grant.lane AND w.is_automated
                AND w.at > clock_timestamp() - interval '24 hours') >= 6 THEN
            RETURN 'wake_used_up';
        END IF;
        IF EXISTS (SELECT FROM budgets_wake w WHERE w.lane_id = wake_grant.lane
                   AND w.at > clock_timestamp() - interval '30 minutes') THEN
            RETURN 'wake_recent';
        END IF;
    END IF;
    INSERT INTO budgets_wake (lane_id, app_id, is_automated, cause)
    VALUES (wake_grant.lane, wake_grant.app, wake_grant.is_automated, left(wake_grant.cause, 80));
    RETURN '';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0002_take_in_the_database")]
    operations = [
        migrations.RunSQL(GRANT, "DROP FUNCTION wake_grant"),
        revoke("budgets_wake", "UPDATE, DELETE, TRUNCATE"),
    ]
