"""What people read of notices: a sentence for one event of each kind, another for several, in both languages.

Names are filled in when it is shown. What a sentence cannot name any more stands there as a neutral word.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

# Without a vehicle that the reader may see, the second sentence holds.
ONE: dict[str, Promise] = {
    "connection.needs_owner": _("%(vehicle)s: the maker asks the owner to sign in again. Ask them in the connections."),
    "connection.expiring": _("%(vehicle)s: the connection will end soon."),
    "command.unresolved": _("%(command)s on %(vehicle)s was not proved. Please look at the car."),
    "command.contradicted": _("%(command)s on %(vehicle)s was contradicted by later evidence. Please look at the car."),
    "vehicle.lost_command": _("%(vehicle)s can no longer do this: %(commands)s."),
    "vehicle.gained_command": _("%(vehicle)s can do this now: %(commands)s."),
    "job.finished": _("Your job is finished: %(command)s."),
    "job.ran_out": _("Your job ran out of time or quota: %(command)s."),
    "member.added": _("%(person)s joined as %(role)s."),
    "member.removed": _("%(actor)s removed %(person)s from the team."),
    "member.role_changed": _("%(actor)s gave %(person)s the role %(role)s."),
    "share_link.created": _("%(actor)s made a share link."),
    "token.created": _("%(actor)s made an API token."),
    "token.made": _("%(actor)s made an API token."),
    "team.closing": _("%(actor)s closed the team %(team)s. It will be deleted unless an owner opens it again."),
    "team.reopened": _("%(actor)s opened the team %(team)s again. It will not be deleted."),
    "account.new_device": _("Your account was signed in to in a browser that we did not know: %(browser)s."),
    "account.password_changed": _("The password of your account was changed."),
    "account.email_changed": _("The e-mail address of your account was changed."),
    "account.second_factor_added": _("A second factor was added to your account."),
    "account.second_factor_removed": _("A second factor was removed from your account."),
    "account.factors_removed": _("Whoever looks after this installation removed the second factors of your account."),
    "account.linked": _("Your account can be signed in to with single sign-on from now on."),
}
# To the member whose role it is.
OWN_ROLE = _("%(actor)s gave you the role %(role)s.")

MANY: dict[str, Promise] = {
    "connection": ngettext_lazy(
        "%(count)s connection to a maker broke or soon ends.",
        "%(count)s connections to makers broke or soon end.",
        "count",
    ),
    "command": ngettext_lazy("%(count)s command was not proved.", "%(count)s commands were not proved.", "count"),
    "ability": ngettext_lazy(
        "%(count)s vehicle gained or lost a command.", "%(count)s vehicles gained or lost a command.", "count"
    ),
    "job": ngettext_lazy("%(count)s of your jobs ended.", "%(count)s of your jobs ended.", "count"),
    "joined": ngettext_lazy("%(count)s person joined the team.", "%(count)s people joined the team.", "count"),
    "member": ngettext_lazy(
        "%(count)s member was removed or has another role.",
        "%(count)s members were removed or have other roles.",
        "count",
    ),
    "key": ngettext_lazy(
        "%(count)s share link or token was made.", "%(count)s share links or tokens were made.", "count"
    ),
    "team": ngettext_lazy(
        "The team %(team)s was closed or opened %(count)s time.",
        "The team %(team)s was closed or opened %(count)s times.",
        "count",
    ),
    "device": ngettext_lazy(
        "Your account was signed in to in %(count)s browser that we did not know.",
        "Your account was signed in to in %(count)s browsers that we did not know.",
        "count",
    ),
    "linked": ngettext_lazy(
        "Your account was linked with single sign-on %(count)s time.",
        "Your account was linked with single sign-on %(count)s times.",
        "count",
    ),
    "account": ngettext_lazy("%(count)s change to how you sign in.", "%(count)s changes to how you sign in.", "count"),
}

# What a letter adds, where something should be done.
WHAT_TO_DO: dict[str, Promise] = {
    "linked": _("If you do not know of it, change your password and write to whoever looks after this installation."),
    "device": _("Was it you? Then all is well. If not, sign the other browsers out and change your password at once."),
}
TONES = {
    "command": "warn",
    "connection": "warn",
    "team": "danger",
    "device": "warn",
    "account": "warn",
    "linked": "warn",
}
