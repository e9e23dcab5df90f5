"""What an earlier dose leaves open before the next one: serious events, challenging experiences, an open record."""

from datetime import timedelta

import pytest

from episodes.services import strike_entry
from kapclinic.clinics.refusals import Refused
from screening.models import FindingAnswer
from screening.services.findings import AnswerInput
from sessions.discharge import Ending
from sessions.services import (
    answer_challenge,
    record_challenge,
    report_adverse_event,
    review_adverse_event,
)
from sessions.services.findings import answer_day_findings, day_evaluation
from tests.sessions.situations import NURSE, PRESCRIBER, THERAPIST, passed_with

pytestmark = pytest.mark.django_db

UNDOCUMENTED = {"session-undocumented": "Charted on paper, will be typed tonight"}


def codes(refused):
    return {reason.code for reason in refused.value.reasons}


@pytest.fixture
def dosed(room):
    """A first dose that ended; its record is not completed."""
    room.whole_dose()
    return room


def come_again(room):
    """The patient has left, and is at the door three days later, measured, nothing ordered."""
    room.leave(200, Ending.LEFT_AGAINST_ADVICE, reason="Made up")
    room.start += timedelta(days=3)
    room.plan()
    room.check_in()
    room.vitals(5)


def begin(room, *, roles=NURSE, **reasons):
    actor = room.prescriber if roles == PRESCRIBER else room.nurse
    passing = UNDOCUMENTED | {code.replace("_", "-"): why for code, why in reasons.items()}
    return room.begin(passing=passing, roles=roles, actor=actor)


def serious(room):
    return report_adverse_event(
        session=room.session,
        details={
            "term": "Syncope",
            "began_at": room.at(60),
            "grade": 3,
            "is_serious": True,
            "serious_criteria": ["hospitalisation"],
        },
        actor=room.nurse,
        now=room.at(70),
    )


def challenge(room):
    return record_challenge(
        session=room.session,
        details={"kind": "trauma", "began_at": room.at(30), "steps_taken": ["grounding"]},
        actor=room.therapist,
        now=room.at(40),
    )


def answered(room, made, continuation):
    return answer_challenge(
        challenge=made,
        continuation=continuation,
        answer="Talked it through",
        actor=room.therapist,
        roles=THERAPIST,
        now=room.at(300),
    )


# -- the record of the dose before ------------------------------------------------------------------------


def test_open_record_of_an_earlier_dose_is_passed_by_who_gives_the_next_with_a_reason(dosed):
    come_again(dosed)
    dosed.order()
    with pytest.raises(Refused) as refused:
        dosed.begin()
    assert codes(refused) == {"session-undocumented"}
    begin(dosed)
    passed = passed_with(dosed.fresh(), "session-undocumented")
    assert (passed["reason"], passed["by"]) == (
        UNDOCUMENTED["session-undocumented"],
        dosed.nurse.full_name,
    )


# -- serious adverse events ---------------------------------------------------------------------------------


def test_serious_event_holds_the_next_order_and_the_next_start_until_it_is_reviewed(dosed):
    event = serious(dosed)
    come_again(dosed)
    with pytest.raises(Refused) as refused:
        dosed.order()
    assert codes(refused) == {"serious-event-unreviewed"}
    review_adverse_event(
        event=event, review="Seen, dose halved", actor=dosed.prescriber, roles=PRESCRIBER, now=dosed.at(2)
    )
    dosed.order()
    begin(dosed)


def test_serious_event_found_after_the_order_holds_the_start(dosed):
    first = dosed.session
    come_again(dosed)
    dosed.order()
    second, dosed.session = dosed.session, first
    serious(dosed)
    dosed.session = second
    why = "Reviewed by telephone"
    with pytest.raises(Refused) as refused:
        begin(dosed, serious_event_unreviewed=why)
    assert codes(refused) == {"serious-event-unreviewed"}, "a nurse does not pass it"
    with pytest.raises(Refused) as refused:
        begin(dosed, roles=PRESCRIBER)
    assert codes(refused) == {"serious-event-unreviewed"}, "nor does a prescriber without a reason"
    begin(dosed, roles=PRESCRIBER, serious_event_unreviewed=why)


def test_serious_events_are_counted_and_one_entered_in_error_is_not(dosed):
    wrong = serious(dosed)
    serious(dosed)
    come_again(dosed)
    with pytest.raises(Refused, match="2 serious adverse events have not been reviewed"):
        dosed.order()
    strike_entry(entry=wrong, reason="Typed twice", actor=dosed.nurse, now=dosed.at(1))
    with pytest.raises(Refused, match="A serious adverse event has not been reviewed"):
        dosed.order()


def test_serious_event_of_the_dose_under_way_leaves_its_further_part_to_who_stands_there(room):
    room.ready()
    given = room.begin()
    serious(room)
    room.stop(given, 50)
    assert room.order(
        52, is_supplemental=True, infusion_minutes=40, warnings_reason="Little effect"
    ).is_active


# -- challenging experiences --------------------------------------------------------------------------------


def test_challenge_holds_the_next_start_until_the_therapist_has_answered(dosed):
    made = challenge(dosed)
    come_again(dosed)
    dosed.order()
    with pytest.raises(Refused) as refused:
        begin(dosed)
    assert codes(refused) == {"challenge-unanswered"}
    answered(dosed, made, "modify")
    begin(dosed)


def test_unanswered_challenge_is_passed_by_who_gives_the_dose_with_a_reason(dosed):
    challenge(dosed)
    come_again(dosed)
    dosed.order()
    begin(dosed, challenge_unanswered="Therapist is in the room and agrees")


@pytest.mark.parametrize("continuation", ["pause", "stop"])
def test_doses_that_were_to_pause_wait_for_a_prescriber(dosed, continuation):
    answered(dosed, challenge(dosed), continuation)
    come_again(dosed)
    dosed.order()
    why = "Spoke with the therapist this morning"
    with pytest.raises(Refused) as refused:
        begin(dosed, challenge_pause=why)
    assert codes(refused) == {"challenge-pause"}
    begin(dosed, roles=PRESCRIBER, challenge_pause=why)


def test_latest_answer_counts_when_there_are_several(dosed):
    answered(dosed, challenge(dosed), "pause")
    later = challenge(dosed)
    answer_challenge(
        challenge=later,
        continuation="continue",
        answer="Settled",
        actor=dosed.therapist,
        roles=THERAPIST,
        now=dosed.at(400),
    )
    come_again(dosed)
    dosed.order()
    begin(dosed)


# -- findings of the day ------------------------------------------------------------------------------------


@pytest.fixture
def high(room):
    """Everything for the dose, with a pressure above the clinic's limit at minute 5."""
    room.ready()
    room.vitals(6, systolic=150, diastolic=92)
    return room


def answer_of(room, outcome="accept", minute=7, **changes):
    (waiting,) = day_evaluation(room.fresh(), now=room.at(minute)).waiting
    values = {
        "code": waiting.code,
        "evidence_hash": waiting.evidence_hash,
        "outcome": outcome,
        "rationale": "Usual",
    }
    return AnswerInput(**{**values, **changes})


def sign(room, *answers, actor=None, minute=8):
    answer_day_findings(
        session=room.session, answers=answers, actor=actor or room.prescriber, now=room.at(minute)
    )


def test_high_pressure_waits_for_a_prescriber_whose_answer_holds_for_this_reading(high):
    with pytest.raises(Refused) as refused:
        high.begin()
    assert codes(refused) == {"finding-DAY-BP-HOLD"}
    sign(high, answer_of(high))
    assert FindingAnswer.objects.get().scope == "session"
    high.vitals(9, systolic=155, diastolic=92)
    with pytest.raises(Refused) as refused:
        high.begin()
    assert codes(refused) == {"finding-DAY-BP-HOLD"}, "another reading is other evidence"
    sign(high, answer_of(high, minute=10), minute=10)
    high.begin(11)


def test_newer_reading_clears_the_finding_without_an_answer(high):
    high.vitals(9)
    high.begin()


def test_deferred_finding_goes_on_holding(high):
    sign(high, answer_of(high, "defer"))
    with pytest.raises(Refused) as refused:
        high.begin()
    assert codes(refused) == {"finding-DAY-BP-HOLD"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rationale": " "}, {"no-rationale"}),
        ({"outcome": "maybe"}, {"no-outcome"}),
        ({"evidence_hash": "0" * 64}, {"finding-changed"}),
    ],
)
def test_answer_is_refused_when_it_says_too_little_or_to_something_else(high, changes, expected):
    with pytest.raises(Refused) as refused:
        sign(high, answer_of(high, **changes))
    assert codes(refused) == expected
    assert not FindingAnswer.objects.exists()


def test_answer_is_a_prescribers_and_there_is_one(high):
    with pytest.raises(Refused) as refused:
        sign(high, answer_of(high), actor=high.nurse)
    assert codes(refused) == {"not-a-prescriber"}
    with pytest.raises(Refused) as refused:
        sign(high)
    assert codes(refused) == {"no-answer"}


def test_absolute_finding_of_the_day_takes_no_answer(high):
    answer = answer_of(high)
    high.vitals(7, systolic=190, diastolic=125)
    judged = day_evaluation(high.fresh(), now=high.at(8))
    assert judged.waiting == ()
    crisis = judged.evaluation.finding("DAY-BP-CRISIS")
    with pytest.raises(Refused) as refused:
        sign(high, AnswerInput(crisis.code, crisis.evidence_hash, "accept", "Usual"))
    assert codes(refused) == {"not-answerable"}
    with pytest.raises(Refused) as refused:
        sign(high, answer)
    assert codes(refused) == {"finding-changed"}


def test_answer_holds_for_its_session_alone(high):
    sign(high, answer_of(high))
    high.stop(high.begin())
    come_again(high)
    high.order()
    high.vitals(6, systolic=150, diastolic=92)
    with pytest.raises(Refused) as refused:
        begin(high)
    assert codes(refused) == {"finding-DAY-BP-HOLD"}
