"""A schedule, its runs and ways back point at rows of their own team only, and are never deleted by the application."""

from django.db import migrations

from fleet.events.schema import key_for_team, revoke, same_team


class Migration(migrations.Migration):
    dependencies = [("teams", "0004_speak_of_commands_in_roles"), ("programs", "0001_initial")]
    operations = [
        key_for_team("programs_schedule"),
        same_team("programs_schedule", "membership_id", "teams_membership"),
        same_team("programs_schedule", "saved_filter_id", "vehicles_savedfilter"),
        same_team("programs_schedulerun", "schedule_id", "programs_schedule"),
        same_team("programs_schedulerun", "job_id", "jobs_job"),
        same_team("programs_timedcommand", "vehicle_id", "vehicles_vehicle"),
        same_team("programs_timedcommand", "membership_id", "teams_membership"),
        same_team("programs_timedcommand", "first_id", "commands_command"),
        revoke("programs_schedule", "DELETE"),
        revoke("programs_schedulerun", "DELETE"),
        revoke("programs_timedcommand", "DELETE"),
    ]
