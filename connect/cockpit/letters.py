"""What an owner reads who is asked to repair a connection; the letter around it is written in connect.sending."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from connect.brands import find_brand
from connect.models import Recipient
from fleet.vehicles.models import ProviderAccount, VehicleLink


def repair_subject(recipient: Recipient) -> str:
    """Return the subject, in the language that is active."""
    return _("%(team)s asks you to renew the connection to your car") % {"team": recipient.team.name}


def repair_reason(recipient: Recipient) -> str:
    """Return why the letter comes: the maker took it no longer, its time ends, or it needs a hand."""
    connection = recipient.link.repairs
    if connection is None:
        raise ValueError("a letter of another link")
    links = VehicleLink.objects.filter(team_id=recipient.team_id, connection=connection, ended_at__isnull=True)
    brand = find_brand(recipient.team_id, connection.account.brand)
    words = {
        "team": recipient.team.name,
        "cars": ", ".join(link.vehicle.make_and_model for link in links.select_related("vehicle")) or _("your car"),
        "brand": brand.name if brand else connection.account.brand.capitalize(),
    }
    if connection.account.status != ProviderAccount.Status.ACTIVE:
        return (
            _("You share %(cars)s with %(team)s. %(brand)s no longer accepts this connection: please sign in again.")
            % words
        )
    if connection.ends_at is not None:
        words["day"] = date_format(timezone.localtime(connection.ends_at, recipient.team.zone), "DATE_FORMAT")
        return _("You share %(cars)s with %(team)s until %(day)s. They ask you to go on sharing it.") % words
    return _("You share %(cars)s with %(team)s. The connection needs your help: please sign in again.") % words
