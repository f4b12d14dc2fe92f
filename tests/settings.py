"""The product's settings for tests: the same, but for a quick password hash and static files without a manifest."""

from fleet.settings import *  # noqa: F403 - a settings module is its names
from fleet.settings import STORAGES

ACCOUNT_EMAIL_VERIFICATION = "optional"  # the people of the tests have no letters to open; see test_enumeration.py
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}  # see tests/fleet/test_cache.py
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
