"""What an owner came by: a share link, and perhaps a personal link of it. The pages need not know which of the two."""

from dataclasses import dataclass
from datetime import datetime

from connect.access import find_link
from connect.models import Recipient, ShareLink, Visit
from connect.sending.services import find_recipient, note_opened, recipient_problem


@dataclass(frozen=True)
class Invitation:
    """A link that somebody holds the secret of. recipient: whose it is, when it is personal."""

    link: ShareLink
    secret: str
    recipient: Recipient | None = None

    def problem(self, now: datetime) -> str:
        """Return why it can't be used now, in the words of ShareLink.problem; else ""."""
        return recipient_problem(self.recipient, now) if self.recipient else self.link.problem(now)

    @property
    def language(self) -> str:
        """The language in which the owner is spoken to first; "" for the browser's."""
        return (self.recipient.language if self.recipient else "") or self.link.language

    @property
    def vin(self) -> str:
        """The VIN of the only car it is for, or ""."""
        return only_vin(self.link, self.recipient)


def find_invitation(secret: str) -> Invitation | None:
    """Return what a secret opens, usable or not; None when it opens nothing. Opening a personal link is noted."""
    link = find_link(secret)
    if link is not None:
        return Invitation(link, secret)
    recipient = find_recipient(secret)
    if recipient is None:
        return None
    note_opened(recipient)
    return Invitation(recipient.link, secret, recipient)


def invitation_of(visit: Visit) -> Invitation:
    """Return what a pass came by, without its secret."""
    return Invitation(visit.link, "", visit.recipient)


def only_vin(link: ShareLink, recipient: Recipient | None) -> str:
    """Return the VIN of the only car that may be shared, or "" for any."""
    return (recipient.vin if recipient else "") or link.vin
