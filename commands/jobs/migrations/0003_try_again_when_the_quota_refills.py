"""A car whose command ended unsent for want of the maker's quota gets another one when the quota refills."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_keep_rows_in_their_team")]
    operations = [
        migrations.AddField(
            model_name="jobitem",
            name="tries",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
