"""Roles of a team's own, memberships for some vehicles only, invitations, settings of a team."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0003_give_teams_a_time_zone"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomRole",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                (
                    "permissions",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                (
                    "families",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("max_cars", models.PositiveIntegerField(null=True)),
                ("needs_step_up", models.BooleanField(default=False)),
                ("hours", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("removed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("manager", "Fleet manager"),
                            ("operator", "Operator"),
                            ("driver", "Driver"),
                            ("viewer", "Viewer"),
                            ("custom", "Custom role"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reaches_all", models.BooleanField(db_default=True, default=True)),
                (
                    "vehicle_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), db_default=[], default=list, size=None
                    ),
                ),
                (
                    "group_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), db_default=[], default=list, size=None
                    ),
                ),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("secret_hash", models.BinaryField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("expires_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("sent_count", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("accepted_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="membership",
            name="membership_role_known",
        ),
        migrations.AddField(
            model_name="membership",
            name="group_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="reaches_all",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="membership",
            name="vehicle_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="team",
            name="language",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        migrations.AddField(
            model_name="team",
            name="requires_second_factor",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[
                    ("owner", "Owner"),
                    ("admin", "Admin"),
                    ("manager", "Fleet manager"),
                    ("operator", "Operator"),
                    ("driver", "Driver"),
                    ("viewer", "Viewer"),
                    ("custom", "Custom role"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="customrole",
            name="team",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team"),
        ),
        key_for_team("teams_customrole"),
        key_for_team("teams_membership"),
        migrations.AddField(
            model_name="membership",
            name="custom_role",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="teams.customrole"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("role__in", ["owner", "admin", "manager", "operator", "driver", "viewer", "custom"])
                ),
                name="membership_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("custom_role__isnull", False), ("role", "custom")),
                    models.Q(models.Q(("role", "custom"), _negated=True), ("custom_role__isnull", True)),
                    _connector="OR",
                ),
                name="membership_custom_role",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="accepted_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="teams.membership"
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="custom_role",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="teams.customrole"
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="invited_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="invitations", to="teams.membership"
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="team",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team"),
        ),
        migrations.AddConstraint(
            model_name="customrole",
            constraint=models.UniqueConstraint(
                models.F("team"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("removed_at__isnull", True)),
                name="custom_role_name_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="customrole",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="custom_role_has_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="customrole",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_cars__isnull", True), ("max_cars__gte", 1), _connector="OR"),
                name="custom_role_some_cars",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("role__in", ["owner", "admin", "manager", "operator", "driver", "viewer", "custom"])
                ),
                name="invitation_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("custom_role__isnull", False), ("role", "custom")),
                    models.Q(models.Q(("role", "custom"), _negated=True), ("custom_role__isnull", True)),
                    _connector="OR",
                ),
                name="invitation_custom_role",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("accepted_at__isnull", True), ("accepted_by__isnull", True)),
                    models.Q(
                        ("accepted_at__isnull", False), ("accepted_by__isnull", False), ("revoked_at__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="invitation_accepted_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("email", ""), _negated=True), ("accepted_at__isnull", True), ("revoked_at__isnull", True)
                ),
                fields=("team", "email"),
                name="invitation_open_once_per_address",
            ),
        ),
        key_for_team("teams_invitation"),
        same_team("teams_membership", "custom_role_id", "teams_customrole"),
        same_team("teams_invitation", "custom_role_id", "teams_customrole"),
        same_team("teams_invitation", "invited_by_id", "teams_membership"),
        same_team("teams_invitation", "accepted_by_id", "teams_membership"),
    ]
