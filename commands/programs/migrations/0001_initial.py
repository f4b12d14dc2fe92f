import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import fleet.events.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("commands", "0004_tell_of_moves_by_the_statement"),
        ("jobs", "0002_keep_rows_in_their_team"),
        ("teams", "0003_give_teams_a_time_zone"),
        ("vehicles", "0004_keep_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=40)),
                ("parameters", models.JSONField(default=dict)),
                ("confirmed_count", models.PositiveIntegerField(null=True)),
                ("starts_on", models.DateField()),
                ("at", models.TimeField()),
                ("rule", models.CharField(db_default="", default="", max_length=200)),
                ("ends_on", models.DateField(null=True)),
                ("time_zone", models.CharField(db_default="", default="", max_length=40)),
                (
                    "on_holiday",
                    models.CharField(
                        choices=[("run", "Run"), ("skip", "Skip"), ("move", "Move")], default="run", max_length=10
                    ),
                ),
                ("holiday_country", models.CharField(db_default="", default="", max_length=2)),
                ("holiday_region", models.CharField(db_default="", default="", max_length=10)),
                (
                    "own_dates",
                    django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), default=list, size=None),
                ),
                ("grace_min", models.PositiveSmallIntegerField(default=10)),
                ("within_min", models.PositiveSmallIntegerField(default=60)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("ended", "Ended"),
                            ("removed", "Removed"),
                        ],
                        default="active",
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(db_default="", default="", max_length=40)),
                ("effective_from", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("looked_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("look_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("changed_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                (
                    "membership",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.membership"
                    ),
                ),
                (
                    "saved_filter",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="vehicles.savedfilter",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.team"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScheduleRun",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("zone", models.CharField(max_length=40)),
                ("local_on", models.DateField()),
                ("local_at", models.TimeField()),
                ("due_at", models.DateTimeField()),
                ("note", models.CharField(db_default="", default="", max_length=10)),
                ("moved_from", models.DateField(null=True)),
                ("holiday", models.CharField(db_default="", default="", max_length=100)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("due", "Due"),
                            ("started", "Started"),
                            ("empty", "Empty"),
                            ("missed", "Missed"),
                            ("holiday", "Holiday"),
                            ("failed", "Failed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(db_default="", default="", max_length=40)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="jobs.job"
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="programs.schedule",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.team"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TimedCommand",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("back", models.JSONField()),
                ("minutes", models.PositiveSmallIntegerField(null=True)),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("armed", "Armed"),
                            ("requested", "Requested"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("dropped", "Dropped"),
                        ],
                        default="armed",
                        max_length=20,
                    ),
                ),
                (
                    "sent",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("reason", models.CharField(db_default="", default="", max_length=40)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("requested_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "first",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="way_back", to="commands.command"
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.membership"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="teams.team"),
                ),
                (
                    "vehicle",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="vehicles.vehicle"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(condition=models.Q(("state", "active")), fields=["look_at"], name="schedule_look"),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["team", "name"], name="schedule_of_team"),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="schedule_has_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "paused", "ended", "removed"])), name="schedule_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_holiday__in", ["run", "skip", "move"])), name="schedule_on_holiday_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "close_charge_port",
                            "close_frunk",
                            "close_trunk",
                            "flash_lights",
                            "honk_horn",
                            "lock",
                            "open_charge_port",
                            "open_frunk",
                            "open_trunk",
                            "send_destination",
                            "set_charge_limit",
                            "set_temperature",
                            "start_charge",
                            "start_climate",
                            "start_engine",
                            "stop_charge",
                            "stop_climate",
                            "stop_engine",
                            "unlock",
                        ],
                    )
                ),
                name="schedule_kind_without_secret",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("grace_min__gte", 1), ("grace_min__lte", 120)), name="schedule_grace_bound"
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(("within_min__gte", 1), ("within_min__lte", 1440)), name="schedule_within_bound"
            ),
        ),
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(condition=models.Q(("state", "due")), fields=["due_at"], name="schedule_run_due"),
        ),
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(fields=["schedule", "-due_at"], name="schedule_run_latest"),
        ),
        migrations.AddConstraint(
            model_name="schedulerun",
            constraint=models.UniqueConstraint(
                fields=("schedule", "zone", "local_on", "local_at"), name="schedule_run_once_per_occurrence"
            ),
        ),
        migrations.AddConstraint(
            model_name="schedulerun",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["due", "started", "empty", "missed", "holiday", "failed"])),
                name="schedule_run_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedulerun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("job__isnull", False), ("state", "started")),
                    models.Q(models.Q(("state", "started"), _negated=True), ("job__isnull", True)),
                    _connector="OR",
                ),
                name="schedule_run_started_has_job",
            ),
        ),
        migrations.AddIndex(
            model_name="timedcommand",
            index=models.Index(condition=models.Q(("state", "armed")), fields=["due_at"], name="timed_due"),
        ),
        migrations.AddIndex(
            model_name="timedcommand",
            index=models.Index(
                condition=models.Q(("state", "requested")), fields=["requested_at"], name="timed_on_its_way"
            ),
        ),
        migrations.AddIndex(
            model_name="timedcommand",
            index=models.Index(fields=["vehicle", "-created_at"], name="timed_of_vehicle"),
        ),
        migrations.AddConstraint(
            model_name="timedcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["armed", "requested", "done", "failed", "dropped"])),
                name="timed_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="timedcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(("back", []), _negated=True), name="timed_has_way_back"
            ),
        ),
        migrations.AddConstraint(
            model_name="timedcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("state__in", ("armed", "requested"))),
                    models.Q(
                        models.Q(("state__in", ("armed", "requested")), _negated=True), ("finished_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="timed_finished_when_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="timedcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["dropped", "failed"]), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="timed_end_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="timedcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["requested", "done"]), _negated=True),
                    models.Q(("sent", []), _negated=True),
                    _connector="OR",
                ),
                name="timed_requested_has_commands",
            ),
        ),
    ]
