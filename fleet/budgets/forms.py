"""The form in which a team changes a budget of its own application."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.budgets.models import Budget

LARGEST = 100_000_000
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class BudgetForm(forms.ModelForm):
    """Limit, reserve and price; what is counted, and over which time, is the maker's to say."""

    limit = forms.IntegerField(label=_("Limit"), min_value=1, max_value=LARGEST)
    reserve = forms.IntegerField(
        label=_("Reserve"),
        min_value=0,
        max_value=LARGEST,
        help_text=_("Kept for presses by a person. Jobs, schedules and background reads leave it alone."),
    )
    unit_price = forms.DecimalField(
        label=_("Price of one"), required=False, min_value=0, max_value=100_000, max_digits=12, decimal_places=6
    )
    currency = forms.CharField(
        label=_("Currency"), required=False, max_length=3, help_text=_("Three letters: EUR, USD.")
    )

    class Meta:
        model = Budget
        fields = ("limit", "reserve", "unit_price", "currency")

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].strip().upper()
        if currency and not CURRENCY.fullmatch(currency):
            raise forms.ValidationError(_("Enter three letters, such as EUR."))
        return currency

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        limit, reserve = cleaned.get("limit"), cleaned.get("reserve")
        if limit is not None and reserve is not None and reserve > limit:
            self.add_error("reserve", _("The reserve cannot be more than the limit."))
        if cleaned.get("unit_price") is not None and not cleaned.get("currency") and "currency" not in self.errors:
            self.add_error("currency", _("A price needs its currency."))
        return cleaned
