"""What the record costs: `python benchmarks/audit.py [--json]`.

1. Writing: the time of an HTTP POST that changes clinical rows, through the whole middleware as the application's role, on a
   Postgres that waits for the disk at each commit as in production. "Without" is the same release with plain history triggers:
   no event, no position and role on each row, no triggers with the owner's rights, no sealing. Both databases are asked in
   turns; the one with the record is sealed every 5 s meanwhile, six times as often as by default. Bar: 1.10 times.
2. Verifying: a million access events in a throw-away cluster, written in transactions of ten, sealed, verified. Bar: 60 s.

Exit 1 when a bar is missed. The databases are the benchmark's own and are thrown away.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BAR_WRITE, BAR_SECONDS = 1.10, 60.0
EVENTS = 1_000_000
PATIENT = 16  # a place in the demo's cast: in treatment


def take_the_record_away(url: str) -> None:
    """Leave plain history triggers in the database, as they were before there was a record."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        functions = connection.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND proname LIKE 'pgtrigger\\_%'"
        ).fetchall()
        for (name,) in functions:
            connection.execute(f"ALTER FUNCTION {name} SECURITY INVOKER RESET ALL".encode())
        tables = connection.execute(
            "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
            "WHERE attname = 'pgh_position' AND relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"DROP TRIGGER IF EXISTS audit_stamp ON {table}".encode())
            connection.execute(f"DROP TRIGGER audit_refuse ON {table}".encode())
            connection.execute(f"ALTER TABLE {table} DROP COLUMN pgh_position, DROP COLUMN pgh_role".encode())
            connection.execute(f"GRANT INSERT, UPDATE ON {table} TO kapclinic_app".encode())
    from pghistory.models import Context

    with on(url):
        Context.install_pgh_attach_context_func()


def _settings(url: str) -> dict[str, Any]:
    from kapclinic.environment import database_from_url

    return database_from_url(url)


@contextmanager
def on(url: str) -> Iterator[None]:
    """Django's connection on this database."""
    from django.db import connection

    connection.close()
    connection.settings_dict.update(_settings(url))
    try:
        yield
    finally:
        connection.close()


@contextmanager
def without_events() -> Iterator[None]:
    """The gate writes nothing down."""
    from kapclinic.accounts.visits import Visit

    kept = Visit.record
    Visit.record = lambda self, status: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Visit.record = kept  # type: ignore[method-assign]


@contextmanager
def sealing_all_the_time(url: str) -> Iterator[None]:
    """Seal every 5 s in a process of its own, as beat has a worker do it."""
    program = (
        "import os, sys, time, django; django.setup()\n"
        "from kapclinic.audit.sealing import seal_all\n"
        "print('ready', flush=True)\n"
        "while os.getppid() == int(sys.argv[1]):\n"
        "    seal_all(); time.sleep(5)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(os.getpid())], cwd=ROOT, env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()


def post_goal(url: str, *, rounds: int) -> list[float]:
    """Seconds of each of `rounds` POSTs that set a goal of treatment: a row, its history, an event."""
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from episodes.models import CareTeamMember, TeamPart
    from kapclinic.desk.demo.cast import external_id

    with on(url):
        member = (
            CareTeamMember.objects.in_force(timezone.now())
            .select_related("user", "episode")
            .filter(episode__patient__external_id=external_id(0), part=TeamPart.THERAPIST)[0]
        )
        episode = member.episode
        client = Client(headers={"host": "localhost"})
        client.force_login(member.user)
        address = reverse("episodes:goal-add", kwargs={"public_id": episode.public_id})
        times = []
        for number in range(rounds):
            begun = time.perf_counter()
            answer = client.post(address, {"text": f"A made-up goal, {time.time_ns()} {number}"})
            times.append(time.perf_counter() - begun)
            if answer.status_code != 302:
                raise RuntimeError(f"the goal was not taken: {answer.status_code}")
    return times


def load_seed() -> None:
    """Migrate, and take one made-up patient through the services."""
    prepare()
    import django

    django.setup()
    from django.db import connection

    from kapclinic.desk.demo.cast import CAST
    from kapclinic.desk.demo.load import load_demo

    load_demo(say=lambda _line: None, cast=[CAST[PATIENT]])
    connection.close()


def prepare() -> None:
    """Migrate the database of the environment, as its owner."""
    command = [sys.executable, "-m", "kapclinic.runtime.prepare"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "KAP_DATABASE_ROLE": "owner"}, check=True)


def measure_writing(stack: ExitStack, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Medians of both, in turns of ten."""
    import psycopg
    from _record import lasting_postgres

    from kapclinic.embedded import SUPERUSER
    from kapclinic.runtime import keys, roles
    from kapclinic.runtime.throw_away import start_servers

    _postgres, own = start_servers(stack, prefix="kapbench-")
    postgres = lasting_postgres(stack)
    os.environ |= own | {
        "DATABASE_URL": postgres.url(roles.APP, roles.DATABASE),
        "DATABASE_OWNER_URL": postgres.url(roles.OWNER, roles.DATABASE),
        "LOG_LEVEL": "ERROR",
        "KAP_AUDIT_KEYS": keys.encryption_key(),
        "KAP_AUDIT_SEAL_SECONDS": "30",
    }
    say("Taking a made-up patient through the services…")
    load_seed()
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE plain TEMPLATE {roles.DATABASE} OWNER {roles.OWNER}".encode())
    take_the_record_away(postgres.url(roles.OWNER, "plain"))
    with_record, plain = postgres.url(roles.APP, roles.DATABASE), postgres.url(roles.APP, "plain")
    say("Writing in turns, with the record sealed every 5 s…")
    times: dict[str, list[float]] = {"with": [], "without": []}
    with sealing_all_the_time(with_record):
        for turn in range(rounds + 1):
            for name in ("with", "without") if turn % 2 else ("without", "with"):
                if name == "with":
                    found = post_goal(with_record, rounds=10)
                else:
                    with without_events():
                        found = post_goal(plain, rounds=10)
                # The first turn warms up; so does the first POST on a new connection.
                if turn:
                    times[name] += found[1:]
    medians = {name: 1000 * statistics.median(found) for name, found in times.items()}
    return {
        "with_ms": round(medians["with"], 2), "without_ms": round(medians["without"], 2),
        "ratio": round(medians["with"] / medians["without"], 3), "posts": len(times["with"]),
        "met": medians["with"] / medians["without"] <= BAR_WRITE,
    }  # fmt: skip


def measure_verifying(stack: ExitStack, events: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Write, seal and verify `events` access events."""
    from _record import write_events

    from kapclinic.runtime.throw_away import start_servers

    _postgres, own = start_servers(stack, prefix="kapbench-")
    os.environ |= own | {"LOG_LEVEL": "ERROR"}
    prepare()
    say(f"Writing {events:,} events…")
    write_events(os.environ["DATABASE_URL"], events)
    from django.conf import settings

    settings.AUDIT_KEYS = [os.environ["KAP_AUDIT_KEYS"]]
    settings.AUDIT_HEADS_FILE = str(Path(tempfile.mkdtemp(prefix="kapbench-")) / "heads")
    stack.callback(shutil.rmtree, Path(settings.AUDIT_HEADS_FILE).parent, ignore_errors=True)
    from kapclinic.audit.sealing import seal_all
    from kapclinic.audit.verifying import verify

    with on(os.environ["DATABASE_URL"]):
        say("Sealing…")
        begun = time.perf_counter()
        seals = seal_all()
        sealed = time.perf_counter() - begun
        say("Verifying…")
        begun, cpu = time.perf_counter(), time.process_time()
        report = verify()
        verified, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if not report.holds or report.rows < events:
        raise RuntimeError(f"the record does not hold: {report}")
    return {
        "events": report.rows, "seals": len(seals), "seal_seconds": round(sealed, 1),
        "verify_seconds": round(verified, 1), "verify_cpu_seconds": round(cpu, 1), "met": verified <= BAR_SECONDS,
    }  # fmt: skip


def main() -> int:
    """Measure, print, and say by the exit code whether the bars were met."""
    parser = argparse.ArgumentParser(description="What the record costs to write and to verify.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.add_argument(
        "--rounds", type=int, default=30, help="turns of ten POSTs for each database (default 30)"
    )
    parser.add_argument("--events", type=int, default=EVENTS, help="events to verify (default a million)")
    parser.add_argument("--only", choices=("writing", "verifying"), help="one of the two")
    options = parser.parse_args()
    say: Callable[[str], None] = (lambda _line: None) if options.json else print
    found: dict[str, Any] = {}
    if options.only != "verifying":
        with ExitStack() as stack:
            found["writing"] = measure_writing(stack, options.rounds, say)
    if options.only != "writing":
        if "DJANGO_SETTINGS_MODULE" not in os.environ or options.only:
            os.environ["DJANGO_SETTINGS_MODULE"] = "kapclinic.settings"
        with ExitStack() as stack:
            found["verifying"] = _verify_in_django(stack, options.events, say)
    print(json.dumps(found) if options.json else json.dumps(found, indent=1))
    return 0 if all(part["met"] for part in found.values()) else 1


def _verify_in_django(stack: ExitStack, events: int, say: Callable[[str], None]) -> dict[str, Any]:
    from kapclinic.runtime import keys

    for name, value in (
        ("SECRET_KEY", keys.django_secret()), ("KAP_ENCRYPTION_KEYS", keys.encryption_key()),
        ("KAP_AUDIT_KEYS", keys.encryption_key()), ("DATABASE_URL", "postgresql://unused@localhost/unused"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"), ("KAP_MODE", "demo"),
    ):  # fmt: skip
        os.environ.setdefault(name, value)
    import django

    django.setup()
    return measure_verifying(stack, events, say)


if __name__ == "__main__":
    raise SystemExit(main())
