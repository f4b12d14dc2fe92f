"""The demo fleet as rows: the same verbs as a real owner's acceptance, without the browser."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from connect.lab import Lab
from connect.scopes import SCOPES, TEXT_VERSION
from fleet.adapters.base import Brand, Login, RemoteVehicle
from fleet.adapters.http import Http
from fleet.adapters.oauth import TokenSet
from fleet.events.services import acting_as
from fleet.registrations.keys import PUBLIC_KEY
from fleet.teams.installation import crown_first, set_sign_up
from fleet.teams.models import Installation, Membership, Team, User
from fleet.teams.services import create_team
from fleet.vehicles.logins import get_login
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from fleet.vehicles.providers import make_adapter, manifest_of
from fleet.vehicles.services import join_vehicle, open_connection, read_vehicle, save_account

ACTOR = "system:demo"
USER_NAME = "Dana Demo"
TEAM_NAME = "Nordlicht Logistik (demo)"
COUNTRY = "DE"
# What some pretend owners did not allow, so that the pages have something to show for it.
WITHHELD = {
    "volvo": {"control_security", "control_trunk"},
    "opel": {"control_engine", "control_pin", "control_trunk", "read_location"},
    "peugeot": {scope for scope in SCOPES if scope.startswith("control_")},
}
# One owner shares for some days more, and one maker wants its owner to sign in again: connections are not for ever.
ENDS_SOON, ENDS_IN = "kia", timedelta(days=9)
SIGNS_IN_AGAIN = "peugeot"


@dataclass(frozen=True)
class Demo:
    """Whose fleet, and the registration through which the makes come that no provider of the lab has."""

    team: Team
    simulator: ProviderApp

    def scopes_for(self, brand_key: str, app: ProviderApp) -> list[str]:
        """Return what the pretend owner at a brand allows, of what its provider offers at all."""
        offered = manifest_of(app).scopes - WITHHELD.get(brand_key, set())
        return [scope for scope in SCOPES if scope in offered]


@transaction.atomic
def ensure_team(*, email: str, password: str) -> Team:
    """Return the demo team with its only member, made if need be; the password becomes the one given."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_user(email, password, name=USER_NAME)
        crown_first(user)
        # The demo is for trying out, signing up too.
        set_sign_up(policy=Installation.SignUp.ANYONE, actor=ACTOR)
    elif not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    membership = Membership.objects.filter(user=user, ended_at__isnull=True).select_related("team").first()
    if membership is None:
        membership = create_team(name=TEAM_NAME, owner=user)
        membership.team.country = COUNTRY
        membership.team.save(update_fields=["country"])
    return membership.team


def join_demo_cars(demo: Demo, app: ProviderApp, brand: Brand, tokens: TokenSet) -> None:
    """Join the cars of one pretend account, unless its team reaches them already."""
    account = save_account(app=app, brand=brand.key, tokens=tokens)
    remotes = asyncio.run(_list_vehicles(app, get_login(account.id)))
    with acting_as(ACTOR):
        joined = VehicleLink.objects.filter(team=demo.team, connection__account=account, ended_at__isnull=True)
        known = set(joined.values_list("provider_vehicle_id", flat=True))
        fresh = [remote for remote in remotes if remote.provider_vehicle_id not in known]
        if not fresh:
            return
        owner, _ = Owner.objects.get_or_create(team=demo.team, name=f"Demo owner of {brand.name}", language="en")
        connection = open_connection(
            team=demo.team,
            account=account,
            owner=owner,
            scopes_granted=demo.scopes_for(brand.key, app),
            share_link_id=None,
            ends_at=timezone.now() + ENDS_IN if brand.key == ENDS_SOON else None,
        )
        for remote in fresh:
            _join(demo, connection, demo.scopes_for(brand.key, app), remote)


def _join(demo: Demo, connection: Connection, scopes: list[str], remote: RemoteVehicle) -> None:
    link = join_vehicle(connection=connection, remote=remote, scopes=scopes, text_version=TEXT_VERSION)
    number = Vehicle.objects.filter(team=demo.team).count()
    # No authority gives out such plates; what the simulator calls the car is no name of a person we know.
    link.vehicle.plate = f"DEMO {number:02d}"
    link.vehicle.name = remote.display_name or ""
    link.vehicle.save(update_fields=["plate", "name"])


def send_demo_key(app: ProviderApp, lab: Lab) -> None:
    """Let the cars of a provider that signs commands know our key, unless they wait for their owner to do it."""
    if PUBLIC_KEY not in app.options:
        return
    lab.know_key(domain=app.options["domain"], public_key=app.options[PUBLIC_KEY])
    asyncio.run(_register(app))


async def _register(app: ProviderApp) -> None:
    async with Http() as http:
        await make_adapter(app, http).register()


async def _list_vehicles(app: ProviderApp, login: Login) -> list[RemoteVehicle]:
    async with Http() as http:
        return await make_adapter(app, http).list_vehicles(login)


def read_demo_cars(demo: Demo) -> int:
    """Read every car of the demo once, with what it can do; return how many there are. Raises AdapterError.

    Afterwards one maker's login waits for its owner.
    """
    links = VehicleLink.objects.filter(
        team=demo.team, connection__account__app__client_id=demo.simulator.client_id, ended_at__isnull=True
    ).select_related("connection__account__app", "vehicle")
    for link in links:
        read_vehicle(link, with_capabilities=True)
    waiting = ProviderAccount.objects.filter(app=demo.simulator, brand=SIGNS_IN_AGAIN)
    # Whoever tried the repair keeps it over the next start.
    waiting.exclude(connection__share_link_id__isnull=False).update(
        status=ProviderAccount.Status.NEEDS_OWNER, refused_at=timezone.now()
    )
    return len(links)
