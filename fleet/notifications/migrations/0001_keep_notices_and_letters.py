"""Notices, letters and what people chose; the reader begins where the log stands now: what was is no news."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import fleet.events.models

BEGIN = """
INSERT INTO notifications_reader (id, seal_id) SELECT 1, coalesce(max(id), 0) FROM events_seal;
INSERT INTO notifications_postoffice (id, failures) VALUES (1, 0);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("events", "0005_find_events_by_time"),
        ("teams", "0005_give_teams_units_an_end_and_sign_on"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("is_urgent", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("try_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("sent", "Sent"), ("empty", "Empty"), ("failed", "Failed")],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("needs", models.CharField(blank=True, default="", max_length=20)),
                ("event_id", models.BigIntegerField()),
                ("event_kind", models.CharField(max_length=60)),
                ("subject", models.CharField(blank=True, default="", max_length=80)),
                ("actor", models.CharField(max_length=80)),
                ("count", models.PositiveIntegerField(default=1)),
                (
                    "vehicle_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("data", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("at", models.DateTimeField()),
                (
                    "letter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="notifications.letter",
                    ),
                ),
                ("team", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("needs", models.CharField(blank=True, default="", max_length=20)),
                ("event_id", models.BigIntegerField()),
                ("event_kind", models.CharField(max_length=60)),
                ("subject", models.CharField(blank=True, default="", max_length=80)),
                ("actor", models.CharField(max_length=80)),
                ("count", models.PositiveIntegerField(default=1)),
                (
                    "vehicle_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("data", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                ("team", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PostOffice",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("held_until", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("resume_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("failures", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="post_office_is_one")],
            },
        ),
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("choices", models.JSONField(default=dict)),
                ("quiet_from", models.TimeField(blank=True, null=True)),
                ("quiet_until", models.TimeField(blank=True, null=True)),
                ("time_zone", models.CharField(blank=True, db_default="", default="", max_length=40)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("quiet_from__isnull", True), ("quiet_until__isnull", True)),
                            models.Q(
                                ("quiet_from__isnull", False),
                                ("quiet_until__isnull", False),
                                models.Q(("quiet_from", models.F("quiet_until")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="quiet_hours_have_two_ends",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reader",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("seal_id", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="notices_have_one_reader")],
            },
        ),
        migrations.CreateModel(
            name="KnownBrowser",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret_hash", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("last_used_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("user", "secret_hash"), name="browser_known_once")],
            },
        ),
        migrations.AddIndex(
            model_name="letter",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)), fields=["try_at"], name="letter_to_send"
            ),
        ),
        migrations.AddIndex(
            model_name="letter",
            index=models.Index(fields=["user", "-ended_at"], name="letter_of_user"),
        ),
        migrations.AddConstraint(
            model_name="letter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), ("is_urgent", False)),
                fields=("user",),
                name="letter_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="letter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("outcome", "")),
                    models.Q(("ended_at__isnull", False), models.Q(("outcome", ""), _negated=True)),
                    _connector="OR",
                ),
                name="letter_ended_has_outcome",
            ),
        ),
        migrations.AddIndex(
            model_name="line",
            index=models.Index(condition=models.Q(("letter__isnull", True)), fields=["user"], name="line_waits"),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.UniqueConstraint(fields=("user", "event_id"), name="line_once_per_event"),
        ),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(condition=models.Q(("count__gte", 1)), name="line_counts_from_one"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["user", "-at", "-id"], name="notice_of_user"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=models.Q(("read_at__isnull", True)), fields=["user"], name="notice_unread"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["at"], name="notice_by_age"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("user", "event_id"), name="notice_once_per_event"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(condition=models.Q(("count__gte", 1)), name="notice_counts_from_one"),
        ),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
    ]
