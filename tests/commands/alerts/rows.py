"""The least that is an alert, for tests that need one to be there."""

from commands.alerts.models import Alert
from fleet.vehicles.models import VehicleLink


def make_alert(link: VehicleLink, *, key: str = "test", kind: str = "other") -> Alert:
    """An open alert about a team's car."""
    return Alert.objects.create(team_id=link.team_id, vehicle_id=link.vehicle_id, kind=kind, key=key)
