"""The country an owner chose, kept for the car that joins."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connect", "0004_let_owners_say_no"),
    ]

    operations = [
        migrations.AddField(
            model_name="visit",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
    ]
