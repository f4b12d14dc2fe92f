"""The form of a registration: its fields are those that the provider's card asks for; secrets never come back."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.adapters.capabilities import Manifest
from fleet.registrations.services import CLIENT_SECRET, MADE_HERE, Wanted
from fleet.registrations.words import Choice, choices_of, secret_words
from fleet.teams.forms import no_control_characters
from fleet.vehicles.models import ProviderApp

ID_LENGTH, SECRET_LENGTH = 200, 2_000
# What is copied from a page of a maker: no spaces within, nothing that could end a header.
COPIED = re.compile(r"[!-~]+", re.ASCII)
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*(?::\d{{1,5}})?", re.ASCII | re.IGNORECASE)


def check_copied(value: str) -> None:
    """Raise ValidationError for what no maker gives out: spaces and letters beyond ASCII come of wrong copying."""
    if not COPIED.fullmatch(value):
        raise ValidationError(_("Letters, digits and signs without spaces. Copy it again."), code="not_copied")


def check_domain(value: str) -> None:
    """Raise ValidationError for what is no domain alone, in ASCII."""
    if not DOMAIN.fullmatch(value):
        raise ValidationError(_("Enter a domain alone, such as fleet.example.com."), code="not_a_domain")


class RegistrationForm(forms.Form):
    """Everything that a provider gave, or that is chosen about it. set_at: when each secret was last replaced."""

    name = forms.CharField(
        label=gettext_lazy("Name here"),
        max_length=100,
        validators=[no_control_characters],
        help_text=gettext_lazy("As people read it beside budgets and commands that wait."),
    )
    client_id = forms.CharField(
        label=gettext_lazy("Client ID"),
        max_length=ID_LENGTH,
        validators=[check_copied],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self,
        *args: Any,
        manifest: Manifest,
        app: ProviderApp | None = None,
        set_at: Mapping[str, datetime] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.secret_names = [CLIENT_SECRET, *(name for name in manifest.secrets if name not in MADE_HERE)]
        self.choices = choices_of(manifest.key)
        self.fields["name"].initial = app.name if app else manifest.name
        self.fields["client_id"].initial = app.client_id if app else ""
        for name in self.secret_names:
            self.fields[name] = _secret_field(name, is_kept=app is not None, at=(set_at or {}).get(name))
        for choice in self.choices:
            self.fields[choice.name] = _choice_field(choice, app)

    def wanted(self) -> Wanted:
        """Return what was said. A secret that was left empty stays as it is."""
        said = self.cleaned_data
        secrets = {name: said[name] for name in self.secret_names if name != CLIENT_SECRET and said[name]}
        urls: dict[str, str | None] = {}
        for choice in self.choices:
            # Addresses of a registration's own stay, as long as nobody chooses others.
            if choice.name in self.changed_data:
                urls |= choice.urls_for(said[choice.name])
        return Wanted(
            name=said["name"],
            client_id=said["client_id"],
            client_secret=said[CLIENT_SECRET],
            secrets=secrets,
            options={one.name: said[one.name].lower() if one.is_domain else said[one.name] for one in self.choices},
            urls=urls,
        )


def _secret_field(name: str, *, is_kept: bool, at: datetime | None) -> forms.CharField:
    words = secret_words(name)
    hint = str(words.hint)
    if is_kept:
        kept = _("Leave it empty to keep what is stored.")
        if at is not None:
            kept = _("Set on %(day)s. Leave it empty to keep it.") % {"day": date_format(localtime(at), "DATE_FORMAT")}
        hint = f"{kept} {hint}".strip()
    return forms.CharField(
        label=gettext_lazy("Client secret") if name == CLIENT_SECRET else words.label,
        max_length=SECRET_LENGTH,
        required=words.is_needed and not is_kept,
        validators=[check_copied],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=hint,
    )


def _choice_field(choice: Choice, app: ProviderApp | None) -> forms.Field:
    initial = (app.options.get(choice.name) if app else None) or choice.initial()
    if choice.choices:
        return forms.ChoiceField(
            label=choice.label,
            choices=choice.choices,
            initial=initial,
            widget=forms.RadioSelect,
            help_text=choice.hint,
        )
    return forms.CharField(
        label=choice.label,
        max_length=253,
        required=choice.is_needed,
        initial=initial,
        validators=[check_domain if choice.is_domain else check_copied],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=choice.hint,
    )
