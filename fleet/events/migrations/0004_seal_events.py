"""Seals, anchors and personal values; every event waits in a list until it is sealed."""

import django.contrib.postgres.fields
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import append_only, revoke

# No index: the sealer empties it every few seconds, and an insert must cost the writer next to nothing.
UNSEALED = """
CREATE TABLE events_unsealed (event_id bigint NOT NULL)
    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
INSERT INTO events_unsealed SELECT id FROM events_event ORDER BY id;
CREATE FUNCTION wait_for_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_unsealed SELECT id FROM happened;
    RETURN NULL;
END $$;
CREATE TRIGGER events_event_wait_for_seal AFTER INSERT ON events_event
    REFERENCING NEW TABLE AS happened FOR EACH STATEMENT EXECUTE FUNCTION wait_for_seal();
"""
UNDO = """
DROP TRIGGER events_event_wait_for_seal ON events_event;
DROP FUNCTION wait_for_seal();
DROP TABLE events_unsealed;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0003_tell_pages_by_the_statement")]
    operations = [
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("chain_id", models.UUIDField()),
                ("sequence", models.BigIntegerField()),
                (
                    "event_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("links", models.BinaryField()),
                ("previous_hash", models.BinaryField()),
                ("hash", models.BinaryField()),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["chain_id", "sequence"], name="one_seal_per_place_in_a_chain"),
                    models.CheckConstraint(condition=models.Q(("sequence__gte", 1)), name="seal_counts_from_one"),
                    models.CheckConstraint(condition=models.Q(("event_ids__len__gte", 1)), name="seal_holds_events"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Anchor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("heads", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="PersonalValue",
            fields=[
                ("hash", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("team_id", models.UUIDField(null=True)),
                ("salt", models.BinaryField()),
                ("value", models.TextField()),
                ("kept_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
            ],
            options={"indexes": [models.Index(fields=["team_id", "value"], name="personal_of_team")]},
        ),
        append_only("events_seal"),
        append_only("events_anchor"),
        revoke("events_personalvalue", "UPDATE"),
        migrations.RunSQL(UNSEALED, UNDO),
        revoke("events_unsealed", "UPDATE"),
    ]
