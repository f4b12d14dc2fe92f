"""A job, its cars and their commands belong to one team; and neither is ever removed by the application."""

from django.db import migrations

from fleet.events.schema import key_for_team, revoke, same_team


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial"), ("commands", "0002_guard_commands")]
    operations = [
        key_for_team("jobs_job"),
        same_team("jobs_job", "authority_id", "teams_authority"),
        same_team("jobs_job", "parent_id", "jobs_job"),
        same_team("jobs_jobitem", "job_id", "jobs_job"),
        same_team("jobs_jobitem", "vehicle_id", "vehicles_vehicle"),
        same_team("jobs_jobitem", "command_id", "commands_command"),
        revoke("jobs_job", "DELETE"),
        revoke("jobs_jobitem", "DELETE"),
    ]
