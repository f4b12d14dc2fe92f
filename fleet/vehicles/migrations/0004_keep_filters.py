"""Selections of cars under a name."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0003_give_teams_a_time_zone"),
        ("vehicles", "0003_know_breakers_and_guests"),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("values", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="saved_filter_has_name"
                    ),
                    models.UniqueConstraint(
                        models.F("team"), django.db.models.functions.text.Lower("name"), name="saved_filter_name_once"
                    ),
                ],
            },
        ),
        key_for_team("vehicles_savedfilter"),
    ]
