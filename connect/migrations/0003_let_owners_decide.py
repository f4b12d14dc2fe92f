"""Links for several makes or one car, personal links, looks of teams, ways back to other sites, keys of owners."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import fleet.events.models
from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0002_keep_rows_in_their_team"),
        ("teams", "0005_give_teams_units_an_end_and_sign_on"),
        ("vehicles", "0006_care_for_tokens"),
    ]

    operations = [
        migrations.CreateModel(
            name="TeamLook",
            fields=[
                (
                    "team",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to="teams.team"
                    ),
                ),
                ("logo", models.BinaryField(null=True)),
                ("colour", models.CharField(blank=True, max_length=7)),
                ("updated_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
            ],
        ),
        migrations.AddField(
            model_name="sharelink",
            name="brands",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="consent_ends_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="country",
            field=models.CharField(blank=True, max_length=2),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="language",
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="message",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="repairs",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="vehicles.connection"),
        ),
        migrations.AddField(
            model_name="sharelink",
            name="vin",
            field=models.CharField(blank=True, max_length=17),
        ),
        migrations.AddField(
            model_name="visit",
            name="return_state",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="visit",
            name="return_url",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.CreateModel(
            name="Recipient",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(blank=True, max_length=100)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("language", models.CharField(blank=True, max_length=10)),
                ("vin", models.CharField(blank=True, max_length=17)),
                ("secret_hash", models.CharField(max_length=64, null=True, unique=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("send_at", models.DateTimeField(null=True)),
                ("sent_count", models.PositiveSmallIntegerField(default=0)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("opened_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                (
                    "connection",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to="vehicles.connection"
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="recipients", to="connect.sharelink"
                    ),
                ),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
        ),
        migrations.AddField(
            model_name="visit",
            name="recipient",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to="connect.recipient"),
        ),
        migrations.CreateModel(
            name="ReturnAddress",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=500)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
        ),
        migrations.CreateModel(
            name="BrandWish",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("brand", models.CharField(max_length=60)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("count", models.PositiveIntegerField(default=1)),
                ("last_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("team"),
                        django.db.models.functions.text.Lower("brand"),
                        models.F("country"),
                        name="brand_wish_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PortalKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("secret_hash", models.CharField(max_length=64, null=True, unique=True)),
                ("send_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=fleet.events.models.ClockTimestamp())),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="portal_keys", to="vehicles.owner"
                    ),
                ),
                ("team", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="teams.team")),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("send_at__isnull", False)), fields=["send_at"], name="portal_key_to_send"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="recipient",
            index=models.Index(
                condition=models.Q(("send_at__isnull", False)), fields=["send_at"], name="recipient_to_write_to"
            ),
        ),
        migrations.AddConstraint(
            model_name="recipient",
            constraint=models.UniqueConstraint(
                models.F("link"),
                django.db.models.functions.text.Lower("email"),
                condition=models.Q(("email", ""), _negated=True),
                name="recipient_address_once_per_link",
            ),
        ),
        migrations.AddConstraint(
            model_name="recipient",
            constraint=models.UniqueConstraint(
                condition=models.Q(("vin", ""), _negated=True),
                fields=("link", "vin"),
                name="recipient_vin_once_per_link",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnaddress",
            constraint=models.UniqueConstraint(fields=("team", "url"), name="return_address_once"),
        ),
        migrations.RunSQL(
            "UPDATE connect_sharelink SET brands = ARRAY[brand] WHERE brand <> ''",
            "UPDATE connect_sharelink SET brand = brands[1] WHERE cardinality(brands) > 0",
        ),
        migrations.RemoveField(
            model_name="sharelink",
            name="brand",
        ),
        *(key_for_team(f"connect_{table}") for table in ("recipient", "portalkey")),
        same_team("connect_sharelink", "repairs_id", "vehicles_connection"),
        same_team("connect_recipient", "link_id", "connect_sharelink"),
        same_team("connect_recipient", "connection_id", "vehicles_connection"),
        same_team("connect_visit", "recipient_id", "connect_recipient"),
        same_team("connect_portalkey", "owner_id", "vehicles_owner"),
    ]
