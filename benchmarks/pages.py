"""What Today, the episode list and the chart cost when the clinic's history grows: `python benchmarks/pages.py [--json]`.

Two databases of one clinic, 1,000 and 100,000 episodes. Both have the same 25 houses (a coordinator, nurses, therapists,
prescribers and rooms each) with the same 200 open episodes, for a clinic's caseload is bounded by its staff; the rest are
closed, spread over ten years before and over the houses in turn, so every clinician has a hundred times the past patients.
A house's eight open episodes stand in every stage; of four past ones one went through four doses, one through two, and two
ended at screening. They are copies, by SQL, of made-up patients taken through the services, with all their rows but those
that no page with many episodes reads (benchmarks/_copying.py).

`--shape growth` multiplies everything instead: 25 and 2,500 houses, 20 % of the episodes open at both sizes.

Each page is fetched through the whole middleware as the application's database role, the sizes in turns, and a median is
taken. Bars: as many queries at both sizes, and at most 1.3 times the server time. Exit 1 when one is missed. The databases
are the benchmark's own and are thrown away.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BAR = 1.3
HOUSES = 25
SMALL, LARGE = 1_000, 100_000
PAST = timedelta(days=3650)
# Places in the demo's cast: closed after four doses, lost after two, declined, not eligible; then one open one of each kind.
PAST_CAST = (0, 6, 7, 8)
OPEN_CAST = (9, 15, 16, 18, 19, 27, 34, 37)


@dataclass(frozen=True)
class Page:
    """One page as one person sees it."""

    title: str
    person: str
    url: str


@dataclass(frozen=True)
class Measured:
    """A page's medians over all rounds, in milliseconds, and its queries."""

    page: Page
    small_ms: float
    large_ms: float
    small_queries: int
    large_queries: int

    @property
    def ratio(self) -> float:
        """Time at the large size over time at the small one."""
        return self.large_ms / self.small_ms

    @property
    def is_met(self) -> bool:
        """Whether both bars are met."""
        return self.ratio <= BAR and self.small_queries == self.large_queries


def _quiet(_line: str) -> None:
    """Nothing is told while the data are made."""


def load_seed() -> None:
    """Migrate, and take a dozen made-up patients through the services."""
    command = [sys.executable, "-m", "kapclinic.runtime.prepare"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "KAP_DATABASE_ROLE": "owner"}, check=True)
    import django

    django.setup()
    from django.db import connection

    from kapclinic.desk.demo.cast import CAST
    from kapclinic.desk.demo.load import load_demo

    load_demo(say=_quiet, cast=[CAST[place] for place in (*PAST_CAST, *OPEN_CAST)])
    connection.close()


def grow(postgres: Any, name: str, *, episodes: int, houses: int) -> None:
    """Make the database `name` out of the seed's, with so many episodes of so many houses."""
    import psycopg
    from _copying import Copier

    from kapclinic.embedded import SUPERUSER
    from kapclinic.runtime import roles

    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {roles.DATABASE} OWNER {roles.OWNER}".encode())
    with psycopg.connect(postgres.url(SUPERUSER, name), autocommit=True) as connection:
        copier = Copier(connection)
        copier.houses(houses)
        open_ones = houses * len(OPEN_CAST)
        copies, left = divmod(episodes - open_ones - len(PAST_CAST), len(PAST_CAST))
        assert left == 0, "the sizes divide evenly among the cast"
        copier.past(copies, houses=houses, span=PAST)
        copier.finish()
        row = connection.execute("SELECT count(*) FROM episodes_episode").fetchone()
        assert row == (episodes,), row


class Size:
    """One database, with a signed-in client for each person and a connection that stays open."""

    def __init__(self, postgres: Any, name: str) -> None:
        from django.db import connections
        from django.db.utils import load_backend

        settings = {**connections.settings["default"], "NAME": name}
        self.connection = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")
        self.clients: dict[str, Any] = {}

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Django works on this database."""
        from django.db import connections

        before = connections["default"]
        connections["default"] = self.connection
        try:
            yield
        finally:
            connections["default"] = before

    def client_of(self, person: str) -> Any:
        """The person's browser."""
        from django.test import Client

        from kapclinic.accounts.models import User

        if person not in self.clients:
            self.clients[person] = Client(HTTP_HOST="localhost")
            self.clients[person].force_login(User.objects.get(email=f"{person}@demo.example"))
        return self.clients[person]

    def fetch(self, page: Page) -> float:
        """Seconds that the server takes for the page."""
        with self.in_use():
            client = self.client_of(page.person)
            started = time.perf_counter()
            response = client.get(page.url)
            taken = time.perf_counter() - started
        assert response.status_code == 200, f"{page.url} for {page.person}: {response.status_code}"
        return taken

    def queries(self, page: Page) -> int:
        """How many queries the page makes once; now and then one is added that notes that the person is there."""
        from django.test.utils import CaptureQueriesContext

        with self.in_use(), CaptureQueriesContext(self.connection) as captured:
            self.fetch(page)
        return len(captured)


def pages_of(size: Size) -> list[Page]:
    """The pages that are measured, for everybody who has them."""
    from django.urls import reverse

    from episodes.models import Episode
    from kapclinic.desk.demo.cast import external_id

    with size.in_use():

        def chart(place: int) -> str:
            number = (*PAST_CAST, *OPEN_CAST).index(place)
            episode = Episode.objects.get(patient__external_id=external_id(number))
            return reverse("desk:chart", kwargs={"public_id": episode.public_id})

        in_treatment, closed = chart(16), chart(0)
    everyone = ("coordinator", "nurse", "therapist", "prescriber", "manager")
    clinical = everyone[1:4]
    patients = reverse("desk:patients")
    return [
        *(Page("Today", person, reverse("desk:today")) for person in everyone),
        *(Page("Episode list", person, patients) for person in everyone[:4]),
        *(Page("Episode list, closed", person, f"{patients}?stage=closed") for person in everyone[:4]),
        *(Page("Chart", person, in_treatment) for person in clinical),
        *(Page("Chart, closed", person, closed) for person in clinical[1:]),
    ]


def measure(small: Size, large: Size, pages: Sequence[Page], rounds: int) -> list[Measured]:
    """Fetch every page `rounds` times at both sizes in turns, after one fetch that warms up."""
    times: dict[tuple[Page, Size], list[float]] = {
        (page, size): [] for page in pages for size in (small, large)
    }
    for page in pages:
        small.fetch(page)
        large.fetch(page)
    for turn in range(rounds):
        for page in pages:
            for size in (small, large) if turn % 2 else (large, small):
                times[page, size].append(size.fetch(page))
    return [
        Measured(
            page=page,
            small_ms=1000 * statistics.median(times[page, small]),
            large_ms=1000 * statistics.median(times[page, large]),
            small_queries=min(small.queries(page) for _ in range(2)),
            large_queries=min(large.queries(page) for _ in range(2)),
        )
        for page in pages
    ]


def run(*, shape: str, rounds: int, say: Any) -> list[Measured]:
    """Make both databases, measure, throw them away."""
    houses = HOUSES if shape == "history" else HOUSES * LARGE // SMALL
    from kapclinic.runtime.throw_away import start_servers

    with ExitStack() as stack:
        postgres, own = start_servers(stack, prefix="kapbench-")
        os.environ |= {**own, "LOG_LEVEL": "ERROR"}
        say("Taking a dozen made-up patients through the services…")
        load_seed()
        for name, episodes, staff in (("small", SMALL, HOUSES), ("large", LARGE, houses)):
            say(f"Copying them to {episodes:,} episodes…")
            grow(postgres, name, episodes=episodes, houses=staff)
        small, large = Size(postgres, "small"), Size(postgres, "large")
        stack.callback(small.connection.close)
        stack.callback(large.connection.close)
        return measure(small, large, pages_of(large), rounds)


def main() -> int:
    """Measure, print, and say by the exit code whether the bars were met."""
    parser = argparse.ArgumentParser(
        description="Server time and queries of pages at 1,000 and 100,000 episodes."
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=15, help="how often each page is fetched (default 15)")
    parser.add_argument("--shape", choices=("history", "growth"), default="history", help="what grows")
    options = parser.parse_args()
    say = _quiet if options.json else print
    found = run(shape=options.shape, rounds=options.rounds, say=say)
    is_met = all(each.is_met for each in found)
    if options.json:
        rows = [
            {
                "page": each.page.title, "person": each.page.person, "small_ms": round(each.small_ms, 1),
                "large_ms": round(each.large_ms, 1), "ratio": round(each.ratio, 3),
                "small_queries": each.small_queries, "large_queries": each.large_queries, "met": each.is_met,
            }
            for each in found
        ]  # fmt: skip
        print(json.dumps({"shape": options.shape, "bar": BAR, "pages": rows, "met": is_met}))
    else:
        print(f"\nMedian of {options.rounds} rounds in turns; shape: {options.shape}")
        print(f"  {'':34} {'1,000 episodes':>20} {'100,000 episodes':>20}  ratio   bar {BAR}")
        for each in found:
            small = f"{each.small_ms:7.1f} ms {each.small_queries:3} q."
            large = f"{each.large_ms:7.1f} ms {each.large_queries:3} q."
            name = f"{each.page.title} ({each.page.person})"
            print(
                f"  {name:34} {small:>20} {large:>20}  {each.ratio:5.2f}   {'met' if each.is_met else 'MISSED'}"
            )
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
