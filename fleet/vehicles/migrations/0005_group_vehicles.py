"""Groups of vehicles, for memberships and filters."""

import uuid

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0004_speak_of_commands_in_roles"),
        ("vehicles", "0004_keep_filters"),
    ]

    operations = [
        migrations.CreateModel(
            name="VehicleGroup",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
        ),
        migrations.CreateModel(
            name="GroupedVehicle",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
                (
                    "vehicle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="grouped", to="vehicles.vehicle"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="grouped", to="vehicles.vehiclegroup"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="vehiclegroup",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="vehicle_group_has_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="vehiclegroup",
            constraint=models.UniqueConstraint(
                models.F("team"), django.db.models.functions.text.Lower("name"), name="vehicle_group_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="groupedvehicle",
            constraint=models.UniqueConstraint(fields=("group", "vehicle"), name="vehicle_once_per_group"),
        ),
        key_for_team("vehicles_vehiclegroup"),
        key_for_team("vehicles_groupedvehicle"),
        same_team("vehicles_groupedvehicle", "group_id", "vehicles_vehiclegroup"),
        same_team("vehicles_groupedvehicle", "vehicle_id", "vehicles_vehicle"),
    ]
