"""Making functions that do for the application what its role may not: for migrations."""

from django.conf import settings
from django.db import migrations
from psycopg import sql

# Fixed, so that nobody's own function or table of the same name is taken for ours.
AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"


def for_application(signature: str, body: str) -> migrations.RunSQL:
    """Make a function that runs as the owner of the tables, and that only the application's role may call."""
    role = sql.Identifier(settings.DATABASE_APP_ROLE).as_string(None)
    return migrations.RunSQL(
        f"{body}; REVOKE ALL ON FUNCTION {signature} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {signature} TO {role};",
        f"DROP FUNCTION {signature}",
    )
