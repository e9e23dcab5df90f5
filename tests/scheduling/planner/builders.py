"""Small clinics for the planner's tests: Monday 8 June 2026, 09:00 in Denver, and what lies around it."""

from datetime import UTC, datetime, timedelta

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner import Candidate, Clinician, FreeTime, Plan, Problem, Room, Session, Tier
from kapclinic.scheduling.spans import Span

DENVER = "America/Denver"
NINE = datetime(2026, 6, 8, 15, tzinfo=UTC)


def after(minutes: float) -> datetime:
    """That many minutes after Monday, 09:00."""
    return NINE + timedelta(minutes=minutes)


def span(first: float, last: float) -> Span:
    """In minutes after Monday, 09:00."""
    return Span(after(first), after(last))


def clinician(key: str, *stretches: tuple[float, float], place: Place = Place.EITHER, **more) -> Clinician:
    return Clinician(key, tuple(FreeTime(span(*stretch), place) for stretch in stretches), **more)


def session(key: str, window: Span | tuple[float, float], *names: str, **more) -> Session:
    """An hour's session; the first name is the patient's own therapist, the others cover in that order."""
    tiers = [Tier.OWN] + [Tier.COVER] * len(names)
    values = {
        "patient": f"patient of {key}",
        "window": window if isinstance(window, Span) else span(*window),
        "minutes": 60,
        "candidates": tuple(
            Candidate(name, tier, rank) for rank, (name, tier) in enumerate(zip(names, tiers, strict=False))
        ),
    }
    return Session(key=key, **(values | more))


def room(key: str, *stretches: tuple[float, float], kind: str = "therapy", **more) -> Room:
    return Room(key, kind, tuple(span(*stretch) for stretch in stretches), **more)


def problem(sessions, clinicians, rooms=(), **more) -> Problem:
    values = {"zone": DENVER} | more
    return Problem(sessions=tuple(sessions), clinicians=tuple(clinicians), rooms=tuple(rooms), **values)


def starts(plan: Plan) -> dict[str, float]:
    """Minutes after Monday, 09:00 at which each placed session starts."""
    return {each.session: (each.starts_at - NINE) / timedelta(minutes=1) for each in plan.placements}
