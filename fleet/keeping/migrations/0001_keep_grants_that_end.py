"""Grants at makers that are to end, with how often it was tried."""

import django.db.models.deletion
from django.db import migrations, models

import fleet.events.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("vehicles", "0005_group_vehicles")]

    operations = [
        migrations.CreateModel(
            name="GrantEnding",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="vehicles.provideraccount",
                    ),
                ),
                ("team_id", models.UUIDField()),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("next_try_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={"indexes": [models.Index(fields=["team_id"], name="grant_ending_of_team")]},
        ),
    ]
