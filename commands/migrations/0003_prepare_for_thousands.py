"""Columns for ranks, causes and the next try; fewer indexes, since each is written at every move."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import fleet.events.models

ONE_IN_FLIGHT = """
CREATE UNIQUE INDEX IF NOT EXISTS command_one_in_flight ON commands_command (lane_id)
    WHERE state IN ('claimed', 'sending')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("commands", "0002_guard_commands"),
        ("teams", "0003_give_teams_a_time_zone"),
        ("vehicles", "0003_know_breakers_and_guests"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="command",
            name="command_queue",
        ),
        migrations.RemoveIndex(
            model_name="command",
            name="command_next_in_lane",
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "claimed", "sending"])),
                fields=["lane", "sequence"],
                name="command_open_in_lane",
            ),
        ),
        migrations.RemoveField(
            model_name="command",
            name="not_before",
        ),
        migrations.AddField(
            model_name="command",
            name="cause",
            field=models.CharField(db_default="", default="", max_length=80),
        ),
        migrations.AddField(
            model_name="command",
            name="rank",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="command",
            name="ready_at",
            field=models.DateTimeField(db_default=fleet.events.models.ClockTimestamp()),
        ),
        migrations.AddField(
            model_name="command",
            name="was",
            field=models.CharField(db_default="", default="", max_length=20),
        ),
        migrations.AlterField(
            model_name="command",
            name="app",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="vehicles.providerapp"
            ),
        ),
        migrations.AlterField(
            model_name="command",
            name="authority",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.authority"
            ),
        ),
        migrations.AlterField(
            model_name="command",
            name="lane",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="vehicles.lane"),
        ),
        migrations.AlterField(
            model_name="command",
            name="link",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="vehicles.vehiclelink",
            ),
        ),
        migrations.AlterField(
            model_name="command",
            name="team",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.team"
            ),
        ),
        migrations.AlterField(
            model_name="command",
            name="user",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AlterField(
            model_name="command",
            name="vehicle",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="vehicles.vehicle"
            ),
        ),
        migrations.AlterField(
            model_name="commandattempt",
            name="command",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempt_rows",
                to="commands.command",
            ),
        ),
        migrations.AlterField(
            model_name="commandattempt",
            name="team",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.team"
            ),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("rank__gte", 0), ("state", "queued")),
                fields=["app", "team", "rank", "ready_at"],
                name="command_queue",
            ),
        ),
        migrations.RemoveIndex(model_name="command", name="command_of_team"),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("rank__gte", 0)), fields=["team", "-accepted_at"], name="command_of_team"
            ),
        ),
        migrations.RemoveIndex(model_name="command", name="command_sweep"),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("attempts__gte", 0), ("state__in", ["queued", "claimed", "sending"])),
                fields=["state", "deadline"],
                name="command_sweep",
            ),
        ),
        migrations.AddIndex(
            model_name="command",
            index=models.Index(
                condition=models.Q(("state", "confirmed")), fields=["finished_at"], name="command_confirmed"
            ),
        ),
        # Django takes the unique index of one column for the index of the foreign key, and drops it with that.
        migrations.RunSQL(ONE_IN_FLIGHT, migrations.RunSQL.noop),
    ]
