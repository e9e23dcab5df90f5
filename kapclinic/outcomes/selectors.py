"""Gathers what the outcome figures are counted from: a fixed number of queries, whatever the size of the group."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet

from episodes.models import Episode
from integration.models import IntegrationNeed, MissReason, NeedPart
from kapclinic.outcomes.rules import Case, Rate, Score
from screening.models import Response
from sessions.models import Administration, AdverseEvent

INSTRUMENTS = ("phq-9", "gad-7", "pcl-5")


@dataclass(frozen=True)
class Dosed:
    """One episode in which something was given."""

    episode_id: Any
    patient_id: Any
    first_dose_at: datetime
    protocol: str


@dataclass(frozen=True)
class WindowCounts:
    """In-window rate with what became of the rest; `reasons` are labels with their counts, most frequent first."""

    rate: Rate
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class EventCounts:
    """Adverse events of the group's doses."""

    doses: int
    events: int
    serious: int
    doses_with_event: int
    by_grade: tuple[tuple[int, int], ...]


def dosed_episodes(episodes: QuerySet[Episode], *, since: datetime | None) -> list[Dosed]:
    """Episodes of the group whose first dose was given since then, oldest first. One query."""
    given = (
        Administration.objects.current()
        .filter(session__episode__in=episodes, session__entered_in_error_at__isnull=True)
        .order_by()
        .values(
            "session__episode",
            patient=F("session__episode__patient"),
            protocol=F("session__episode__protocol_version__protocol__name"),
        )
        .annotate(first=Min("started_at"))
    )
    if since is not None:
        given = given.filter(first__gte=since)
    return [
        Dosed(row["session__episode"], row["patient"], row["first"], row["protocol"])
        for row in given.order_by("first")
    ]


def cases_of(dosed: list[Dosed]) -> dict[str, list[Case]]:
    """The dosed episodes with their questionnaires, per instrument. One query.

    A form belongs to the episode that it names; one that names none (history) can only serve as a baseline.
    """
    scores: dict[tuple[Any, str], list[tuple[Any, Score]]] = defaultdict(list)
    rows = (
        Response.objects.current()
        .filter(patient__in={each.patient_id for each in dosed}, instrument_id__in=INSTRUMENTS)
        .values_list("patient", "instrument_id", "episode", "completed_at", "total")
    )
    for patient_id, instrument_id, episode_id, completed_at, total in rows:
        scores[patient_id, instrument_id].append((episode_id, Score(completed_at, total)))
    return {
        instrument_id: [
            Case(
                first_dose_at=each.first_dose_at,
                scores=tuple(
                    score
                    for episode_id, score in scores[each.patient_id, instrument_id]
                    if episode_id == each.episode_id
                    or (episode_id is None and score.completed_at < each.first_dose_at)
                ),
                group=each.protocol,
            )
            for each in dosed
        ]
        for instrument_id in INSTRUMENTS
    }


def windows_of(
    dosed: list[Dosed], *, now: datetime, hide_below: int = 0
) -> tuple[WindowCounts, dict[str, Rate]]:
    """The in-window rate, and by protocol: needs met inside their window over all whose window has closed. One query."""
    protocols = {each.episode_id: each.protocol for each in dosed}
    needs = (
        IntegrationNeed.objects.filter(
            episode__in=list(protocols),
            part=NeedPart.PRIMARY,
            t0__isnull=False,
            closes_at__lt=now,
            withdrawn_at__isnull=True,
        )
        .order_by()
        .values_list("episode", "met_at", "miss_reason")
    )
    met: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for episode_id, met_at, miss_reason in needs:
        protocol = protocols[episode_id]
        closed[protocol] += 1
        if met_at is not None:
            met[protocol] += 1
        else:
            reasons[str(MissReason(miss_reason).label) if miss_reason else "No reason recorded"] += 1
    whole = Rate(met.total(), closed.total(), hide_below)
    by_protocol = {name: Rate(met[name], closed[name], hide_below) for name in sorted(closed)}
    return WindowCounts(whole, tuple(reasons.most_common())), by_protocol


def events_of(dosed: list[Dosed]) -> EventCounts:
    """Adverse events over the doses of the group. Two queries."""
    ids = [each.episode_id for each in dosed]
    doses = (
        Administration.objects.current()
        .filter(session__episode__in=ids, session__entered_in_error_at__isnull=True)
        .aggregate(doses=Count("session", distinct=True))["doses"]
    )
    events = AdverseEvent.objects.current().filter(
        session__episode__in=ids, session__entered_in_error_at__isnull=True
    )
    counted = events.aggregate(
        events=Count("pk"),
        serious=Count("pk", filter=Q(is_serious=True)),
        sessions=Count("session", distinct=True),
        **{f"grade_{grade}": Count("pk", filter=Q(grade=grade)) for grade in range(1, 6)},
    )
    return EventCounts(
        doses=doses,
        events=counted["events"],
        serious=counted["serious"],
        doses_with_event=min(counted["sessions"], doses),
        by_grade=tuple((grade, counted[f"grade_{grade}"]) for grade in range(1, 6)),
    )
