"""What the made-up prescribers and therapists write to each other: agreements, handoffs, messages, a decision."""

from datetime import datetime, timedelta

from kapclinic.accounts.models import Role, User
from kapclinic.desk.demo.doses import Dose
from kapclinic.desk.demo.journey import COORDINATOR, PRESCRIBER, THERAPIST, Journey
from kapclinic.handoffs.fields import (
    AS_LISTED,
    COORDINATION,
    FIELDS,
    NO_RISK,
    READY,
    TO_PRESCRIBER,
    TO_THERAPIST,
    UNCHANGED,
    WITH_CONCERNS,
)
from kapclinic.handoffs.models import Handoff, MessageTopic
from kapclinic.handoffs.services import acknowledge_handoff, amend_handoff, save_draft, sign_handoff
from kapclinic.handoffs.services.messaging import post_message, record_decision
from sessions.models import DosingSession

WORDS = {
    "presentation": "Years of low mood, two medicines tried, sleeps badly, works half days.",
    "goals": "The goals of the episode; both look at them after the fourth dose.",
    "roles": "The prescriber decides on dose and medicines, the therapist on preparation and integration.",
    "communication": "A handoff before and after each dose; a call on Thursdays at 12:30.",
    "escalation": "Thoughts of death or no sleep for three nights: whoever hears of it calls the other the same day.",
    "consent": "Everything that both need for the treatment; trauma content stays with the therapist.",
    "themes": "Asking for help; the old house; being allowed to rest.",
    "mental_status": "Oriented, mood brighter than last week, no thoughts of death.",
    "readiness": "None.",
    "stressors": "A sister moves away in spring.",
    "adherence": "Sertraline taken as prescribed.",
    "dose": "Well tolerated, no change needed.",
    "response": "Quiet, tears at the peak, then relief. Spoke of a door that stood open.",
    "adverse_events": "None.",
    "discharge_status": "Alert, oriented, steady on the feet.",
    "focus": "The open door: what would it be to ask once this week?",
    "readiness_view": READY,
    "medication_view": AS_LISTED,
    "risk_view": NO_RISK,
    "goals_view": UNCHANGED,
}
# What the therapist sees and the prescriber does not.
CONCERNS = {
    "readiness": "Slept three hours a night since Sunday and is afraid of the next dose. Ask before it.",
    "readiness_view": WITH_CONCERNS,
}
_READ_AFTER = timedelta(minutes=40)


def owes_a_loop(journey: Journey) -> bool:
    """Two people, and content that may be shared."""
    return journey.prescriber != journey.therapist and journey.episode.protocol.shares_content


def agree(journey: Journey, at: datetime, *, by_both: bool) -> None:
    """The therapist writes down what both agree on; the prescriber confirms it."""
    if owes_a_loop(journey):
        _write(journey, COORDINATION, None, at, is_read=by_both)


def hand_over_before(dose: Dose, *, is_read: bool = True, **changes: str) -> None:
    """The therapist writes to the prescriber the evening before."""
    if owes_a_loop(dose.journey):
        _write(dose.journey, TO_PRESCRIBER, dose.session, dose.at(-16 * 60), is_read=is_read, **changes)


def hand_over_after(dose: Dose) -> None:
    """The prescriber writes to the therapist after the dose, who reads it."""
    if owes_a_loop(dose.journey):
        _write(dose.journey, TO_THERAPIST, dose.session, dose.at(180), is_read=True)


def _write(
    journey: Journey, kind: str, session: DosingSession | None, at: datetime, *, is_read: bool, **changes: str
) -> None:
    author, reader = journey.therapist, journey.prescriber
    if kind == TO_THERAPIST:
        author, reader = reader, author
    words = {**WORDS, **changes}
    body = {
        each.key: words.get(each.key, "Nothing out of the ordinary.")
        for each in FIELDS[kind]
        if each.is_required or each.choices
    }
    draft = save_draft(
        kind=kind, session=session, episode=journey.episode, body=body, version=0, actor=author, now=at
    )
    signed = sign_handoff(handoff=draft, version=draft.version, actor=author, now=at + timedelta(minutes=1))
    if is_read:
        acknowledge_handoff(handoff=signed, actor=reader, now=at + _READ_AFTER)


def correct_after(dose: Dose) -> None:
    """The prescriber amends what the therapist has read already; the new edition waits."""
    at, author = dose.at(300), dose.journey.prescriber
    first = Handoff.objects.in_force().get(session=dose.session, kind=TO_THERAPIST)
    draft = amend_handoff(
        handoff=first, reason="The patient called in the evening: headache.", actor=author, now=at
    )
    body = {
        **draft.body,
        "adverse_events": "Headache in the evening, mild, gone after rest and water.",
        "focus": "The open door: what would it be to ask once this week? Begin gently, the evening was hard.",
    }
    saved = save_draft(
        kind=TO_THERAPIST, session=dose.session, body=body, version=draft.version, actor=author, now=at
    )
    sign_handoff(handoff=saved, version=saved.version, actor=author, now=at + timedelta(minutes=1))


def talk(journey: Journey, now: datetime) -> None:
    """Messages between the team, and what its conference decided."""
    for hours, author, roles, topic, text in (
        (
            26,
            journey.therapist,
            THERAPIST,
            MessageTopic.CLINICAL,
            "She asks whether to skip coffee. Any view?",
        ),
        (25, journey.prescriber, PRESCRIBER, MessageTopic.CLINICAL, "One cup is fine, none after noon."),
        (
            3,
            journey.coordinator,
            COORDINATOR,
            MessageTopic.SCHEDULE,
            "The escort comes by train and may be late.",
        ),
    ):
        _say(journey, author, roles, topic, text, now - timedelta(hours=hours))
    record_decision(
        episode=journey.episode,
        text="Two more doses at the same amount, then look at the scores together.",
        actor=journey.prescriber,
        now=now - timedelta(days=2),
    )


def _say(
    journey: Journey, author: User, roles: frozenset[Role], topic: MessageTopic, text: str, at: datetime
) -> None:
    post_message(episode=journey.episode, topic=topic, text=text, actor=author, roles=roles, now=at)
