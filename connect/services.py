"""The verbs of share links and of an owner's pass, but for talking to the maker (exchange) and the yes (acceptance)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from connect.brands import OfferedBrand
from connect.models import Recipient, ShareLink, Visit
from connect.scopes import ALWAYS_NEEDED, SCOPES
from connect.sealed import keep, reveal
from fleet.adapters.capabilities import SignIn
from fleet.adapters.http import Http
from fleet.adapters.oauth import make_verifier
from fleet.events.services import acting_as, record
from fleet.teams.models import Team, User
from fleet.vehicles.models import Connection, Owner, ProviderApp
from fleet.vehicles.providers import make_adapter
from fleet.vehicles.sealing import hash_token, make_token

STATE_LIFE = timedelta(minutes=10)
VISIT_LIFE = timedelta(minutes=30)
# What a pass that ends forgets, however it ends.
NO_SECRETS: dict[str, Any] = {
    "verifier_sealed": None,
    "sign_in_sealed": None,
    "code_sealed": None,
    "tokens_sealed": None,
    "vehicles": [],
}


# Share links -----------------------------------------------------------------------------------------------------


def create_share_link(
    *,
    team: Team,
    created_by: User,
    label: str,
    scopes_needed: Iterable[str],
    scopes_optional: Iterable[str] = (),
    brands: Iterable[str] = (),
    vin: str = "",
    country: str = "",
    language: str = "",
    message: str = "",
    consent_ends_at: datetime | None = None,
    repairs: Connection | None = None,
    expires_at: datetime,
    max_uses: int | None = None,
) -> tuple[ShareLink, str]:
    """Make a share link and return it with its secret, which is stored nowhere and can't be shown again.

    What is needed is not optional; which car it is, is always needed. Raises ValueError for an unknown scope.
    """
    needed = set(scopes_needed) | {ALWAYS_NEEDED}
    optional = set(scopes_optional) - needed
    if unknown := (needed | optional) - SCOPES.keys():
        raise ValueError(f"unknown scopes {sorted(unknown)}")
    secret = make_token()
    with acting_as(created_by.actor):
        link = ShareLink.objects.create(
            team=team,
            secret_hash=hash_token(secret),
            label=label,
            scopes_needed=sorted(needed),
            scopes_optional=sorted(optional),
            brands=sorted(set(brands)),
            vin=vin,
            country=country,
            language=language,
            message=message,
            consent_ends_at=consent_ends_at,
            repairs=repairs,
            expires_at=expires_at,
            max_uses=max_uses,
            created_by=created_by,
        )
        record_link("share_link.created", link, actor=created_by.actor, label=label, needed=sorted(needed))
    return link, secret


def revoke_share_link(*, link: ShareLink, actor: str) -> bool:
    """Take a link back at once; True if it was still out. Connections that came of it stay: the owner gave them."""
    with acting_as(actor):
        revoked = ShareLink.objects.this(link).filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
        if revoked:
            record_link("share_link.revoked", link, actor=actor)
    return bool(revoked)


def record_link(kind: str, link: ShareLink, *, actor: str, **data: Any) -> None:
    """Write one event about a share link into the current transaction."""
    record(kind, actor=actor, team_id=link.team_id, subject=f"share_link:{link.id}", data=data)


# An owner's pass -------------------------------------------------------------------------------------------------


@transaction.atomic
def open_visit(
    *,
    link: ShareLink,
    secret: str,
    brand: OfferedBrand,
    browser: str,
    language: str,
    recipient: Recipient | None = None,
    return_to: tuple[str, str] = ("", ""),
    country: str = "",
) -> tuple[Visit, str]:
    """Begin a pass, or begin it anew for another brand; return it with the maker's address to send the browser to.

    The address is "" where the provider has to be asked for it: then a worker is told, and the page waits.

    browser: the hash of the browser's value (see browser.py). The state is bound to it and good for ten minutes; an
    earlier state of the same pass stops working. return_to: where another site wants the browser back, and its state;
    checked before. country: where the car is at home, as far as somebody said. Does no network call.
    """
    app = ProviderApp.objects.get(pk=brand.app_id)
    now = timezone.now()
    waiting = Visit.objects.select_for_update().filter(
        link=link, recipient=recipient, browser_hash=browser, step__in=[Visit.Step.ASKING, Visit.Step.SIGNING_IN]
    )
    visit = waiting.order_by("-created_at").first() or Visit(team_id=link.team_id, link=link, browser_hash=browser)
    state, verifier = make_token(), make_verifier()
    visit.app, visit.brand, visit.brand_name, visit.language = app, brand.key, brand.name, language[:10]
    visit.recipient, (visit.return_url, visit.return_state) = recipient, return_to
    visit.country = country
    visit.state_hash, visit.state_expires_at, visit.expires_at = hash_token(state), now + STATE_LIFE, now + VISIT_LIFE
    visit.verifier_sealed = keep(visit, "verifier", verifier)
    visit.link_secret_sealed = keep(visit, "link", secret)
    visit.step, visit.sign_in_sealed, visit.claimed_at = Visit.Step.SIGNING_IN, None, None
    adapter = make_adapter(app, Http())
    if adapter.manifest.sign_in is SignIn.ASKED:
        visit.step, visit.sign_in_sealed = Visit.Step.ASKING, keep(visit, "state", state)
        visit.save()
        return visit, ""
    visit.save()
    scopes = link.scopes_asked & adapter.manifest.scopes
    address = adapter.begin_connect(
        brand=brand.key, state=state, verifier=verifier, scopes=scopes, language=visit.language
    )
    return visit, address


def our_id_of(visit: Visit) -> str:
    """Return our name for the owner of a pass, at providers who want one from us; it says nothing of anybody."""
    return visit.id.hex


def sign_in_address(visit: Visit) -> str:
    """Return where the browser of a pass signs in, once a worker has asked for it; "" before."""
    if visit.step != Visit.Step.SIGNING_IN or visit.sign_in_sealed is None:
        return ""
    return reveal(visit, "sign_in", visit.sign_in_sealed)


def end_visit(
    visit: Visit, *, failure: str = "", step: str = Visit.Step.FAILED, told: Iterable[Mapping[str, object]] = ()
) -> bool:
    """End a pass without a connection: its code, tokens and list of cars are gone. True if it had not ended before.

    told: what its last page says of cars, in place of the list.
    """
    ended = (
        Visit.objects.this(visit)
        .filter(finished_at__isnull=True)
        .update(step=step, failure=failure, finished_at=timezone.now(), **NO_SECRETS | {"vehicles": list(told)})
    )
    visit.refresh_from_db()
    return bool(ended)


def decline(*, visit: Visit) -> bool:
    """Note that the owner said no. The grant at the maker is not used again by anybody: its tokens are forgotten."""
    return end_visit(visit, failure="declined", step=Visit.Step.DECLINED)


def refuse(*, recipient: Recipient) -> None:
    """Note that the owner of a personal link said no before signing in. The link stays usable: minds change."""
    Recipient.objects.this(recipient).filter(done_at__isnull=True).update(declined_at=timezone.now(), send_at=None)


def set_owner_email(*, owner: Owner, email: str) -> None:
    """Keep an address that an owner gave, unless there is one."""
    Owner.objects.this(owner).filter(email="").update(email=email)
    owner.refresh_from_db()


def link_secret(visit: Visit) -> str:
    """Return the secret of the link a pass came by, for "start again"; "" when the pass is too old to tell."""
    return reveal(visit, "link", visit.link_secret_sealed) if visit.link_secret_sealed else ""
