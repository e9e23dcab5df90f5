"""Doses as the desk shows them: the list of the chart, and vital signs of the latest one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce

from episodes.models import Episode
from kapclinic.accounts.policy import Actor
from kapclinic.desk.links import link
from kapclinic.documents.charts import Chart, Given, VitalsPoint, vitals_chart
from sessions.models import Administration, AdverseEvent, DosingSession, SessionState, VitalsReading


@dataclass(frozen=True)
class DoseRow:
    """One dosing session in the chart's table."""

    label: str
    url: str
    at: datetime
    given: str
    highest_pressure: str
    adverse_events: int
    serious_events: int
    state: str
    number: int | None
    began_at: datetime | None


def doses_of(episode: Episode) -> list[DoseRow]:
    """Every standing dosing session of the episode, newest first; those with a dose are numbered. Three queries."""
    events = AdverseEvent.objects.current().filter(session=OuterRef("pk")).order_by().values("session")
    sessions = (
        DosingSession.objects.standing()
        .filter(episode=episode)
        .annotate(
            events=Coalesce(Subquery(events.annotate(value=Count("pk")).values("value")), 0),
            serious=Coalesce(
                Subquery(events.filter(is_serious=True).annotate(value=Count("pk")).values("value")), 0
            ),
        )
        .prefetch_related(
            Prefetch(
                "administrations",
                queryset=Administration.objects.current().order_by("started_at"),
                to_attr="given",
            )
        )
        .order_by("planned_at", "id")
    )
    highest = _highest_pressures(sessions)
    rows: list[DoseRow] = []
    number = 0
    for session in sessions:
        given = session.given
        began_at = min((entry.started_at for entry in given), default=None)
        if given:
            number += 1
        rows.append(
            DoseRow(
                label=f"Dose {number}" if given else _without_a_dose(session),
                url=link("dosing:session-detail", pk=session.pk),
                at=began_at or session.planned_at,
                given=" + ".join(entry.summary for entry in given),
                highest_pressure=highest.get(session.pk, ""),
                adverse_events=session.events,
                serious_events=session.serious,
                state=session.get_state_display(),
                number=number if given else None,
                began_at=began_at,
            )
        )
    return rows[::-1]


def _without_a_dose(session: DosingSession) -> str:
    waits = session.state in (SessionState.PLANNED, SessionState.CHECKED_IN, SessionState.UNDER_WAY)
    return "Next dose" if waits else "No dose"


def _highest_pressures(sessions: Iterable[DosingSession]) -> dict[object, str]:
    """The reading with the highest systolic pressure of each session, as "156/94". One query."""
    readings = (
        VitalsReading.objects.current()
        .filter(session__in=[session.pk for session in sessions], systolic__isnull=False)
        .order_by("session_id", "-systolic", "-taken_at")
        .distinct("session_id")
    )
    return {reading.session_id: reading.pressure for reading in readings}


def latest_vitals(episode: Episode, actor: Actor) -> tuple[Chart | None, str]:
    """Vital signs of the episode's latest session that has any, with words that name it. Three queries."""
    session = (
        DosingSession.objects.standing()
        .filter(episode=episode, vitalsreadings__isnull=False)
        .order_by("-planned_at")
        .first()
    )
    if session is None:
        return None, ""
    readings = VitalsReading.objects.current().filter(session=session).order_by("taken_at")
    given = Administration.objects.current().filter(session=session).order_by("started_at")
    chart = vitals_chart(
        readings=[
            VitalsPoint(
                at=reading.taken_at,
                systolic=reading.systolic,
                diastolic=reading.diastolic,
                heart_rate=reading.heart_rate,
                respiratory_rate=reading.respiratory_rate,
                spo2=reading.spo2,
                moaas=reading.sedation,
                note=reading.note,
            )
            for reading in readings
        ],
        given=[
            Given(entry.started_at, entry.ended_at, entry.summary, running=entry.is_running)
            for entry in given
        ],
        limits=[],
        zone=actor.zone,
        chart_id="vitals-latest",
    )
    local = session.planned_at.astimezone(actor.zone)
    return chart, f"{local.day} {local:%b %Y}"


def dose_numbers(sessions: Iterable[DosingSession]) -> dict[object, int]:
    """Which dose of its episode each session is or will be: one more than the earlier sessions with a dose. One query."""
    wanted = list(sessions)
    earlier: dict[object, list[datetime]] = {}
    given = (
        Administration.objects.current()
        .filter(
            session__episode__in=[session.episode_id for session in wanted],
            session__entered_in_error_at__isnull=True,
        )
        .values("session", "session__episode")
        .annotate(at=Max("session__planned_at"))
    )
    for row in given:
        earlier.setdefault(row["session__episode"], []).append(row["at"])
    return {
        session.pk: 1 + sum(at < session.planned_at for at in earlier.get(session.episode_id, ()))
        for session in wanted
    }
