"""Connections outside Django's pool, for code that lives in an event loop."""

from typing import Any

import psycopg
from django.db import connection


async def open_connection(**options: Any) -> psycopg.AsyncConnection[Any]:
    """Open an autocommit connection to Django's default database, for LISTEN or for an event loop's own work."""
    settings = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    parameters = {libpq: settings[name] for libpq, name in names.items() if settings[name]}
    return await psycopg.AsyncConnection.connect(autocommit=True, **parameters, **options)
