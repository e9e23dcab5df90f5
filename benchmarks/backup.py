"""How long `bin/backup` and `bin/restore` take for a large clinic: `python benchmarks/backup.py [--json]`.

One clinic of 100,000 episodes, made as benchmarks/pages.py makes it (copies of made-up patients by SQL, with their rows but
without change history), and a million sealed access events, on a Postgres with the safe settings of production. The two
commands are run as a person runs them; the restore goes into an empty database of the same server, migrates, counts every
table against the manifest and verifies the whole chain. Goal: 120 s each. Exit 1 when one is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

GOAL = 120.0
EVENTS = 1_000_000


def timed(*command: str, **environment: str) -> float:
    """Seconds that a command of the project takes; raises CalledProcessError when it fails."""
    begun = time.perf_counter()
    subprocess.run(
        [str(ROOT / command[0]), *command[1:]], cwd=ROOT, env={**os.environ, **environment}, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - begun


def run(stack: ExitStack, *, episodes: int, events: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Make the clinic, back it up, restore it; gives seconds and sizes."""
    import psycopg
    from _record import lasting_postgres, write_events
    from pages import HOUSES, grow, load_seed

    from kapclinic.embedded import SUPERUSER
    from kapclinic.runtime import roles
    from kapclinic.runtime.throw_away import start_servers

    _postgres, own = start_servers(stack, prefix="kapbench-")
    postgres = lasting_postgres(stack)
    os.environ |= own | {"LOG_LEVEL": "ERROR"}
    for name, role in (("DATABASE_URL", roles.APP), ("DATABASE_OWNER_URL", roles.OWNER)):
        os.environ[name] = postgres.url(role, roles.DATABASE)
    say("Taking a dozen made-up patients through the services…")
    load_seed()
    say(f"Copying them to {episodes:,} episodes…")
    grow(postgres, "large", episodes=episodes, houses=HOUSES)
    say(f"Writing and sealing {events:,} access events…")
    large = {
        name: postgres.url(role, "large")
        for name, role in (("DATABASE_URL", roles.APP), ("DATABASE_OWNER_URL", roles.OWNER))
    }
    write_events(large["DATABASE_URL"], events)
    subprocess.run(
        [sys.executable, "manage.py", "seal_audit"], cwd=ROOT, env={**os.environ, **large}, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        row = connection.execute("SELECT pg_database_size('large')").fetchone()
        assert row is not None
        connection.execute(f"CREATE DATABASE again OWNER {roles.OWNER}".encode())
    again = {name: url.replace("/large", "/again") for name, url in large.items()}
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kapbench-")))
    made, keys = str(folder / "backup"), str(folder / "keys")
    say("Backing up…")
    backup = timed("bin/backup", made, "--keys", keys, **large)
    say("Restoring…")
    restore = timed("bin/restore", made, "--keys", keys, KAP_VAR=str(folder / "var"), **again)
    manifest = json.loads((folder / "backup" / "manifest.json").read_text(encoding="utf-8"))
    return {
        "episodes": episodes, "events": events, "rows": sum(manifest["rows"].values()),
        "database_mb": row[0] // 2**20, "dump_mb": manifest["dump_bytes"] // 2**20,
        "backup_seconds": round(backup, 1), "restore_seconds": round(restore, 1),
        "met": max(backup, restore) <= GOAL,
    }  # fmt: skip


def main() -> int:
    """Measure, print, and say by the exit code whether the goal was met."""
    from pages import LARGE

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--episodes", type=int, default=LARGE, help="how many (default 100,000)")
    parser.add_argument("--events", type=int, default=EVENTS, help="sealed access events (default a million)")
    options = parser.parse_args()
    say: Callable[[str], None] = (lambda _line: None) if options.json else print
    with ExitStack() as stack:
        found = run(stack, episodes=options.episodes, events=options.events, say=say)
    print(json.dumps(found, indent=None if options.json else 1))
    return 0 if found["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
