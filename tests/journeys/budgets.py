"""A provider with a quota of its own in the running product, and a car behind it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fleet.vehicles.models import ProviderApp, VehicleLink
from tests.factories import join_simulated_car, make_simulator_app
from tests.infrastructure.simulator import CLIENT_SECRET
from tests.journeys.conftest import Fleet, _learn


def make_provider(fleet: Fleet, name: str) -> ProviderApp:
    """An application of the installation's beside the usual one, so that its budget bothers no other test."""
    client_id = f"quota-{fleet.membership.team_id}-{name}"
    fleet.stack.simulator.register_client(client_id=client_id, client_secret=CLIENT_SECRET)
    with fleet.stack.orm():
        app = make_simulator_app(client_id)
        app.name = name
        app.save(update_fields=["name"])
    return app


def join(fleet: Fleet, app: ProviderApp, **facts: Any) -> VehicleLink:
    """Put a simulated car into the team through this application."""
    with fleet.stack.orm():
        link = join_simulated_car(fleet.membership, fleet.stack.simulator, app=app, learn=False, **facts)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_learn, link).result()
    return link
