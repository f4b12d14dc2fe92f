"""What makers send, and that no secret of a pass is found anywhere it does not belong."""

import logging

import pytest
from django.conf import settings
from django.db import connection

from connect.acceptance import VisitOver
from connect.exchange import exchange_code
from connect.models import Visit
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderAccount, ProviderApp
from fleet.vehicles.tokens import get_access_token
from tests.connect.conftest import OwnerBrowser, make_link, make_member, yes
from tests.connect.maker import allow
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.servers import servers
from tests.infrastructure.simulator import Simulator


def test_exchange_when_account_has_five_hundred_cars_lists_them_all(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account(*({} for _ in range(500)))
    owner = OwnerBrowser(make_link(manager)[1])

    visit = owner.sign_in(account)
    page = owner.get("review", visit)

    assert {plain["provider_vehicle_id"] for plain in visit.vehicles} == {car["id"] for car in account.cars}
    assert page.content.decode().count('name="cars"') == 500


def test_review_when_names_look_like_markup_escapes_them(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"license_plate": "<b>plate</b>"})
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)

    page = owner.get("review", visit).content.decode()

    assert "&lt;b&gt;plate&lt;/b&gt;" in page
    assert "<b>plate</b>" not in page


def test_flow_when_done_has_no_secret_in_log_broker_session_or_database(
    committed_db: CommittedDatabase,
    simulator: Simulator,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    owner = OwnerBrowser(make_link(make_member("manager"))[1])
    with caplog.at_level(logging.DEBUG):
        back = allow(owner.go(), account)
        code, state = (part.split("=", 1)[1] for part in back.split("?", 1)[1].split("&"))
        visit_id = owner.come_back(back)
        waiting = Visit.objects.get(pk=visit_id)
        exchange_code(visit_id)
        owner.decide(Visit.objects.get(pk=visit_id), [account.cars[0]["id"]])
        token = get_access_token(ProviderAccount.objects.get().id)

    messages = servers.broker.command("LRANGE", settings.CELERY_TASK_DEFAULT_QUEUE, "0", "-1")
    secrets = {"code": code, "state": state, "link": owner.secret, "token": token}
    places = {
        "log": "\n".join(record.getMessage() for record in caplog.records if record.name != "asyncio"),
        "broker": str(messages),
        "database": _dump(),
        "waiting row": repr(vars(waiting)),
    }
    assert str(visit_id) in places["broker"]
    found = {(what, where) for what, secret in secrets.items() for where, text in places.items() if secret in text}
    assert found == set()


def _dump() -> str:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        return "\n".join(
            str(row) for table in connection.introspection.table_names(cursor) for row in _rows(cursor, table)
        )


def _rows(cursor, table: str) -> list[tuple[object, ...]]:
    cursor.execute(f'SELECT t::text FROM "{table}" AS t')  # noqa: S608 - names of our own tables
    return cursor.fetchall()


def test_accept_when_tokens_were_copied_from_another_visit_refuses_them(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    secret = make_link(manager, max_uses=None)[1]
    mine, other = OwnerBrowser(secret).sign_in(account), OwnerBrowser(secret).sign_in(simulator.account())
    Visit.objects.filter(pk=mine.pk).update(tokens_sealed=other.tokens_sealed)

    with pytest.raises(VisitOver) as over:
        yes(mine, account.cars[0]["id"])

    assert over.value.code == "code_refused"
    assert not ProviderAccount.objects.exists()
