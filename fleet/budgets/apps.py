"""The app's name and label."""

from django.apps import AppConfig


class BudgetsConfig(AppConfig):
    name = "fleet.budgets"
    label = "budgets"
