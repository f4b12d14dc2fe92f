"""What a test of our registration at a provider found, step by step. The sentences for people are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SetupCheck:
    """One step of a test. step: a word of the adapter's card ("credentials", "api", "public_key", …).

    is_ok: None when it could not be tried, as a step before it failed or the provider did not answer. code: an error
    code of the taxonomy where it failed. detail: what the provider said, short, without secrets.
    """

    step: str
    is_ok: bool | None
    code: str = ""
    detail: str = ""
