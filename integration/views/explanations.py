"""Why a need has no time, as the page shows it: what this person may know of other patients, and which repairs they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from integration.models import IntegrationNeed
from integration.repairs import Offer
from integration.services.planning import Explanation, applied_repair, explain_need
from kapclinic.accounts import policy
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.scheduling.forms import staff_of
from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.relations import Roster


@dataclass(frozen=True)
class Other:
    """A session that competes; without `url` and `what` where the person may not know whose it is."""

    who: str
    what: str
    url: str
    minutes: int
    closes_at: datetime


@dataclass(frozen=True)
class Remedy:
    """A repair in words, and the fields that its form sends; where the person may not do it, whom to `ask`."""

    words: str
    fields: tuple[tuple[str, str], ...] = ()
    action: str = ""
    question: str = ""
    ask: str = ""


@dataclass(frozen=True)
class ShownExplanation:
    """An explanation for one reader."""

    reasons: tuple[str, ...]
    would_fit: str
    competing: tuple[Other, ...]
    helps: tuple[Remedy, ...]


def explanation_for(actor: Actor, need: IntegrationNeed, *, now: datetime) -> ShownExplanation:
    """Explain `need` to `actor`. Other patients are named only to those who plan for the whole clinic."""
    found: Explanation = explain_need(need=need, now=now)
    names_others = may_move_others(actor)
    return ShownExplanation(
        reasons=found.reasons,
        would_fit=found.would_fit,
        competing=tuple(_other(other, need, may_name=names_others) for other in found.competing),
        helps=tuple(remedy_for(actor, need, repair.offer, repair.words) for repair in found.helps),
    )


def _other(other: IntegrationNeed, need: IntegrationNeed, *, may_name: bool) -> Other:
    is_same = other.episode_id == need.episode_id
    knows = may_name or is_same
    return Other(
        who=str(other.episode.patient) if knows else "another patient",
        what=str(other) if knows else "",
        url=reverse("integration:need-detail", args=[other.pk]) if knows else "",
        minutes=other.duration_minutes,
        closes_at=other.closes_at,
    )


def remedy_for(actor: Actor, need: IntegrationNeed, offer: Offer, words: str) -> Remedy:
    """The repair as `actor` sees it: with a form where they may do it, else with whom to ask."""
    if not may_repair(actor, need, offer):
        return Remedy(words, ask=_whom_to_ask(need, offer))
    action, question = _QUESTIONS[offer.kind]
    return Remedy(words, tuple(offer.as_dict().items()), action, f"{words} {question}")


_QUESTIONS = {
    RepairKind.EXTRA_HOUR: ("Add the hours and book", "Have they agreed to work then?"),
    RepairKind.COVER: (
        "Book with the cover",
        "They come onto the care team as a cover. Have they agreed, and will the patient see them?",
    ),
    RepairKind.DOSE_TIME: ("Move the dose", "Move the dose there and hold the time for its session?"),
}


def may_repair(actor: Actor, need: IntegrationNeed, offer: Offer) -> bool:
    """Whether `actor` may do all that the repair does: book for the patient, and change hours, the team or the dose."""
    if not policy.can(actor, "integration.plan", need) or not policy.can(
        actor, "appointment.book", need.episode
    ):
        return False
    if offer.kind is RepairKind.EXTRA_HOUR:
        person = staff_of(actor.clinic).filter(pk=offer.person).first()
        return person is not None and policy.can(actor, "hours.edit", Roster(actor.clinic.pk, person))
    if offer.kind is RepairKind.COVER:
        return policy.can(actor, "episode.edit-team", need.episode)
    dose = need.dose.appointment
    return dose is not None and policy.can(actor, "appointment.change", dose)


def may_move_others(actor: Actor) -> bool:
    """Whether `actor` plans for the whole clinic, and so may move what is held for other patients."""
    return Relation.CLINIC in policy.relations_of(actor, "integration.plan")


def may_undo(actor: Actor, need: IntegrationNeed) -> bool:
    """Whether `actor` may take back the latest repair of a need: who did it, or who plans for the whole clinic."""
    done = applied_repair(need)
    return done is not None and (done.decided_by_id == actor.user.pk or may_move_others(actor))


def _whom_to_ask(need: IntegrationNeed, offer: Offer) -> str:
    if offer.kind is RepairKind.EXTRA_HOUR:
        person = staff_of(need.clinic).filter(pk=offer.person).first()
        return "Ask a coordinator." if person is None else f"Ask {person}, or a coordinator."
    return "Ask a coordinator."
