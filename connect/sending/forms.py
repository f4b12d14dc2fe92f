"""Forms of lists: of owners to write to, of VINs to make links for. They check shape and read files; services act."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from connect.sending.lists import MOST_AT_ONCE, Entry, Unreadable, read_list
from connect.sending.words import REFUSALS
from connect.vins import MOST_VINS, read_vins

FILE_MAX_BYTES = 1_048_576
LIST_MAX_LENGTH = 200_000


class ListForm(forms.Form):
    """A list as it was pasted, or as a file."""

    entries = forms.CharField(required=False, max_length=LIST_MAX_LENGTH, widget=forms.Textarea)
    file = forms.FileField(label=_("Or a CSV file"), required=False, allow_empty_file=True)

    def clean_file(self) -> str:
        file: UploadedFile | None = self.cleaned_data.get("file")
        if not file:
            return ""
        if (file.size or 0) > FILE_MAX_BYTES:
            raise forms.ValidationError(_("This file is too large: at most 1 MB."))
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("This file is no text. Save it as CSV in UTF-8.")) from error
        if "\x00" in text:
            raise forms.ValidationError(_("This file is no text. Save it as CSV in UTF-8."))
        return text

    def text(self) -> str:
        """Return what was given; the file, where there are both."""
        return self.cleaned_data.get("file") or self.cleaned_data.get("entries") or ""


class SendForm(ListForm):
    """Owners to write to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="send-%s", **kwargs)
        self.fields["entries"].label = _("E-mail addresses")
        self.fields["entries"].help_text = _(
            "One a line, or a table with the heading e-mail, name, language, VIN in any order. At most 500 at once."
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self.rows: list[Entry] = []
        if self.errors:
            return cleaned
        try:
            self.rows = read_list(self.text())
        except Unreadable:
            self.add_error("entries", REFUSALS["unreadable"])
            return cleaned
        if not self.rows:
            self.add_error("entries", REFUSALS["nothing"])
        elif len(self.rows) > MOST_AT_ONCE:
            self.add_error("entries", REFUSALS["too_many_at_once"])
        return cleaned


class VinListForm(ListForm):
    """Cars to make personal links for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="vins-%s", **kwargs)
        self.fields["entries"].label = _("VINs")
        self.fields["entries"].help_text = _("One a line, or the lines of a table. At most 1,000 at once.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self.rows: list[tuple[int, str]] = []
        if self.errors:
            return cleaned
        self.rows = read_vins(self.text())
        if not self.rows:
            self.add_error("entries", _("Write at least one VIN."))
        elif len(self.rows) > MOST_VINS:
            self.add_error("entries", _("At most 1,000 at once."))
        return cleaned
