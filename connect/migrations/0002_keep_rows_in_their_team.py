"""No row of one team may point at another team's row, whatever the code above does."""

from django.db import migrations

from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [("connect", "0001_initial"), ("vehicles", "0002_keep_rows_in_their_team")]
    operations = [
        key_for_team("connect_sharelink"),
        same_team("connect_visit", "link_id", "connect_sharelink"),
        same_team("connect_visit", "connection_id", "vehicles_connection"),
        same_team("connect_visit", "owner_id", "vehicles_owner"),
    ]
