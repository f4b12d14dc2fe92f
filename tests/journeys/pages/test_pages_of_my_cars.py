"""The pages about what my own cars can do: with runs measured beside, and with layers that disagree."""

from django.utils import timezone

from compatibility.models import TeamMeasurement
from compatibility.my_fleet import kinds_of
from fleet.teams.models import Team
from tests.journeys.conftest import Fleet
from tests.journeys.looks import Looks

FACTS = {"provider": "simulator", "make": "Volkswagen", "model": "ID.3", "year": 2023, "country": "DE"}


def test_pages_of_my_cars_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page, url = Looks(fleet.page), fleet.page, fleet.stack.url
    page.goto(f"{url}/compatibility/my-cars/")
    looks.check()
    links = [fleet.join(license_plate=f"NL-M {number}") for number in range(3)]
    fleet.join(license_plate="NL-M 9", make="Hyundai", model="Ioniq 5", powertrain="BEV")
    with fleet.stack.orm():
        Team.objects.filter(pk=fleet.membership.team_id).update(country="DE")
        links[0].capabilities["open_trunk"] |= {"answer": "no", "why": "not_equipped"}
        links[0].save(update_fields=["capabilities"])
        times = {"median_s": 4.1, "p90_s": 7.8, "last_confirmed_at": timezone.now()}
        runs = {**FACTS, **times, "command": "lock", "runs": 43, "confirmed": 11, "cars": 3}
        TeamMeasurement.objects.create(team=fleet.membership.team, **runs)
        kinds = kinds_of(fleet.membership, timezone.now())
        contrary = next(kind for kind in kinds if kind.answers["open_trunk"].can is False)

    for path in (
        "compatibility/my-cars/",
        "compatibility/my-cars/?command=open_trunk&says=no",
        f"compatibility/my-cars/{contrary.key}/",
        f"vehicles/{links[0].vehicle_id}/country/",
        "teams/settings/",
    ):
        page.goto(f"{url}/{path}")
        looks.check()
