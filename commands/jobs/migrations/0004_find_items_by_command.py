"""The cars of jobs by their command: else each command that is removed would read all cars of all jobs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_try_again_when_the_quota_refills")]

    operations = [
        migrations.AddIndex(
            model_name="jobitem",
            index=models.Index(fields=["team", "command"], name="job_item_of_command"),
        ),
    ]
