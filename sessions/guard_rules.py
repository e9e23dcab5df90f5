"""Guards of doses that rest on preparation, earlier doses and what is open from them."""

from collections.abc import Iterator

from django.db.models import QuerySet

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.models import ChallengingExperience, DosingSession, SessionState
from sessions.services.findings import day_evaluation

# Paperwork is passed by whoever gives the dose; what concerns safety by a prescriber. Each asks for its own reason.
_GIVERS = frozenset({Role.NURSE.value, Role.PRESCRIBER.value})
_PRESCRIBER = frozenset({Role.PRESCRIBER.value})


@guards.register("dose.start")
def first_dose_is_prepared(context: GuardContext) -> Iterator[Reason]:
    """The first dose of an episode needs a completed preparation (POLICY; practice guide G2 recommends 1-3)."""
    if selectors.doses_of_episode(context.episode):
        return
    wanted = settings_in_force(context.episode.clinic).preparations_before_first
    held = selectors.completed_preparations(context.episode, before=context.now)
    if held < wanted:
        missing = "no preparation" if held == 0 else f"only {held} of {wanted} preparations"
        yield Reason("preparation-missing", f"First dose of the episode: {missing} held and signed.")


# The rooms below ask for consent and clearance themselves, before the day as well.
_ASKED_BELOW = frozenset({"finding-DAY-CONSENT-MISSING", "finding-DAY-CLEARANCE-MISSING"})


@guards.register("dose.start")
def day_is_clear(context: GuardContext) -> Iterator[Reason]:
    """The rules of the day over check-in, readings and the order's own limits; a newer reading counts."""
    session = context.subject
    if session is None:
        return
    for reason in day_evaluation(session, now=context.now).reasons:
        if reason.code not in _ASKED_BELOW:
            yield reason


@guards.register("dose.start")
def no_other_dose_is_under_way(context: GuardContext) -> Iterator[Reason]:
    """One dose at a time."""
    others = DosingSession.objects.expected().filter(
        episode__patient_id=context.episode.patient_id, state=SessionState.UNDER_WAY
    )
    if context.subject is not None:
        others = others.exclude(pk=context.subject.pk)
    if others.exists():
        yield Reason("other-dose-under-way", "Another dosing session of this patient is still under way.")


@guards.register("dose.start", "dose.order")
def serious_events_are_reviewed(context: GuardContext) -> Iterator[Reason]:
    """A serious adverse event is reviewed by a prescriber before the next dose."""
    count = len(selectors.unreviewed_serious_events(context.episode))
    if count and not _is_this_session(context):
        yield Reason(
            "serious-event-unreviewed",
            "A serious adverse event has not been reviewed."
            if count == 1
            else f"{count} serious adverse events have not been reviewed.",
            passable_by=_PRESCRIBER,
        )


@guards.register("dose.start")
def challenges_are_answered(context: GuardContext) -> Iterator[Reason]:
    """What a challenging experience means for the next dose is said before it (practice guide G0)."""
    if selectors.unanswered_challenges(context.episode):
        yield Reason(
            "challenge-unanswered",
            "A challenging experience of an earlier dose has not been answered.",
            passable_by=_GIVERS,
        )
    held_back = [
        challenge for challenge in _latest_answers(context) if challenge.continuation in ("pause", "stop")
    ]
    if held_back:
        yield Reason(
            "challenge-pause",
            "After a challenging experience doses were to pause or stop.",
            passable_by=_PRESCRIBER,
        )


def _latest_answers(context: GuardContext) -> QuerySet[ChallengingExperience]:
    return (
        ChallengingExperience.objects.standing()
        .filter(session__episode=context.episode, answered_at__isnull=False)
        .order_by("-answered_at")[:1]
    )


@guards.register("dose.start")
def earlier_sessions_are_documented(context: GuardContext) -> Iterator[Reason]:
    """Paperwork: the last session's record is completed; one click with a reason passes it."""
    open_ones = selectors.undocumented_sessions(context.episode, but=context.subject)
    if open_ones:
        yield Reason(
            "session-undocumented",
            "The record of an earlier dosing session is not completed.",
            passable_by=_GIVERS,
            is_paperwork=True,
        )


def _is_this_session(context: GuardContext) -> bool:
    """A further part of a dose that is under way is judged by who stands beside the patient."""
    subject = context.subject
    return subject is not None and subject.state == SessionState.UNDER_WAY
