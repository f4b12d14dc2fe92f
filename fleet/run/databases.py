"""Roles and databases on an embedded server: who owns the tables, who may use them, and copies of a database."""

import psycopg
from psycopg import sql

OWNER = "fleetwell_owner"
APP = "fleetwell_app"
DATABASE = "fleetwell"


def create_roles(admin_url: str) -> None:
    """The owner runs migrations; the application owns nothing. What it may do with the tables, the migrations say."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        have = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER, APP):
            if role not in have:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))


def database_exists(admin_url: str, name: str) -> bool:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def create_database(admin_url: str, name: str, *, template: str | None = None) -> None:
    """An empty database of the owner's, or a copy of a template nobody is connected to."""
    create = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
    if template:
        # Copying files beats writing every page to the log; the checkpoint that it needs is cheap without fsync.
        create += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(create)
        # Rights on the database itself are not copied from the template.
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        connection.execute(grant.format(sql.Identifier(name), sql.Identifier(APP)))


def read_stamp(admin_url: str, name: str) -> str | None:
    """The note that `write_stamp` left on the database itself, so that it goes wherever the database goes."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        row = connection.execute(query, [name]).fetchone()
        return row[0] if row else None


def write_stamp(admin_url: str, name: str, text: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        comment = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(text))
        connection.execute(comment)


def close_public_schema(database_url: str) -> None:
    """Nobody but the owner makes tables: already so from PostgreSQL 15 on, said for data folders of older servers."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def drop_database(admin_url: str, name: str) -> None:
    """Drop it, connections and all."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
