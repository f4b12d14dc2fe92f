"""Sealing everything that lasts anew under the newest key of the ring, while the product runs.

Row by row under its lock, so that a refresh in the same moment is neither lost nor overtaken. What lives for minutes or
hours (PINs, an owner's pass through the flow) is left: it is gone within a day, and until then the older key has to
stay in the ring.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.db import models, transaction

from fleet.vehicles.application_tokens import place_of
from fleet.vehicles.models import ApplicationToken, ProviderAccount, ProviderApp
from fleet.vehicles.providers import place_of_secrets
from fleet.vehicles.sealing import CannotUnseal, seal, sealed_with_newest, unseal
from fleet.vehicles.tokens import place_of as place_of_token

BATCH = 200


@dataclass
class Rotation:
    """What became of the values: resealed, of the newest key already, and what did not open (by row)."""

    resealed: int = 0
    fresh: int = 0
    closed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """One sealed column, and the name that its values are bound to."""

    name: str
    bound_to: Callable[[Any], str]


COLUMNS: dict[type[models.Model], tuple[Column, ...]] = {
    ProviderApp: (
        Column("client_secret_sealed", lambda app: f"provider_app:{app.id}:client_secret"),
        Column("secrets_sealed", place_of_secrets),
    ),
    ApplicationToken: (Column("access_token_sealed", lambda held: place_of(held.app)),),
    ProviderAccount: (
        Column("access_token_sealed", lambda account: place_of_token(account, "access")),
        Column("refresh_token_sealed", lambda account: place_of_token(account, "refresh")),
        Column("previous_refresh_token_sealed", lambda account: place_of_token(account, "refresh")),
    ),
}
# What allauth keeps of second factors: the secret of an app, the seed of recovery codes.
FACTOR_SECRETS = ("secret", "seed")


def rotate() -> Rotation:
    """Seal all that lasts under the newest key; run twice it does nothing more. What does not open is left as it is."""
    rotation = Rotation()
    for model, columns in COLUMNS.items():
        for key in _keys(model):
            _reseal(model, key, columns, rotation)
    for key in _keys(Authenticator):
        _reencrypt(key, rotation)
    return rotation


def _keys(model: type[models.Model]) -> Iterator[Any]:
    return model._default_manager.order_by("pk").values_list("pk", flat=True).iterator(BATCH)  # noqa: SLF001


def _reseal(model: type[models.Model], key: Any, columns: tuple[Column, ...], rotation: Rotation) -> None:
    with transaction.atomic():
        row = model._default_manager.select_for_update(of=("self",)).filter(pk=key).first()  # noqa: SLF001
        changed = []
        for column in columns:
            sealed = getattr(row, column.name, None)
            if sealed is None or sealed_with_newest(sealed):
                rotation.fresh += sealed is not None
                continue
            try:
                plain = unseal(sealed, bound_to=column.bound_to(row))
            except CannotUnseal:
                rotation.closed += (f"{model._meta.label} {key}",)  # noqa: SLF001
                continue
            setattr(row, column.name, seal(plain, bound_to=column.bound_to(row)))
            changed.append(column.name)
        if row is not None and changed:
            row.save(update_fields=changed)
        rotation.resealed += len(changed)


def _reencrypt(key: Any, rotation: Rotation) -> None:
    adapter = get_adapter()
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=key).first()
        held = [name for name in FACTOR_SECRETS if row is not None and name in row.data]
        try:
            anew = {name: adapter.encrypt(adapter.decrypt(row.data[name])) for name in held}
        except InvalidToken:
            rotation.closed += (f"mfa.Authenticator {key}",)
            return
        if held:
            row.data |= anew
            row.save(update_fields=["data"])
        rotation.resealed += len(held)
