"""A membership and its authority belong to one team; the keys that higher apps point at."""

from django.db import migrations

from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [("teams", "0001_initial"), ("events", "0002_grant_and_guard")]
    operations = [
        key_for_team("teams_authority"),
        same_team("teams_membership", "authority_id", "teams_authority"),
    ]
