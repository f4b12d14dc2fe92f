"""The compatibility app: will it work with my car?"""

from django.apps import AppConfig


class CompatibilityConfig(AppConfig):
    name = "compatibility"
    default_auto_field = "django.db.models.BigAutoField"
