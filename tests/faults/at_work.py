"""One process at work on a test's database, for tests that kill it or run several at once: `python -m tests.faults.at_work`.

It reads one line of JSON (`verb` and what the verb needs), says "ready", waits for a second line, does the verb, and prints
what came of it as one line of JSON.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.db import DatabaseError, connection  # noqa: E402  models need Django set up
from django.utils import timezone  # noqa: E402

from episodes.models import Episode  # noqa: E402
from integration.services import plan_waiting  # noqa: E402
from kapclinic.accounts.models import Role, User  # noqa: E402
from kapclinic.clinics.models import Clinic  # noqa: E402
from kapclinic.clinics.refusals import Refused  # noqa: E402
from kapclinic.jobs import tasks  # noqa: E402
from kapclinic.jobs.services import run_due  # noqa: E402
from kapclinic.scheduling.models import AppointmentKind, Part  # noqa: E402
from kapclinic.scheduling.services import book_appointment  # noqa: E402


def look(job: str) -> None:
    """What a Celery worker does when a message says "look"."""
    tasks.look(job)


def sweep() -> None:
    """What a Celery worker does when beat says "sweep"."""
    tasks.sweep()


def run() -> int:
    """All due jobs, without Celery."""
    return run_due()


def plan(clinic: str) -> str:
    """The planner, for everything that waits at a clinic."""
    try:
        plan_waiting(clinic=Clinic.objects.get(pk=clinic), now=timezone.now())
    except Refused as refused:
        return f"refused: {refused}"
    return "planned"


def book(episodes: list[str], therapist: str, starts_at: str, people: int, at_once: int) -> list[str]:
    """`people` people want the same hour of one therapist, `at_once` of them at any moment."""
    person = User.objects.get(pk=therapist)
    rows = list(Episode.objects.select_related("clinic", "patient").filter(pk__in=episodes).order_by("pk"))
    start = datetime.fromisoformat(starts_at)

    def one(number: int) -> str:
        episode = rows[number % len(rows)]
        try:
            book_appointment(
                clinic=episode.clinic, kind=AppointmentKind.SCREENING, episode=episode, starts_at=start,
                ends_at=start + timedelta(hours=1), people=[(person, Part.THERAPIST)], actor=person,
                roles=frozenset({Role.THERAPIST}),
            )  # fmt: skip
        except Refused as refused:
            return f"refused: {refused}"
        except DatabaseError as error:
            return f"error: {type(error).__name__} {error}"
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, range(people)))


VERBS: dict[str, Callable[..., Any]] = {"look": look, "sweep": sweep, "run": run, "plan": plan, "book": book}


def main() -> None:
    """Do what standard input says."""
    asked = json.loads(sys.stdin.readline())
    verb = VERBS[asked.pop("verb")]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(verb(**asked)) + "\n")


if __name__ == "__main__":
    main()
