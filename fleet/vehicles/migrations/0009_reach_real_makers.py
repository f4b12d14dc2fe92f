"""What real makers need: further secrets of a registration, tokens of applications, regions, signed sessions."""

import django.db.models.deletion
from django.db import migrations, models

import fleet.events.models


class Migration(migrations.Migration):
    dependencies = [
        ("vehicles", "0008_say_where_a_car_is_at_home"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApplicationToken",
            fields=[
                (
                    "app",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="vehicles.providerapp",
                    ),
                ),
                ("access_token_sealed", models.BinaryField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("version", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="region",
            field=models.CharField(blank=True, db_default="", default="", max_length=20),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="options",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="secrets_sealed",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="test_asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="test_result",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="tested_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="CarSession",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("car", models.CharField(max_length=200)),
                ("part", models.CharField(max_length=10)),
                ("public_key", models.BinaryField()),
                ("epoch", models.BinaryField()),
                ("counter", models.PositiveBigIntegerField()),
                ("clock_zero_at", models.FloatField()),
                ("updated_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("app", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="vehicles.providerapp")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("app", "car", "part"), name="car_session_once")],
            },
        ),
    ]
