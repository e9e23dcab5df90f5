"""The guard registry: what must hold before an action, asked by services so that no view can bypass it.

Higher rooms register functions from `AppConfig.ready`; a system check fails the start when an action that must be guarded
is not.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason, Refused

ACTIONS = frozenset(
    {
        "stage.start-screening", "stage.start-preparation", "stage.start-treatment", "stage.return-to-screening",
        "stage.start-maintenance", "stage.resume-treatment", "stage.close",
        "dose.plan", "dose.order", "dose.start", "dose.discharge",
        "appointment.book", "appointment.cancel",
    }
)  # fmt: skip

MUST_BE_GUARDED = frozenset({"stage.start-preparation", "stage.start-treatment", "dose.order", "dose.start"})


@dataclass(frozen=True)
class GuardContext:
    """What a guard is asked about. `subject` is the thing acted on (a dosing session, an appointment), where there is one."""

    action: str
    episode: Any
    now: datetime
    actor_roles: frozenset[Role] = frozenset()
    subject: Any = None
    data: dict[str, Any] = field(default_factory=dict)


Guard = Callable[[GuardContext], Iterable[Reason]]
_guards: dict[str, list[Guard]] = {}


def register(*actions: str) -> Callable[[Guard], Guard]:
    """Register the decorated function as a guard of `actions`; KeyError for an unknown action."""

    unknown = set(actions) - ACTIONS
    if unknown:
        raise KeyError(f"not a guarded action: {', '.join(sorted(unknown))}")

    def add(guard: Guard) -> Guard:
        for action in actions:
            known = _guards.setdefault(action, [])
            if guard not in known:
                known.append(guard)
        return guard

    return add


def unguarded() -> frozenset[str]:
    """Actions that must have a guard and have none."""
    return frozenset(action for action in MUST_BE_GUARDED if not _guards.get(action))


def reasons(context: GuardContext) -> tuple[Reason, ...]:
    """Every reason to refuse, in the order of registration, each code once."""
    found: dict[str, Reason] = {}
    for guard in _guards.get(context.action, ()):
        for reason in guard(context):
            found.setdefault(reason.code, reason)
    return tuple(found.values())


def check(context: GuardContext, *, passing: dict[str, str] | None = None) -> tuple[Reason, ...]:
    """Raise Refused with every reason that still stands; returns those that a written reason got past.

    `passing` maps reason codes to the written reason of a person; it counts only where one of their roles may pass it.
    """
    passing = passing or {}
    standing: list[Reason] = []
    passed: list[Reason] = []
    for reason in reasons(context):
        may_pass = bool(reason.passable_by.intersection(context.actor_roles))
        if may_pass and passing.get(reason.code, "").strip():
            passed.append(reason)
        else:
            standing.append(reason)
    if standing:
        raise Refused(standing)
    return tuple(passed)
