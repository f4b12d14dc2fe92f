"""The form that closes an alert."""

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

NOTE_MAX_LENGTH = 500


class CloseForm(forms.Form):
    note = forms.CharField(
        label=_("What did you find?"), max_length=NOTE_MAX_LENGTH, validators=[ProhibitNullCharactersValidator()]
    )
