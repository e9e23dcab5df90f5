"""The card of the rooms: doses of today, where they stand, what is due next."""

from datetime import datetime, timedelta

from episodes.access import episodes_for
from episodes.models import Episode
from episodes.readers import Eyes, eyes_of_each
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.doses import dose_numbers
from kapclinic.desk.links import link
from kapclinic.desk.today.registry import MOST_ROWS, Card, Place, Row, card
from sessions.dose import ROUTE_SHORT, plain
from sessions.models import DoseOrder, DosingSession, SessionState
from sessions.selectors import RoomRow, day_bounds, doses_of_day
from sessions.vitals import DueState


@card(
    key="rooms",
    action="dose.plan",
    roles=(Role.COORDINATOR, Role.NURSE, Role.THERAPIST, Role.PRESCRIBER),
    place=Place.MAIN,
    order=10,
    is_live=True,
)
def in_the_rooms(actor: Actor, now: datetime) -> Card:
    """Doses of today by room: what is going on for clinicians, who comes when for a coordinator. A fixed number of queries."""
    rows = _clinical_rows(actor, now) if can(actor, "dose.view") else _plain_rows(actor, now)
    return Card(
        title="In the rooms",
        rows=tuple(rows),
        summary=f"{len(rows)} dose{'s' if len(rows) != 1 else ''} today" if rows else "",
        empty="No dose today.",
        empty_hint="Plan one from a patient's doses.",
    )


_PRESSING = {
    SessionState.UNDER_WAY: 0,
    SessionState.CHECKED_IN: 1,
    SessionState.PLANNED: 2,
    SessionState.ENDED: 3,
}


def _clinical_rows(actor: Actor, now: datetime) -> list[Row]:
    found = sorted(
        doses_of_day(actor, now=now),
        key=lambda row: (_PRESSING.get(SessionState(row.session.state), 9), row.session.planned_at),
    )
    numbers = dose_numbers([row.session for row in found])
    # Who treats with medicines sees every order: the consents are looked up for the other side alone.
    eyes = (
        eyes_of_each(actor, [row.session.episode for row in found], now=now)
        if actor.has(Role.THERAPIST)
        else {}
    )
    return [
        _clinical_row(row, numbers[row.session.pk], actor, now, eyes.get(row.session.episode_id))
        for row in found
    ]


def _clinical_row(row: RoomRow, number: int, actor: Actor, now: datetime, eyes: Eyes | None) -> Row:
    session = row.session
    pill, tone = _pill(row, now)
    what = row.phase
    if session.state == SessionState.PLANNED:
        what = f"Planned {session.planned_at.astimezone(actor.zone):%H:%M}"
    elif session.state == SessionState.UNDER_WAY and row.since is not None:
        what = f"{row.phase} · {_clock(now - row.since)}"
    return Row(
        who=session.episode.patient.display_name,
        url=link("desk:chart", public_id=session.episode.public_id),
        line=f"Dose {number} · {_order_words(row.order, eyes)}",
        where=_where(session),
        what=what,
        pill=pill,
        tone=tone,
        button="Open",
        button_url=link("dosing:session-detail", pk=session.pk),
        is_primary=session.state == SessionState.UNDER_WAY,
    )


def _order_words(order: DoseOrder | None, eyes: Eyes | None) -> str:
    """ "IV 0.5 mg/kg": the whole order stands on the session's page."""
    if order is None:
        return "no order yet"
    if eyes is not None and not eyes.reads_row(order):
        return "ordered"
    return f"{ROUTE_SHORT[order.route_value]} {plain(order.amount)} {order.unit}"


def _pill(row: RoomRow, now: datetime) -> tuple[str, str]:
    session = row.session
    if session.state == SessionState.ENDED:
        return "record not completed", "amber"
    if session.state in (SessionState.PLANNED, SessionState.CHECKED_IN) and row.order is None:
        return "order missing", "amber"
    if session.state == SessionState.PLANNED and now > session.planned_at:
        return f"{_clock(now - session.planned_at)} late", "amber"
    if row.has_alert:
        return "look at the last reading", "red"
    if row.due is not None:
        name = f"vitals +{row.due.offset}"
        if row.due.state is DueState.OVERDUE:
            return f"{name} overdue", "red"
        minutes = int((row.due.at - now).total_seconds() // 60)
        return (f"{name} due now", "amber") if minutes <= 0 else (f"{name} in {minutes} min", "neutral")
    return "", "neutral"


def _plain_rows(actor: Actor, now: datetime) -> list[Row]:
    start, end = day_bounds(actor.clinic, now.astimezone(actor.zone).date())
    sessions = list(
        DosingSession.objects.of_clinic(actor.clinic)
        .expected()
        .planned_between(start, end)
        .filter(episode__in=Episode.objects.filter(episodes_for(actor, "dose.plan")))
        .select_related("room", "episode__patient")
        .order_by("planned_at", "id")[:MOST_ROWS]
    )
    return [
        Row(
            who=session.episode.patient.display_name,
            url=link("episodes:episode-detail", public_id=session.episode.public_id),
            where=_where(session),
            what=f"{session.planned_at.astimezone(actor.zone):%H:%M} to {session.planned_until.astimezone(actor.zone):%H:%M}",
            pill=session.get_state_display(),
        )
        for session in sessions
    ]


def _where(session: DosingSession) -> str:
    return (
        str(session.room)
        if session.room is not None
        else {"home": "Home", "retreat": "Retreat"}.get(session.place, "No room")
    )


def _clock(stretch: timedelta) -> str:
    minutes = max(0, int(stretch.total_seconds() // 60))
    return f"{minutes // 60}:{minutes % 60:02d}"
