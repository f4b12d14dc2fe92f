"""The form of a team's look: a picture and a colour. The picture is drawn anew before it is believed."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from connect.looks import LOGO_MAX_BYTES, BadPicture, draw_anew

REFUSALS = {
    "too_large": _("This picture is too large: at most 1 MB and 16 million points."),
    "not_a_picture": _("This is no picture that we can read. Use PNG, JPEG or WebP."),
}


class LookForm(forms.Form):
    """Logo and colour; what is left empty stays as it is, but for the colour, which is taken away."""

    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        allow_empty_file=True,
        help_text=_("PNG, JPEG or WebP, at most 1 MB. Square looks best. We draw it anew at 256 × 256 points."),
    )
    removes_logo = forms.BooleanField(label=_("Take the logo away"), required=False)
    colour = forms.CharField(
        label=_("Colour of buttons"),
        required=False,
        max_length=7,
        validators=[RegexValidator(r"\A#[0-9A-Fa-f]{6}\Z", _("Write a colour as #rrggbb, for example #0a5c36."))],
        help_text=_("As #rrggbb. The words on it become black or white, whichever can be read. Empty: ours."),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "maxlength": "7"}),
    )

    def clean_colour(self) -> str:
        return self.cleaned_data["colour"].lower()

    def clean_logo(self) -> bytes | None:
        file: UploadedFile | None = self.cleaned_data.get("logo")
        if file is None:
            return None
        try:
            if (file.size or 0) > LOGO_MAX_BYTES:
                raise BadPicture("too_large")
            return draw_anew(file.read())
        except BadPicture as bad:
            raise forms.ValidationError(REFUSALS[bad.code]) from bad

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("logo") and cleaned.get("removes_logo"):
            self.add_error("logo", _("Choose one: a new logo, or none."))
        return cleaned
