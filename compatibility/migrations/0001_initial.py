"""Declared facts with their history, the matrix made of them, and what runs have shown."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("teams", "0006_say_where_cars_are_at_home"),
        ("vehicles", "0008_say_where_a_car_is_at_home"),
    ]

    operations = [
        migrations.CreateModel(
            name="DataLoad",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("loaded_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("facts", models.PositiveIntegerField()),
                ("added", models.PositiveIntegerField()),
                ("ended", models.PositiveIntegerField()),
                ("is_first", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="CarLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("make", models.CharField(max_length=60)),
                ("make_key", models.CharField(max_length=60)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("model_key", models.CharField(blank=True, max_length=100)),
                ("engine", models.CharField(blank=True, max_length=4)),
                ("year_from", models.PositiveSmallIntegerField(null=True)),
                ("year_to", models.PositiveSmallIntegerField(null=True)),
                ("is_named", models.BooleanField()),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.BTreeIndex(
                        fields=["make_key", "model_key", "engine", "year_from"], name="car_line_order"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KnownAbility",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("abilities", models.JSONField(default=dict)),
                ("seen_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("link", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to="vehicles.vehiclelink")),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
        ),
        migrations.CreateModel(
            name="SharedMeasurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=40)),
                ("make", models.CharField(max_length=60)),
                ("model", models.CharField(max_length=100)),
                ("year", models.PositiveSmallIntegerField(null=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("command", models.CharField(max_length=40)),
                ("runs", models.PositiveIntegerField()),
                ("confirmed", models.PositiveIntegerField()),
                ("cars", models.PositiveIntegerField()),
                ("median_s", models.FloatField(null=True)),
                ("p90_s", models.FloatField(null=True)),
                ("last_confirmed_at", models.DateTimeField(null=True)),
                ("measured_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("teams", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "make", "model", "year", "country", "command"),
                        name="shared_measurement_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cars__gte", 5), ("teams__gte", 3)), name="shared_measurement_hides_few"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=40)),
                ("make", models.CharField(max_length=60)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("year_from", models.PositiveSmallIntegerField(null=True)),
                ("year_to", models.PositiveSmallIntegerField(null=True)),
                ("engine", models.CharField(blank=True, max_length=4)),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=2), default=list, size=None
                    ),
                ),
                ("ability", models.CharField(max_length=40)),
                (
                    "support",
                    models.CharField(
                        choices=[
                            ("full", "Works"),
                            ("partial", "Works with a condition"),
                            ("none", "Not offered"),
                            ("unknown", "Not known"),
                        ],
                        max_length=10,
                    ),
                ),
                ("condition", models.TextField(blank=True)),
                ("as_of", models.DateField()),
                ("source", models.CharField(max_length=60)),
                (
                    "ended",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ended_facts",
                        to="compatibility.dataload",
                    ),
                ),
                (
                    "loaded",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="loaded_facts",
                        to="compatibility.dataload",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("support__in", ["full", "partial", "none", "unknown"])),
                        name="fact_support_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("year_from__isnull", True),
                            ("year_to__isnull", True),
                            ("year_from__lte", models.F("year_to")),
                            _connector="OR",
                        ),
                        name="fact_years_in_order",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended__isnull", True)), fields=["provider", "make"], name="fact_now"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LineEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=40)),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=2), size=None),
                ),
                ("supports", models.CharField(max_length=64)),
                ("fact_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="compatibility.carline",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["line", "provider"], name="line_entry_of_line")],
            },
        ),
        migrations.CreateModel(
            name="TeamMeasurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=40)),
                ("make", models.CharField(max_length=60)),
                ("model", models.CharField(max_length=100)),
                ("year", models.PositiveSmallIntegerField(null=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("command", models.CharField(max_length=40)),
                ("runs", models.PositiveIntegerField()),
                ("confirmed", models.PositiveIntegerField()),
                ("cars", models.PositiveIntegerField()),
                ("median_s", models.FloatField(null=True)),
                ("p90_s", models.FloatField(null=True)),
                ("last_confirmed_at", models.DateTimeField(null=True)),
                ("measured_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("team", "provider", "make", "model", "year", "country", "command"),
                        name="team_measurement_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        key_for_team("compatibility_teammeasurement"),
        key_for_team("compatibility_knownability"),
        same_team("compatibility_knownability", "link_id", "vehicles_vehiclelink"),
    ]
