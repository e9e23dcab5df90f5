"""Databases for tests: one migrated template, and clones of it that cost a tenth of a second."""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from kapclinic.embedded import SUPERUSER, Postgres
from kapclinic.runtime import roles
from kapclinic.runtime.backup import program

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "kaptest"
_DROP_TRIES = 25


def with_database(url: str, name: str) -> str:
    """The same connection URL for another database of the cluster."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def owner_url(name: str) -> str:
    """URL of a test database for the role that owns it."""
    return with_database(os.environ["DATABASE_OWNER_URL"], name)


def app_url(name: str) -> str:
    """URL of a test database for the application's login role."""
    return with_database(os.environ["DATABASE_URL"], name)


def _maintenance() -> psycopg.Connection:
    return psycopg.connect(owner_url("postgres"), autocommit=True)


def drop(name: str) -> None:
    """Remove a test database, ending whatever is still connected to it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for left in range(_DROP_TRIES, 0, -1):
        try:
            with _maintenance() as connection:
                connection.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            # The owner may not end the application's connections; one that was just closed is gone in a moment.
            if left == 1:
                raise
            time.sleep(0.2)
        else:
            return


def drop_run(run: str) -> None:
    """Remove every database of one test run."""
    with _maintenance() as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{PREFIX}_{run}_"]
        ).fetchall()
    for (name,) in rows:
        drop(name)


def clone(template: str, name: str) -> None:
    """Make the database `name` as a copy of `template`."""
    # Postgres copies a template for one customer at a time.
    with locked("clone"), _maintenance() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )


def migrated_template(*, renew: str | None = None) -> str:
    """Name of a migrated database, found again by later runs on the same cluster while the migrations are the same.

    `renew` names a run that wants it made anew (pytest's `--create-db`).
    """
    name = f"{PREFIX}_template_{_migrations_hash()}"
    with locked("template"), _maintenance() as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        # The comment says that the template is whole: an interrupted run leaves one without it.
        if row is not None and row[0] is not None and (renew is None or row[0].endswith(renew)):
            return name
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        _migrate(name)
        comment = sql.Literal(f"migrated for {renew or 'every run'}")
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), comment))
    return name


def _migrate(name: str) -> None:
    environment = {**os.environ, "DATABASE_OWNER_URL": owner_url(name), "KAP_DATABASE_ROLE": "owner"}
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0", "--skip-checks"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the test database could not be migrated:\n{done.stdout}{done.stderr}")


def _migrations_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("kapclinic/*/migrations/*.py")]):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    # What the application may do is granted, and what keeps the record is made, after the migrations.
    for name in ("privileges.py", "protection.py"):
        digest.update((ROOT / "kapclinic" / "audit" / name).read_bytes())
    modules = [*ROOT.glob("*/models.py"), *ROOT.glob("*/models/*.py")]
    modules += [*ROOT.glob("kapclinic/*/models.py"), *ROOT.glob("kapclinic/*/models/*.py")]
    for path in sorted(modules):
        content = path.read_bytes()
        if b"rows_may_be_deleted" in content:
            digest.update(content)
    return digest.hexdigest()[:16]


@contextmanager
def locked(what: str) -> Iterator[None]:
    """Let one process of this person and cluster do `what` at a time."""
    cluster = hashlib.sha256(owner_url("postgres").encode()).hexdigest()[:12]
    folder = Path(os.environ.get("KAP_VAR") or gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PREFIX}-{os.geteuid()}-{cluster}-{what}.lock"
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def server_apart(template: str, folder: Path) -> Iterator[str]:
    """The migrated template on a server of its own, which the environment names meanwhile; gives the database's name.

    A seal reaches up to the oldest transaction that is under way on the server, so the tests that run beside one of sealing
    would hold it back.
    """
    postgres = Postgres(folder / "postgres", say=lambda _line: None, throw_away=True)
    source = owner_url(template)
    postgres.start()
    try:
        with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            roles.ensure_roles(connection)
            roles.ensure_database(connection)
        dump = folder / "template.dump"
        subprocess.run(
            [program("pg_dump"), "--format=custom", "--compress=none", f"--file={dump}", source], check=True
        )
        target = postgres.url(roles.OWNER, roles.DATABASE)
        command = [program("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={target}", str(dump)]
        subprocess.run(command, check=True)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DATABASE_OWNER_URL", target)
            environment.setenv("DATABASE_URL", postgres.url(roles.APP, roles.DATABASE))
            yield roles.DATABASE
    finally:
        postgres.remove()
