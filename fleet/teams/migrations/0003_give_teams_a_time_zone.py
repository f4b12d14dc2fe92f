"""A team's time zone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0002_keep_rows_in_their_team"),
    ]

    operations = [
        migrations.AddField(
            model_name="team",
            name="time_zone",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
    ]
