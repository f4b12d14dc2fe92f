"""Private hours of owners, ends of connections, and a count of every read that an owner can look up."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team, same_team

# Monday is 1. A window that ends before it begins ends on the next day and counts for the day on which it began.
PRIVATE = """
CREATE FUNCTION in_private_hours(windows jsonb, zone text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM jsonb_array_elements(windows) w
        CROSS JOIN LATERAL (SELECT at AT TIME ZONE coalesce(nullif(zone, ''), 'UTC') AS local) here
        CROSS JOIN LATERAL (SELECT (w ->> 'from')::time AS begins, (w ->> 'until')::time AS ends) this
        CROSS JOIN LATERAL (SELECT extract(isodow FROM local)::int AS today,
                                   extract(isodow FROM local - interval '1 day')::int AS yesterday) day
        WHERE CASE
            WHEN begins < ends THEN w -> 'days' @> to_jsonb(today) AND local::time >= begins AND local::time < ends
            ELSE (w -> 'days' @> to_jsonb(today) AND local::time >= begins)
                 OR (w -> 'days' @> to_jsonb(yesterday) AND local::time < ends)
        END)
$$;
CREATE FUNCTION location_is_private(the_vehicle uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM vehicles_vehiclelink l JOIN vehicles_connection n ON n.id = l.connection_id
        JOIN vehicles_owner o ON o.id = n.owner_id
        WHERE l.vehicle_id = the_vehicle AND l.ended_at IS NULL AND n.status = 'active'
            AND o.private_hours <> '[]' AND in_private_hours(o.private_hours, o.private_time_zone, clock_timestamp()))
$$;
"""
NO_PRIVATE = "DROP FUNCTION location_is_private(uuid); DROP FUNCTION in_private_hours(jsonb, text, timestamptz);"


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0005_give_teams_units_an_end_and_sign_on"),
        ("vehicles", "0006_care_for_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="told_of_end_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="owner",
            name="forgotten_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="owner",
            name="private_hours",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="owner",
            name="private_time_zone",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.CreateModel(
            name="ReadCount",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour_at", models.DateTimeField()),
                ("purpose", models.CharField(max_length=20)),
                ("actor", models.CharField(blank=True, db_default="", default="", max_length=80)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), default=list, size=None
                    ),
                ),
                ("count", models.PositiveIntegerField(default=1)),
                ("last_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reads", to="vehicles.vehiclelink"
                    ),
                ),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("link", "hour_at", "purpose", "actor"), name="read_count_once_an_hour"
                    )
                ],
                "indexes": [BrinIndex(fields=["hour_at"], name="read_count_by_time")],
            },
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="listed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="vehiclelink",
            name="unlisted_at",
            field=models.DateTimeField(null=True),
        ),
        key_for_team("vehicles_readcount"),
        same_team("vehicles_readcount", "link_id", "vehicles_vehiclelink"),
        migrations.RunSQL(PRIVATE, NO_PRIVATE),
    ]
