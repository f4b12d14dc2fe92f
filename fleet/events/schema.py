"""SQL that migrations of every app use: grants, append-only tables, and keys that keep rows inside one team."""

from django.conf import settings
from django.db import migrations
from psycopg import sql


def append_only(table: str) -> migrations.RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE on a table, for its owner by trigger and for the application by grant."""
    role = settings.DATABASE_APP_ROLE
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER {table}_append_only_all BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {_quoted(role)};
        """,
        f"""
        DROP TRIGGER {table}_append_only ON {table};
        DROP TRIGGER {table}_append_only_all ON {table};
        GRANT UPDATE, DELETE ON {table} TO {_quoted(role)};
        """,
    )


def revoke(table: str, rights: str) -> migrations.RunSQL:
    """Take rights on a table from the application's role."""
    role = _quoted(settings.DATABASE_APP_ROLE)
    return migrations.RunSQL(f"REVOKE {rights} ON {table} FROM {role}", f"GRANT {rights} ON {table} TO {role}")


def key_for_team(table: str) -> migrations.RunSQL:
    """Make (team_id, id) a key of a table, so that others can point at a row of the same team only."""
    name = f"{table}_team_key"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE (team_id, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def same_team(table: str, column: str, target: str) -> migrations.RunSQL:
    """Refuse a row of one team that points at another team's row: a plain foreign key would let it pass."""
    name = f"{table}_{column}_same_team"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (team_id, {column}) REFERENCES {target} (team_id, id) "
        "DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


def grant_to_application() -> migrations.RunSQL:
    """Let the application's role use what the owner has made and will make; it owns nothing itself."""
    role = _quoted(settings.DATABASE_APP_ROLE)
    return migrations.RunSQL(
        f"""
        GRANT USAGE ON SCHEMA public TO {role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
        REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};
        """,
        migrations.RunSQL.noop,
    )


def _quoted(role: str) -> str:
    return sql.Identifier(role).as_string(None)
