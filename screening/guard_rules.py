"""Guards of screening: what must hold before preparation, treatment and every dose."""

from collections.abc import Iterator

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.clinics.refusals import Reason
from screening.contraindications import evaluate
from screening.finding_selectors import (
    accepted_evidence,
    holding_reasons,
    latest_decision,
    open_risk,
    standing_findings,
)
from screening.gathering import cutoffs_of, gather_facts, local_day


@guards.register("stage.start-preparation", "stage.start-treatment", "dose.order", "dose.start")
def eligibility_is_decided(context: GuardContext) -> Iterator[Reason]:
    """A prescriber's decision in favour is in force (rule DAY-CLEARANCE-MISSING; absolute)."""
    decision = latest_decision(context.episode)
    if decision is None:
        yield Reason("no-eligibility", "No prescriber has decided that this patient may be treated.")
    elif not decision.clears:
        yield Reason(
            "not-eligible", f"The eligibility decision says: {decision.get_outcome_display().lower()}."
        )
    elif decision.has_lapsed:
        yield Reason(
            "eligibility-lapsed", "The eligibility decision lapsed: a fact changed after it was signed."
        )
    elif not decision.is_in_force_on(local_day(context.episode, context.now)):
        yield Reason(
            "eligibility-over", f"The eligibility decision was valid until {decision.valid_until:%d %b %Y}."
        )


@guards.register("dose.order", "dose.start")
def no_risk_assessment_is_open(context: GuardContext) -> Iterator[Reason]:
    """An owed suicide-risk assessment holds the dose until a clinician records it."""
    if open_risk(context.episode) is not None:
        yield Reason("risk-open", "A suicide-risk assessment is owed. A clinician records it first.")


@guards.register("dose.order", "dose.start")
def findings_are_answered(context: GuardContext) -> Iterator[Reason]:
    """No absolute finding stands, every relative one is accepted, no answer is missing."""
    episode = context.episode
    now = context.now
    session_key = getattr(context.subject, "pk", None)
    evaluation = evaluate(gather_facts(episode, now=now), cutoffs_of(episode.clinic))
    accepted = accepted_evidence(
        standing_findings(episode),
        day=local_day(episode, now),
        zone=episode.clinic.zone,
        session_key=session_key,
    )
    yield from holding_reasons(evaluation, accepted)
