"""Reading an adapter's card.toml: what it offers, where its facts come from, what a registration there needs."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from fleet.adapters.capabilities import CommandCard, Limit, Manifest, SignIn, Tokens
from fleet.adapters.signals import SIGNALS


def read_manifest(package: str | None) -> Manifest:
    """Read the card of the adapter in a package. Raises KeyError, ValueError or TypeError for a card that is wrong."""
    text = resources.files(package or "").joinpath("card.toml").read_text(encoding="utf-8")
    card: dict[str, Any] = tomllib.loads(text)
    signals = card.pop("signals", "all")
    commands, scopes = card.pop("commands"), card.pop("scopes")
    tokens, sign_in = card.pop("tokens", Tokens.OWNER.value), card.pop("sign_in", SignIn.REDIRECT.value)
    limits = card.pop("limits", ())
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in card.items()}
    return Manifest(
        commands={kind: CommandCard(**facts) for kind, facts in commands.items()},
        signals=frozenset(SIGNALS if signals == "all" else signals),
        scopes=frozenset(scopes),
        tokens=Tokens(tokens),
        sign_in=SignIn(sign_in),
        limits=tuple(Limit(**limit) for limit in limits),
        **rest,
    )
