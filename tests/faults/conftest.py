"""A live clinic on a database server of its own, so that a test may restart it; and a way to say what was counted."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kapclinic.embedded import SUPERUSER, Postgres
from kapclinic.runtime import roles
from tests import databases
from tests.live import LiveClinic


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Puts a sentence with counts into the summary of the run."""
    return lambda text: record_property("counts", text)


@pytest.fixture(scope="module")
def own_postgres(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A database server of this module's own with a copy of the migrated template."""
    folder = tmp_path_factory.mktemp("cluster")
    postgres = Postgres(folder / "postgres", say=lambda _line: None, throw_away=True)
    try:
        postgres.start()
        with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            roles.ensure_roles(connection)
            roles.ensure_database(connection)
        _copy(databases.owner_url(migrated_template), postgres, folder / "template.dump")
        yield postgres
    finally:
        postgres.remove()


def _copy(template: str, postgres: Postgres, dump: Path) -> None:
    into = postgres.url(SUPERUSER, roles.DATABASE)
    commands = [
        ["pg_dump", "--format=custom", "--no-owner", f"--file={dump}", f"--dbname={template}"],
        [
            "pg_restore",
            "--no-owner",
            f"--role={roles.OWNER}",
            "--exit-on-error",
            f"--dbname={into}",
            str(dump),
        ],
    ]
    for program, *arguments in commands:
        done = subprocess.run([str(postgres.bin / program), *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def running_clinic(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveClinic]:
    """The live clinic of tests/conftest.py, on the module's own server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", own_postgres.url(roles.APP, roles.DATABASE))
        patch.setenv("DATABASE_OWNER_URL", own_postgres.url(roles.OWNER, roles.DATABASE))
        clinic = LiveClinic(database=roles.DATABASE, folder=tmp_path_factory.mktemp("clinic"))
        try:
            clinic.start()
            yield clinic
        finally:
            clinic.stop()
