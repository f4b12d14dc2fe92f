"""Where a car is at home, if not where its team says."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vehicles", "0007_let_owners_decide"),
    ]

    operations = [
        migrations.AddField(
            model_name="vehicle",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
    ]
