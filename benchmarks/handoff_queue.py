"""200 handoffs queued at once, on real processes: `python benchmarks/handoff_queue.py [--json] [--handoffs N]`.

Web, both workers and beat run as the Procfile says, on a Postgres and a broker of the benchmark's own. Pages are fetched one
after the other at a steady pace, first while nothing is printed, then from the moment at which the handoffs are issued until
the last PDF is there. Bars: every handoff is printed, and 95 of 100 pages come within 500 ms while printing, or within twice
what they take on the same machine when idle. Exit 1 when one is missed. Everything is thrown away at the end.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BAR_MS, BAR_RATIO = 500.0, 2.0
PACE_SECONDS = 0.3
IDLE_FETCHES = 60
READY_SECONDS = 180
MOST_SECONDS = 1800
# A patient in treatment, in the demo's cast.
CAST_PLACE = 16
PERSON = "therapist@demo.example"


def load(environment: dict[str, str]) -> None:
    """Migrate, and take one made-up patient through the services."""
    command = [sys.executable, "-m", "kapclinic.runtime.prepare"]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment, "KAP_DATABASE_ROLE": "owner"}, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    import django

    django.setup()
    from kapclinic.desk.demo.cast import CAST
    from kapclinic.desk.demo.load import load_demo

    load_demo(say=lambda _line: None, cast=[CAST[CAST_PLACE]])


def start_clinic(stack: ExitStack, environment: dict[str, str]) -> None:
    """Start the Procfile's programs and wait until they answer."""
    from kapclinic.runtime.launch import answering_workers, web_is_ready
    from kapclinic.runtime.processes import end
    from kapclinic.runtime.supervisor import programs_of, start_program

    for name in ("mail", "beat"):
        (Path(environment["KAP_VAR"]) / name).mkdir(parents=True, exist_ok=True)
    for program in programs_of(ROOT / "Procfile", {**os.environ, **environment}):
        stack.callback(end, start_program(program, folder=ROOT, output=subprocess.DEVNULL))
    port = int(environment["PORT"])
    wait_for(lambda: web_is_ready(port, environment), READY_SECONDS, "the web")
    wait_for(lambda: answering_workers(environment, expected=2) == 2, READY_SECONDS, "the workers")


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until `condition()` holds; SystemExit with `what` when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{what} did not answer within {seconds:.0f} s")
        time.sleep(0.5)


class Reader:
    """A signed-in person who opens one page after the other."""

    def __init__(self, port: int) -> None:
        from django.test import Client
        from django.urls import reverse

        from episodes.models import Episode
        from kapclinic.accounts.models import User

        client = Client(HTTP_HOST="localhost")
        client.force_login(User.objects.get(email=PERSON))
        self.cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self.port = port
        public_id = Episode.objects.values_list("public_id", flat=True).get()
        self.urls = [
            reverse("desk:today"),
            reverse("desk:chart", kwargs={"public_id": public_id}),
            reverse("desk:patients"),
            reverse("handoffs:list"),
        ]

    def fetch(self, number: int) -> float:
        """Milliseconds that the page takes, over the wire."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        url = self.urls[number % len(self.urls)]
        started = time.perf_counter()
        connection.request("GET", url, headers={"Host": "localhost", "Cookie": self.cookies})
        answer = connection.getresponse()
        answer.read()
        taken = 1000 * (time.perf_counter() - started)
        connection.close()
        assert answer.status == 200, f"{url}: {answer.status}"
        return taken

    def paced(self, goes_on: Callable[[int], bool]) -> Iterator[float]:
        """Fetch at a steady pace for as long as `goes_on(number)`."""
        number = 0
        while goes_on(number):
            began = time.monotonic()
            yield self.fetch(number)
            number += 1
            time.sleep(max(0.0, PACE_SECONDS - (time.monotonic() - began)))


def queue_handoffs(count: int) -> None:
    """Issue so many handoffs of the patient, each with a PDF to be made for every different reading of the team."""
    from documents import handoff_snapshot

    from episodes.models import Episode
    from kapclinic.accounts.models import User
    from kapclinic.documents.services import issue_document

    episode = Episode.objects.select_related("clinic").get()
    author = User.objects.get(email="prescriber@demo.example")
    snapshot = handoff_snapshot()
    for number in range(count):
        issue_document(
            clinic=episode.clinic,
            kind="handoff-to-therapist",
            subject_id=episode.pk,
            title=f"Handoff {number + 1}",
            snapshot=snapshot,
            actor=author,
        )


def run(count: int, say: Callable[[str], Any]) -> dict[str, Any]:
    """Measure idle, queue, measure until all is printed."""
    from kapclinic.runtime.processes import free_port
    from kapclinic.runtime.throw_away import start_servers

    with ExitStack() as stack:
        _, own = start_servers(stack, prefix="kapqueue-")
        # The Procfile says `python`: this one.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        environment = {**own, "PORT": str(free_port()), "LOG_LEVEL": "ERROR", "PATH": path}
        os.environ |= environment
        say("Taking a made-up patient through the services…")
        load(environment)
        start_clinic(stack, environment)
        from django.db import connection
        from django.utils import timezone

        from kapclinic.documents.models import Rendition, RenditionState

        stack.callback(connection.close)
        reader = Reader(int(environment["PORT"]))
        for number in range(2 * len(reader.urls)):
            reader.fetch(number)
        wait_for(
            lambda: not Rendition.objects.exclude(state=RenditionState.READY).exists(),
            MOST_SECONDS,
            "printing of the demo's own documents",
        )
        say("Pages while nothing is printed…")
        idle = list(reader.paced(lambda number: number < IDLE_FETCHES))
        say(f"{count} handoffs at once…")
        began, since = time.monotonic(), timezone.now() - timedelta(seconds=1)
        queue_handoffs(count)
        queued_seconds = time.monotonic() - began
        wanted = Rendition.objects.filter(created_at__gt=since, document__title__startswith="Handoff ")

        def is_printing(_number: int) -> bool:
            assert time.monotonic() - began < MOST_SECONDS, "printing does not end"
            return wanted.exclude(state=RenditionState.READY).exists()

        busy = list(reader.paced(is_printing))
        seconds = time.monotonic() - began
        asked, ready = wanted.count(), wanted.filter(state=RenditionState.READY).count()
    idle_p95, busy_p95 = (statistics.quantiles(times, n=20)[-1] for times in (idle, busy))
    is_fast = busy_p95 <= max(BAR_MS, BAR_RATIO * idle_p95)
    return {
        "handoffs": count,
        "pdfs": asked,
        "ready": ready,
        "queued_seconds": round(queued_seconds, 1),
        "seconds": round(seconds, 1),
        "idle_pages": len(idle),
        "idle_p50_ms": round(statistics.median(idle), 1),
        "idle_p95_ms": round(idle_p95, 1),
        "busy_pages": len(busy),
        "busy_p50_ms": round(statistics.median(busy), 1),
        "busy_p95_ms": round(busy_p95, 1),
        "met": ready == asked >= count and is_fast,
    }


def main() -> int:
    """Measure, print, and say by the exit code whether the bars were met."""
    parser = argparse.ArgumentParser(
        description="Many handoffs queued at once: do all finish, and are pages fast?"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--handoffs", type=int, default=200, help="how many (default 200)")
    options = parser.parse_args()
    found = run(options.handoffs, (lambda _line: None) if options.json else print)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['ready']} of {found['pdfs']} PDFs of {found['handoffs']} handoffs in {found['seconds']} s"
        )
        print(f"  issuing them all took {found['queued_seconds']} s")
        print(f"  {'':24} {'pages':>6} {'median':>10} {'95 of 100':>10}")
        for state, words in (("idle", "nothing printed"), ("busy", "while printing")):
            row = (found[f"{state}_pages"], found[f"{state}_p50_ms"], found[f"{state}_p95_ms"])
            print(f"  {words:24} {row[0]:6} {row[1]:7.1f} ms {row[2]:7.1f} ms")
        print(f"  bar {BAR_MS:.0f} ms or {BAR_RATIO:.0f} times idle: {'met' if found['met'] else 'MISSED'}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
