"""Sentences of members and invitations, for people: one table per kind of answer."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

# What is wrong with one entry of a list.
PROBLEMS = {
    "not_an_address": _("is no e-mail address"),
    "twice": _("is in the list twice"),
    "member": _("is a member already"),
    "invited": _("is invited already"),
}

REFUSALS = {
    "beyond_own_rights": _("This is more than you may do yourself. Only somebody who may do it can change it."),
    "last_owner": _("A team needs an owner. Make somebody else an owner first."),
    "not_a_member": _("This person is not in the team any more."),
    "invitation_over": _("This invitation was accepted or taken back meanwhile."),
    "too_many_at_once": _("At most 200 addresses at once. Nobody was invited."),
    "too_many_open": _("Too many invitations are open. Take some back first. Nobody was invited."),
    "too_many_letters": _("This invitation was sent ten times. Take it back and make a new one."),
    "too_many_roles": _("A team has at most 50 roles of its own. Remove one first."),
    "role_in_use": _("Somebody has this role. Give them another one first."),
    "too_many_groups": _("A team has at most 500 groups. Remove one first."),
}


@dataclass(frozen=True)
class WayOut:
    """A page that says why nobody joins, and with which status."""

    title: str
    text: str
    status: int = 410
    sign: str = "info"


OUT = {
    "unknown": WayOut(
        _("This invitation does not exist"),
        _("Perhaps a part of the address is missing, or it was sent again: then only the newest letter works."),
        status=404,
        sign="question",
    ),
    "too_many_tries": WayOut(
        _("Too many tries"), _("Please wait a minute and open the link again."), status=429, sign="hourglass"
    ),
    "used": WayOut(
        _("This invitation was already used"),
        _("Each works once, for one person. Ask the team for a new one if it was not you."),
        sign="check",
    ),
    "revoked": WayOut(
        _("This invitation was taken back"), _("Ask the team for a new one if you think it is a mistake."), sign="ban"
    ),
    "closed": WayOut(_("This team is closed"), _("Nobody can join it any more."), sign="ban"),
    "expired": WayOut(_("This invitation has expired"), _("Ask the team to send it again."), sign="hourglass"),
    "no_longer": WayOut(
        _("This invitation no longer holds"),
        _("Who invited you may not invite any more. Ask the team for a new one."),
        sign="ban",
    ),
    "member_already": WayOut(
        _("You are in this team already"), _("The invitation is still good for somebody else."), 409, sign="check"
    ),
}
