"""The form of an address to which owners may be sent back. It checks shape."""

from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

_LOCAL = {"localhost", "127.0.0.1", "::1"}


class ReturnAddressForm(forms.Form):
    """An address outside; https, or http on this machine for trying out."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("For example https://app.example.com/cars/connected"),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise forms.ValidationError(_("Write the address in plain letters, without spaces."))
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname, parts.port
        except ValueError as error:
            raise forms.ValidationError(_("This is not a web address.")) from error
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL):
            raise forms.ValidationError(_("It must begin with https:// (http:// only for localhost)."))
        if not host:
            raise forms.ValidationError(_("This is not a web address."))
        if "@" in parts.netloc:
            raise forms.ValidationError(_("Leave out the name and the password."))
        if "?" in url or "#" in url:
            raise forms.ValidationError(_("Leave out everything from ? or # on: we add the result there."))
        return url
