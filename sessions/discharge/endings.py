"""How a visit ended, and what each ending must say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sessions.discharge.checklist import FIRM_ITEMS, DischargeFacts, Gate, Item


class Ending(StrEnum):
    DISCHARGED = "discharged"
    OTHER_TRANSPORT = "other-transport"
    LEFT_AGAINST_ADVICE = "left-against-advice"
    TRANSFERRED = "transferred"
    NOT_DOSED = "not-dosed"


ENDING_LABELS = {
    Ending.DISCHARGED: "Discharged with the escort",
    Ending.OTHER_TRANSPORT: "Discharged, other transport approved by a prescriber",
    Ending.LEFT_AGAINST_ADVICE: "Left against advice",
    Ending.TRANSFERRED: "Transferred to other care",
    Ending.NOT_DOSED: "Sent home without a dose",
}


@dataclass(frozen=True)
class EndingRequest:
    """How a visit is said to have ended. `overrides` maps an item to the prescriber's reason."""

    ending: Ending
    ended_at: datetime
    reason: str = ""
    is_by_prescriber: bool = False
    transport: str = ""
    destination: str = ""
    overrides: Mapping[Item, str] | None = None


@dataclass(frozen=True)
class EndingProblem:
    code: str
    text: str
    field: str | None = None


def check_ending(request: EndingRequest, facts: DischargeFacts, opened: Gate) -> tuple[EndingProblem, ...]:
    """Why this ending cannot be recorded under this word; empty when it can.

    Only "discharged" and "other transport" pass the gate. The others ask for what a reader needs to know
    and for nothing else.
    """
    found: list[EndingProblem] = []
    if request.ended_at > facts.now:
        found.append(EndingProblem("future", "The end lies in the future.", "ended_at"))
    if facts.d0 is not None and request.ended_at < facts.d0:
        found.append(
            EndingProblem(
                "before-dose",
                "The patient cannot have left before the dose.",
                "ended_at",
            )
        )
    overrides = dict(request.overrides or {})
    match request.ending:
        case Ending.DISCHARGED | Ending.OTHER_TRANSPORT:
            found.extend(_check_overrides(overrides, request.is_by_prescriber))
            allowed = set(overrides) if request.is_by_prescriber else set()
            for entry in opened.left_after(allowed):
                who = (
                    "A prescriber may override it with a reason."
                    if entry.can_override
                    else "Nobody overrides it."
                )
                found.append(EndingProblem(f"gate-{entry.item}", f"{entry.label}: {entry.detail}. {who}"))
            if request.ending is Ending.OTHER_TRANSPORT:
                if not request.is_by_prescriber:
                    found.append(
                        EndingProblem(
                            "prescriber-only",
                            "A prescriber approves other transport.",
                            "ending",
                        )
                    )
                if not request.transport.strip():
                    found.append(EndingProblem("transport-missing", "Say which transport.", "transport"))
                if not request.reason.strip():
                    found.append(EndingProblem("reason-missing", "Give the reason.", "reason"))
        case Ending.LEFT_AGAINST_ADVICE:
            if not request.reason.strip():
                found.append(
                    EndingProblem(
                        "reason-missing",
                        "Write what was advised and what the patient said.",
                        "reason",
                    )
                )
        case Ending.TRANSFERRED:
            if not request.destination.strip():
                found.append(
                    EndingProblem(
                        "destination-missing",
                        "Say where the patient went.",
                        "destination",
                    )
                )
            if not request.reason.strip():
                found.append(EndingProblem("reason-missing", "Give the reason.", "reason"))
        case Ending.NOT_DOSED:
            if facts.d0 is not None:
                found.append(EndingProblem("was-dosed", "Something was given in this session.", "ending"))
            if not request.reason.strip():
                found.append(EndingProblem("reason-missing", "Give the reason.", "reason"))
    return tuple(found)


def _check_overrides(overrides: Mapping[Item, str], is_by_prescriber: bool) -> Sequence[EndingProblem]:
    found: list[EndingProblem] = []
    if overrides and not is_by_prescriber:
        found.append(
            EndingProblem(
                "override-prescriber",
                "Only a prescriber overrides the checklist.",
                "overrides",
            )
        )
    for item, reason in overrides.items():
        if item in FIRM_ITEMS:
            found.append(EndingProblem(f"override-{item}", "This item cannot be overridden.", "overrides"))
        elif not reason.strip():
            found.append(EndingProblem(f"override-{item}", "An override needs its reason.", "overrides"))
    return found
