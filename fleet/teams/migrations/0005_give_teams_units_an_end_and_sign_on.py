"""Units, retention and the end of a team; the installation and who may sign up; domains of single sign-on."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0004_speak_of_commands_in_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "sign_up",
                    models.CharField(
                        choices=[("anyone", "Anyone"), ("invited", "Only people who are invited")],
                        db_default="invited",
                        default="invited",
                        max_length=10,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SignOnDomain",
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
                ("domain", models.CharField(max_length=253)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("removed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="team",
            name="delete_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="distance_unit",
            field=models.CharField(
                choices=[("km", "Kilometres"), ("mi", "Miles")], db_default="km", default="km", max_length=2
            ),
        ),
        migrations.AddField(
            model_name="team",
            name="keep_history_days",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="keep_names_days",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="temperature_unit",
            field=models.CharField(
                choices=[("c", "Degrees Celsius"), ("f", "Degrees Fahrenheit")],
                db_default="c",
                default="c",
                max_length=1,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="is_administrator",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.CheckConstraint(
                condition=models.Q(("keep_history_days__gte", 30)), name="team_keeps_a_month_of_history"
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.CheckConstraint(
                condition=models.Q(("keep_names_days__gte", 30)), name="team_keeps_a_month_of_names"
            ),
        ),
        migrations.AddConstraint(
            model_name="installation",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="installation_is_one"),
        ),
        migrations.AddField(
            model_name="signondomain",
            name="custom_role",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="teams.customrole"
            ),
        ),
        migrations.AddField(
            model_name="signondomain",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="teams.membership"
            ),
        ),
        migrations.AddField(
            model_name="signondomain",
            name="team",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team"),
        ),
        migrations.AddConstraint(
            model_name="signondomain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)),
                fields=("team", "domain"),
                name="sign_on_domain_once_per_team",
            ),
        ),
        migrations.AddConstraint(
            model_name="signondomain",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("role__in", ["owner", "admin", "manager", "operator", "driver", "viewer", "custom"])
                ),
                name="sign_on_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="signondomain",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("custom_role__isnull", False), ("role", "custom")),
                    models.Q(models.Q(("role", "custom"), _negated=True), ("custom_role__isnull", True)),
                    _connector="OR",
                ),
                name="sign_on_custom_role",
            ),
        ),
        migrations.AddConstraint(
            model_name="signondomain",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("domain", ""), _negated=True), ("domain", django.db.models.functions.text.Lower("domain"))
                ),
                name="sign_on_domain_lower_case",
            ),
        ),
        key_for_team("teams_signondomain"),
        same_team("teams_signondomain", "custom_role_id", "teams_customrole"),
        same_team("teams_signondomain", "made_by_id", "teams_membership"),
    ]
