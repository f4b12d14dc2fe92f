"""Sets, changes, removes or lists the budget of a provider's application, also of those of the whole installation."""

import uuid
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from fleet.budgets.models import Budget, Per, Resource
from fleet.budgets.services import remove_budget, save_budget

ACTOR = "system:set_budget"


class Command(BaseCommand):
    help = "Set how many calls, commands or wakes may leave for a provider's application within a time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", help="the application: its id, client id, name or provider")
        parser.add_argument("--resource", choices=Resource.values, default=Resource.CALLS.value)
        parser.add_argument("--per", choices=Per.values, default=Per.APP.value)
        parser.add_argument("--limit", type=int)
        parser.add_argument("--window", type=int, default=86_400, help="seconds; default a day")
        parser.add_argument("--reserve", type=int, default=0, help="kept for presses by a person")
        parser.add_argument("--price", help="of one, e.g. 0.002")
        parser.add_argument("--currency", default="")
        parser.add_argument("--remove", action="store_true", help="count this resource over this window no longer")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        app = _find_app(options["app"])
        if options["remove"]:
            self._remove(app, options)
        elif options["limit"] is not None:
            save_budget(
                app_id=app.id,
                resource=options["resource"],
                per=options["per"],
                actor=ACTOR,
                **_checked(options),
            )
        for budget in Budget.objects.filter(app=app).order_by("resource", "-window_s", "per"):
            price = (
                f", {budget.unit_price.normalize():f} {budget.currency} each" if budget.unit_price is not None else ""
            )
            self.stdout.write(f"{app.name}: {budget}, {budget.reserve} in reserve{price}")

    def _remove(self, app: Any, options: dict[str, Any]) -> None:
        budget = Budget.objects.filter(
            app=app, resource=options["resource"], per=options["per"], window_s=options["window"]
        ).first()
        if budget is None:
            raise CommandError("There is no such budget.")
        remove_budget(budget=budget, actor=ACTOR)


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    try:
        price = Decimal(options["price"]) if options["price"] is not None else None
    except InvalidOperation as error:
        raise CommandError(f"{options['price']} is not a price.") from error
    values = {
        "limit": options["limit"],
        "window_s": options["window"],
        "reserve": options["reserve"],
        "unit_price": price,
        "currency": options["currency"].upper(),
    }
    try:
        Budget(resource=options["resource"], per=options["per"], **values).full_clean(
            exclude=["app"], validate_unique=False
        )
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return values


def _find_app(wanted: str) -> Any:
    model = apps.get_model("vehicles", "ProviderApp")
    try:
        found = list(model.objects.filter(pk=uuid.UUID(wanted)))
    except ValueError:
        found = []
        for field in ("client_id", "name", "provider"):
            found = found or list(model.objects.filter(**{field: wanted}))
    if len(found) != 1:
        known = ", ".join(f"{app.name} ({app.client_id})" for app in model.objects.order_by("name"))
        raise CommandError(f"{len(found)} applications are called {wanted}. Known: {known or 'none'}.")
    return found[0]
