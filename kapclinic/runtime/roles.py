"""The database's roles: an owner that migrates, and an application that has no more rights than it needs.

For a Postgres of your own, `python -m kapclinic.runtime.roles` makes them from three URLs: POSTGRES_SUPERUSER_URL,
DATABASE_OWNER_URL and DATABASE_URL. docs/operations.md shows the statements for doing it by hand.
"""

import sys

import psycopg
from psycopg import sql

from kapclinic.environment import database_from_url, env_str

OWNER = "kap_owner"
APP = "kap_app"
# Receives the grants; login roles of the application are members. The owner is one too, so that tests can become it.
APP_GROUP = "kapclinic_app"
DATABASE = "kapclinic"


def ensure_roles(
    connection: psycopg.Connection,
    *,
    owner: str = OWNER,
    app: str = APP,
    passwords: dict[str, str] | None = None,
) -> None:
    """Make the roles and their memberships when they are missing; the connection is a superuser's, in autocommit.

    `passwords` are set by role, on roles that exist too, so that a changed password in the environment takes effect.
    """
    for name, attributes in (
        (owner, "LOGIN NOSUPERUSER CREATEDB CREATEROLE"),
        (APP_GROUP, "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"),
        (app, "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"),
    ):
        exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
        if exists is None:
            connection.execute(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(name)))
        password = (passwords or {}).get(name)
        if password:
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
            )
    for member in (app, owner):
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP_GROUP), sql.Identifier(member))
        )


def ensure_database(connection: psycopg.Connection, name: str = DATABASE, *, owner: str = OWNER) -> bool:
    """Make the owner's database when it is missing; True when it was made."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return False
    database = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(owner)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(APP_GROUP))
    )
    return True


def main() -> int:
    """Make roles and database of the environment's URLs; exit code 1 and one line when the server refuses."""
    owner = database_from_url(env_str("DATABASE_OWNER_URL"))
    app = database_from_url(env_str("DATABASE_URL"))
    try:
        with psycopg.connect(env_str("POSTGRES_SUPERUSER_URL"), autocommit=True) as connection:
            ensure_roles(
                connection,
                owner=owner["USER"],
                app=app["USER"],
                passwords={owner["USER"]: owner["PASSWORD"], app["USER"]: app["PASSWORD"]},
            )
            ensure_database(connection, owner["NAME"], owner=owner["USER"])
    except psycopg.Error as error:
        print(f"The roles could not be made: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
