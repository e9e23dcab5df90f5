"""The restore drill: a clinic is backed up, brought back into another cluster, migrated, counted, verified, and goes on."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from episodes.models import Patient
from kapclinic.accounts.models import Role
from kapclinic.audit.models import AccessEvent, Outcome
from kapclinic.audit.sealing import seal_all
from kapclinic.audit.verifying import verify
from kapclinic.embedded import Postgres
from kapclinic.runtime import backup, roles
from kapclinic.runtime.keys import encryption_key
from tests import databases, factories
from tests.conftest import on_database

# What a machine without an environment lacks.
IN_THE_FOLDER = {"DATABASE_URL", "DATABASE_OWNER_URL", *backup.KEYS}


@dataclass
class Drill:
    """Runs the two commands as a person would, in an environment of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, verb: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kapclinic.runtime.backup", verb, *arguments],
            cwd=databases.ROOT,
            env={**self.environment, **changes},
            capture_output=True,
            text=True,
        )

    @property
    def made(self) -> Path:
        return self.folder / "backup"

    @property
    def keys(self) -> Path:
        return self.folder / "elsewhere" / "keys"


@pytest.fixture(scope="module")
def drill(
    migrated_template: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Drill]:
    """A backup of a clinic with a patient, sealed."""
    folder = tmp_path_factory.mktemp("clinic")
    with (
        databases.server_apart(migrated_template, folder) as name,
        on_database(databases.app_url(name), django_db_blocker),
    ):
        yield _backed_up(folder, name)


def _backed_up(folder: Path, database: str) -> Drill:
    clinic = factories.make_clinic()
    coordinator = factories.make_member(clinic, Role.COORDINATOR)
    factories.make_patient(clinic, coordinator)
    environment = {
        **os.environ,
        "KAP_VAR": str(folder / "var"),
        "DATABASE_URL": databases.app_url(database),
        "DATABASE_OWNER_URL": databases.owner_url(database),
    }
    made = Drill(folder, environment)
    done = made.run("backup", str(made.made), "--keys", str(made.keys))
    assert done.returncode == 0, done.stderr
    return made


def test_clinic_comes_back_whole_on_another_server(
    drill: Drill, django_db_blocker: DjangoDbBlocker, settings: Settings, tmp_path: Path
) -> None:
    manifest = json.loads((drill.made / backup.MANIFEST).read_text())
    assert manifest["rows"]["episodes_patient"] == 1
    assert manifest["seal"] == 1
    assert {path.name for path in drill.made.iterdir()} == {backup.DUMP, backup.MANIFEST, backup.HEADS}
    assert stat.S_IMODE(drill.keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(drill.made.stat().st_mode) == 0o700
    keys = drill.keys.read_text()
    assert not any(line.split("=", 1)[1] in path.read_text(errors="replace") for line in keys.splitlines()
                   for path in drill.made.iterdir())  # fmt: skip
    # As on a new machine: no database in the environment, so the clinic's folder gets a server of its own.
    there = tmp_path / "there"
    bare = Drill(
        there, {name: value for name, value in drill.environment.items() if name not in IN_THE_FOLDER}
    )
    bare.environment["KAP_VAR"] = str(there)
    done = bare.run("restore", str(drill.made), "--keys", str(drill.keys))
    assert done.returncode == 0, done.stderr
    assert "Restored, counted and verified" in done.stdout
    assert (there / "audit" / "heads").read_text() == (drill.made / backup.HEADS).read_text()
    assert (there / "secrets" / "audit_keys").read_text() in keys
    again = bare.run("restore", str(drill.made), "--keys", str(drill.keys))
    assert again.returncode == 1
    assert "The database is not empty" in again.stderr
    settings.AUDIT_HEADS_FILE = str(there / "audit" / "heads")
    postgres = Postgres(there / "postgres", say=lambda _line: None)
    try:
        postgres.start()
        with on_database(postgres.url(roles.APP, roles.DATABASE), django_db_blocker):
            _goes_on(postgres.url(roles.APP, roles.DATABASE))
    finally:
        postgres.stop()


def _goes_on(url: str) -> None:
    """The other server has counted fewer transactions: what is written now must still come after what is sealed."""
    assert Patient.objects.count() == 1
    AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    assert [seal.number for seal in seal_all()] == [2]
    report = verify()
    assert (report.holds, report.unsealed, report.seals) == (True, 0, 2)
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("episodes_patient", "audit_accessevent"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}".encode())


def _cut_dump(drill: Drill) -> None:
    dump = drill.made / backup.DUMP
    dump.write_bytes(dump.read_bytes()[:-1])


def _other_counts(drill: Drill) -> None:
    path = drill.made / backup.MANIFEST
    said = json.loads(path.read_text())
    said["rows"]["episodes_patient"] = 0
    path.write_text(json.dumps(said))


def _other_heads(drill: Drill) -> None:
    (drill.made / backup.HEADS).write_text("")


def _other_keys(drill: Drill) -> None:
    lines = drill.keys.read_text().splitlines()
    drill.keys.write_text("\n".join([*lines[:2], f"KAP_AUDIT_KEYS={encryption_key()}"]) + "\n")


def _key_lost(drill: Drill) -> None:
    drill.keys.write_text("SECRET_KEY=x\n")


FAULTS: list[tuple[Callable[[Drill], None], str]] = [
    (_cut_dump, "is not the file that was backed up"),
    (_other_counts, "The manifest was altered"),
    (_other_heads, "is not the file that was backed up"),
    (_other_keys, "The manifest was altered, or these are not its keys"),
    (_key_lost, "lacks KAP_ENCRYPTION_KEYS, KAP_AUDIT_KEYS"),
]


def test_backup_is_refused_in_words_when_something_is_wrong_with_it(drill: Drill) -> None:
    for place, (spoil, words) in enumerate(FAULTS):
        copy = Drill(drill.folder / f"copy-{place}", drill.environment)
        copy.made.mkdir(parents=True)
        copy.keys.parent.mkdir()
        for path in drill.made.iterdir():
            (copy.made / path.name).write_bytes(path.read_bytes())
        copy.keys.write_text(drill.keys.read_text())
        spoil(copy)
        with pytest.raises(backup.SetupProblem, match=words):
            backup.restore(copy.made, copy.keys)
    with pytest.raises(backup.SetupProblem, match="keep the keys apart"):
        backup.backup(drill.folder / "new", drill.folder / "new" / "keys")
    with pytest.raises(backup.SetupProblem, match="exists already"):
        backup.backup(drill.made, drill.folder / "other-keys")
