"""A provider's breaker, a car's time zone and guest; the lane's order now lies with the commands."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vehicles", "0002_keep_rows_in_their_team"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="lane",
            name="lane_ready",
        ),
        migrations.RemoveField(
            model_name="lane",
            name="ready_at",
        ),
        migrations.AddField(
            model_name="providerapp",
            name="breaker_code",
            field=models.CharField(db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="breaker_opened_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="breaker_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="providerapp",
            name="probe_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="vehicle",
            name="guest_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="vehicle",
            name="time_zone",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
    ]
