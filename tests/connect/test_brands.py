"""Which registration a brand's owners are sent to, when several offer it."""

import pytest

from connect.brands import brands_of
from connect.models import BrandList
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp
from tests.factories import make_team

pytestmark = pytest.mark.usefixtures("db")
READS = ["read_vin", "read_odometer"]


def register(provider: str, *brands: str, membership: Membership | None = None) -> ProviderApp:
    app = ProviderApp.objects.create(
        team=membership.team if membership else None,
        provider=provider,
        name=provider.title(),
        client_id=f"for {provider} of {membership.team_id if membership else 'all'}",
        client_secret_sealed=b"",
    )
    BrandList.objects.create(app=app, brands=[[brand, brand.title(), []] for brand in brands])
    return app


@pytest.fixture
def membership() -> Membership:
    return make_team()


@pytest.fixture
def broker() -> ProviderApp:
    return register("smartcar", "volvo", "ford")


@pytest.fixture
def maker(broker: ProviderApp) -> ProviderApp:
    return register("volvo", "volvo")


@pytest.mark.parametrize(
    ("scopes", "chosen"),
    [
        (READS, "volvo"),
        ([*READS, "control_security"], "volvo"),
        ([*READS, "control_climate"], "volvo"),
        ([*READS, "control_security", "control_charge"], "smartcar"),
    ],
    ids=["equal: the maker's own", "both lock", "only the maker heats", "only the broker charges"],
)
def test_brand_when_several_offer_it_then_it_goes_where_most_of_what_is_asked_can_be_done(
    membership, broker, maker, scopes, chosen
):
    apps = {brand.key: brand.provider for brand in brands_of(membership.team_id, scopes=scopes)}

    assert apps == {"volvo": chosen, "ford": "smartcar"}


def test_brand_when_two_can_do_the_same_then_the_teams_own_registration_comes_first(membership, broker):
    own = register("smartcar", "ford", membership=membership)

    (ford, _volvo) = brands_of(membership.team_id, scopes=READS)

    assert (ford.key, ford.app_id) == ("ford", own.id)
