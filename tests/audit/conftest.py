"""A server of their own for tests of sealing."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from kapclinic.embedded import SUPERUSER, Postgres
from kapclinic.runtime import roles
from kapclinic.runtime.backup import program
from tests import databases


@pytest.fixture(scope="module")
def module_database(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The migrated template on a server of its own.

    A seal reaches up to the oldest transaction that is under way on the server, so the tests that run beside these would
    hold it back.
    """
    folder = tmp_path_factory.mktemp("cluster")
    postgres = Postgres(folder / "postgres", say=lambda _line: None, throw_away=True)
    source = databases.owner_url(migrated_template)
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
