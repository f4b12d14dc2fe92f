"""No row of one team may point at another team's row, whatever the code above does."""

from django.db import migrations

from fleet.events.schema import key_for_team, same_team


class Migration(migrations.Migration):
    dependencies = [("vehicles", "0001_initial"), ("teams", "0002_keep_rows_in_their_team")]
    operations = [
        key_for_team("vehicles_owner"),
        key_for_team("vehicles_connection"),
        key_for_team("vehicles_vehicle"),
        key_for_team("vehicles_vehiclelink"),
        same_team("vehicles_connection", "owner_id", "vehicles_owner"),
        same_team("vehicles_vehiclelink", "connection_id", "vehicles_connection"),
        same_team("vehicles_vehiclelink", "vehicle_id", "vehicles_vehicle"),
        same_team("vehicles_consent", "link_id", "vehicles_vehiclelink"),
        same_team("vehicles_vehiclesignal", "vehicle_id", "vehicles_vehicle"),
    ]
