"""Where a team's cars are at home, and whether it shares what its runs show."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("teams", "0005_give_teams_units_an_end_and_sign_on"),
    ]

    operations = [
        migrations.AddField(
            model_name="team",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
        migrations.AddField(
            model_name="team",
            name="shares_measurements",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
