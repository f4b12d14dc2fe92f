"""Owners' accounts at the brands: e-mail and password. What an owner granted to whom is oauth's."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

DEMO_EMAIL = "demo@simulator.example"
DEMO_PASSWORD = "drive-safely"  # noqa: S105 - shown on the sign-in page of a pretend maker


@dataclass(slots=True)
class Account:
    id: str
    brand: str
    email: str
    salt: str
    password_hash: str


class Accounts:
    def __init__(self) -> None:
        self._by_id: dict[str, Account] = {}
        self._by_email: dict[tuple[str, str], Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, account_id: str) -> Account | None:
        return self._by_id.get(account_id)

    def find_by_email(self, brand: str, email: str) -> Account | None:
        return self._by_email.get((brand, email.strip().lower()))

    def add(self, account: Account) -> None:
        self._by_id[account.id] = account
        self._by_email[account.brand, account.email] = account

    def register(self, *, brand: str, email: str, password: str) -> Account:
        """Create the account, or give the one with this e-mail a new password."""
        account = self.find_by_email(brand, email)
        salt = secrets.token_hex(8)
        if account is None:
            account = Account(f"acc_{secrets.token_hex(10)}", brand, email.strip().lower(), salt, _hash(password, salt))
            self.add(account)
        else:
            account.salt, account.password_hash = salt, _hash(password, salt)
        return account

    def sign_in(self, *, brand: str, email: str, password: str) -> Account | None:
        account = self.find_by_email(brand, email)
        # An unknown e-mail costs as much time as a wrong password.
        expected = account.password_hash if account else _hash("", "nobody")
        given = _hash(password, account.salt if account else "nobody")
        return account if account is not None and hmac.compare_digest(expected, given) else None

    def clear(self) -> None:
        self._by_id.clear()
        self._by_email.clear()


def _hash(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1).hex()
