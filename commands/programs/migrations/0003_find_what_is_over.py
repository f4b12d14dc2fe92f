"""Runs by their job, and ways back by when they were over: what the removing of old rows asks for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("programs", "0002_keep_rows_in_their_team"), ("jobs", "0004_find_items_by_command")]

    operations = [
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(condition=models.Q(("job__isnull", False)), fields=["job"], name="schedule_run_of_job"),
        ),
        migrations.AddIndex(
            model_name="timedcommand",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)), fields=["team", "finished_at"], name="timed_over"
            ),
        ),
    ]
