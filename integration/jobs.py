"""Work that must happen after a dose."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integration.models import IntegrationNeed
from integration.services.needs import CLOSE_JOB, PLAN_JOB, REPLAN_JOB, note_closed_window
from integration.services.planning import follow_loss, plan_need, plan_waiting
from integration.services.planning.losing import REPAIR_JOB
from integration.services.watching import WATCH_AGAIN_JOB, WATCH_JOB, watch_all_again, watch_window
from kapclinic.clinics.models import Clinic
from kapclinic.jobs.registry import handler
from kapclinic.scheduling.models import TimeOff


def _need(payload: dict[str, Any]) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related("episode").get(pk=payload["need"])


@handler(PLAN_JOB)
def plan_integration(payload: dict[str, Any], *, now: datetime) -> None:
    """Place the session that a dose owes, exactly once."""
    plan_need(need=_need(payload), now=now)


@handler(WATCH_JOB)
def watch(payload: dict[str, Any], *, now: datetime) -> datetime | None:
    """Alarm people about a window that nobody serves, each at their time; gives back when to look again."""
    return watch_window(need=_need(payload), now=now)


@handler(REPLAN_JOB)
def replan(payload: dict[str, Any], *, now: datetime) -> None:
    """Plan anew what a clinic merely holds or has no time for."""
    plan_waiting(clinic=Clinic.objects.get(pk=payload["clinic"]), now=now)


@handler(CLOSE_JOB)
def close_window(payload: dict[str, Any], *, now: datetime) -> None:
    """Ask for the reason where a window closed without a session inside."""
    note_closed_window(need=_need(payload), now=now)


@handler(REPAIR_JOB)
def propose_repair(payload: dict[str, Any], *, now: datetime) -> None:
    """Look for a plan that keeps what was touched by lost time: somebody is away, a room is closed, a dose moved."""
    if "absence" in payload:
        # Asked for before anything but time off could be lost.
        payload = {"what": TimeOff._meta.label_lower, "row": payload["absence"], "at": now.isoformat()}
    follow_loss(facts=payload, now=now)


@handler(WATCH_AGAIN_JOB)
def watch_again(payload: dict[str, Any], *, now: datetime) -> None:
    """The hours in which alarms are heard changed: every watched window is looked at again."""
    watch_all_again(clinic=Clinic.objects.get(pk=payload["clinic"]), now=now)
