"""What people read where nobody comes in by a provider, and where a team is not opened."""

from django.utils.translation import gettext_lazy as _

from fleet.members.words import WayOut

# The texts may name the provider: %(provider)s.
OUT = {
    "strange_state": WayOut(
        _("This sign-in is over"),
        _("It was begun in another browser, took longer than ten minutes, or came back a second time. Begin anew."),
        status=400,
        sign="hourglass",
    ),
    "cancelled": WayOut(_("Nobody was signed in"), _("It was cancelled at %(provider)s."), status=400, sign="ban"),
    "refused_there": WayOut(
        _("%(provider)s did not let you in"),
        _("Ask whoever looks after it, or sign in in another way."),
        status=403,
        sign="ban",
    ),
    "unreachable": WayOut(
        _("%(provider)s does not answer"),
        _("Nothing is wrong with your account. Try again in some minutes."),
        status=503,
        sign="offline",
    ),
    "not_valid": WayOut(
        _("The answer of %(provider)s can’t be trusted"),
        _("Nobody was signed in. Try again; if it stays so, tell whoever looks after this installation."),
        status=502,
        sign="warn",
    ),
    "foreign_address": WayOut(
        _("This address is not one of %(provider)s"),
        _("Only people of its own domains come in by it. Sign in with your password instead."),
        status=403,
        sign="ban",
    ),
    "unverified": WayOut(
        _("Your address is not verified"),
        _("%(provider)s does not say that your e-mail address is yours. Ask whoever looks after it there."),
        status=403,
        sign="mail",
    ),
    "moved_away": WayOut(
        _("Your account has another address by now"),
        _("It is no longer one of %(provider)s. Sign in with your password instead."),
        status=403,
        sign="ban",
    ),
    "other_subject": WayOut(
        _("This account belongs to somebody else at %(provider)s"),
        _("The address was perhaps given to another person. Ask whoever looks after this installation."),
        status=403,
        sign="ban",
    ),
    "closed": WayOut(_("This account is closed"), _("Ask whoever looks after this installation."), 403, sign="ban"),
    "other_person": WayOut(
        _("This is not you"),
        _("Somebody else is signed in at %(provider)s. Sign out there, and confirm again as yourself."),
        status=403,
        sign="user",
    ),
    "not_fresh": WayOut(
        _("%(provider)s did not ask you anew"),
        _("So nothing is confirmed. Sign out there, and confirm again."),
        status=403,
        sign="clock",
    ),
    "required": WayOut(
        _("Sign in with %(provider)s"),
        _("Your organisation lets its people in by %(provider)s alone."),
        status=403,
        sign="key",
    ),
    "too_many": WayOut(_("Too many tries"), _("Please wait some minutes."), status=429, sign="hourglass"),
}

REFUSALS = {
    "not_served": _("No provider of this installation is there for this domain."),
    "not_yours": _("Only somebody of this domain who signs in by its provider themselves can open a team to it."),
    "open_already": _("The team is open to this domain already. Close it first to change what people get."),
}
REQUIRED = _("People of %(domain)s sign in with %(provider)s.")
REQUIRED_ADDRESS = _("Your address is looked after by %(provider)s.")
