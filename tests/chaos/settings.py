"""The product's settings for the chaos rig: the same, but for failpoints and a quick password hash."""

from fleet.settings import *  # noqa: F403 - a settings module is its names
from fleet.settings import STORAGES

FAILPOINTS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
