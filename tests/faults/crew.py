"""Processes at work (tests/faults/at_work.py), and what the tests look at while they kill them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from kapclinic.jobs.models import Job, JobState
from tests.databases import ROOT, app_url


class Hand:
    """One process that has said "ready"."""

    def __init__(self, database: str, verb: str, broker: str | None = None, **asked: Any) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": app_url(database),
            "DJANGO_SETTINGS_MODULE": "kapclinic.settings",
        }
        if broker is not None:
            environment["REDIS_URL"] = broker
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.at_work"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._write(json.dumps({"verb": verb, **asked}))

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_until_ready(self) -> None:
        """Its Django is set up; raises AssertionError with what it said when it is not."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", self.process.communicate()[1]

    def go(self) -> None:
        """Let it begin."""
        self._write("go")

    def result(self) -> Any:
        """What came of it."""
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, err
        return json.loads(out)

    def kill(self) -> None:
        """kill -9, as when a machine loses power."""
        self.process.kill()
        self.process.communicate()


def all_at_once(hands: list[Hand]) -> list[Any]:
    """Let every process begin at the same moment; what came of each."""
    for hand in hands:
        hand.wait_until_ready()
    for hand in hands:
        hand.go()
    return [hand.result() for hand in hands]


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 30) -> None:
    """Wait until `condition()` is true; raises AssertionError when it is not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"after {seconds} s not true: {what}"
        time.sleep(0.05)


def waiting_for_a_lock() -> int:
    """How many connections to this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


def end_waiting_connections() -> None:
    """What the server does once it notices that the other end is gone: the statement that waits is never done."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        )
    wait_until(lambda: waiting_for_a_lock() == 0, "the server has ended them")


def let_leases_run_out() -> int:
    """Six minutes later for every job that somebody still holds; how many there were."""
    held = Job.objects.filter(state=JobState.RUNNING)
    return held.update(lease_until=timezone.now() - timedelta(seconds=1))
