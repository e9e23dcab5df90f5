"""Reading, locking and noting one appointment: what every verb of the calendar does first and last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.models import Appointment
from kapclinic.scheduling.wording import span_words


def lock_appointment(appointment: Appointment) -> tuple[Appointment, Any | None]:
    """The appointment and its episode, freshly read and locked in order."""
    episode = None if appointment.episode is None else lock_episode(appointment.episode)
    fresh = (
        Appointment.objects.select_for_update(of=("self",))
        .with_participants()
        .select_related("told_by")
        .get(pk=appointment.pk)
    )
    return fresh, episode


def live_or_refuse(appointment: Appointment) -> None:
    """Raise Refused for an appointment that has ended."""
    if not appointment.is_live:
        raise Refused(Reason("ended", f"It is {appointment.get_state_display().lower()} already."))


def note(
    appointment: Appointment,
    what: str,
    *,
    actor: User | None,
    now: datetime,
    passed: Iterable[str] = (),
    reason: str = "",
    before: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """One line in the episode's log; team meetings without an episode have their history alone."""
    if appointment.episode is None:
        return
    words = span_words(appointment.span, appointment.clinic.time_zone)
    content: dict[str, Any] = {"state": appointment.state, "kind": appointment.kind, **(data or {})}
    if before and "starts_at" in before:
        content["from"] = before["starts_at"].isoformat()
    if passed:
        content["passed"] = sorted(passed)
        content["explained"] = bool(reason.strip())
    record_event(
        episode=appointment.episode,
        kind=f"appointment.{what.replace(' ', '-')}",
        summary=f"{appointment.get_kind_display()} {what}: {words}",
        actor=actor,
        at=now,
        data=content,
        subject=appointment,
        now=now,
    )
