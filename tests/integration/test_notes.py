"""Integration notes: parts, modalities with their competencies, action steps that come back, signing, addenda."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from episodes.services import strike_entry
from integration import selectors
from integration.models import ActionStep, IntegrationAddendum, IntegrationSession, NeedPart, StepOutcome
from integration.services import add_addendum, record_session, save_note, sign_note
from integration.windows import NeedState
from kapclinic.accounts.models import Competency, CompetencyKind
from kapclinic.clinics.refusals import Refused
from tests import factories
from tests.integration.situations import T0, after


@pytest.fixture
def held(dose, episode, therapist):
    """A session held inside the window, recorded without a booking."""
    return record_session(
        episode=episode,
        held_from=after(30),
        held_until=after(31),
        therapist=therapist,
        actor=therapist,
        now=after(32),
    )


def write(session, actor, **changes):
    values = {
        "version": session.version,
        "parts": {"narrative": {"covered": True, "note": "A long corridor, then light."}},
        "modalities": ["act"],
        "themes": "Asking for help",
        "plan": "",
        "steps": ["Write to my sister"],
        "reviews": {},
    }
    return save_note(session=session, actor=actor, now=after(33), **(values | changes))


def test_recorded_session_meets_the_window_and_is_made_once(dose, need_of, episode, therapist):
    key = uuid.uuid4()
    for _ in range(2):
        record_session(
            episode=episode, held_from=after(30), held_until=after(31), therapist=therapist, actor=therapist,
            request_key=key, now=after(32),
        )  # fmt: skip
    assert IntegrationSession.objects.count() == 1
    assert need_of(dose).state_at(after(32)) is NeedState.MET


@pytest.mark.parametrize(("start", "end"), [(31, 30), (31, 33)])
def test_impossible_times_are_refused(dose, episode, therapist, start, end):
    with pytest.raises(Refused):
        record_session(
            episode=episode,
            held_from=after(start),
            held_until=after(end),
            therapist=therapist,
            actor=therapist,
            now=after(32),
        )


def test_draft_keeps_parts_modalities_and_steps(held, therapist):
    saved = write(held, therapist)
    assert saved.version == 2
    assert saved.body["parts"]["narrative"]["covered"] is True
    assert [step.text for step in saved.action_steps.standing()] == ["Write to my sister"]
    again = write(saved, therapist, steps=["Walk", "Walk", " "])
    assert [step.text for step in again.action_steps.standing()] == ["Walk"]
    assert ActionStep.objects.filter(text="Write to my sister").get().is_struck


def test_saving_over_someone_elses_version_is_refused(held, therapist):
    write(held, therapist)
    with pytest.raises(Refused, match="meanwhile"):
        write(held, therapist, version=1)


def test_unknown_parts_and_modalities_are_refused(held, therapist):
    with pytest.raises(Refused) as refused:
        write(held, therapist, parts={"tarot": {"covered": True, "note": "x"}}, modalities=["hypnosis"])
    assert len(refused.value.reasons) == 2


def test_signing_says_everything_that_is_missing(held, therapist):
    empty = write(held, therapist, parts={"narrative": {"covered": False, "note": ""}}, modalities=[])
    with pytest.raises(Refused) as refused:
        sign_note(session=empty, version=empty.version, actor=therapist, now=after(33))
    assert {reason.code for reason in refused.value.reasons} == {"nothing-covered", "no-modality"}


def test_signed_note_is_final_in_the_database(held, therapist):
    saved = write(held, therapist)
    signed = sign_note(session=saved, version=saved.version, actor=therapist, now=after(33))
    assert signed.signature_holds()
    assert sign_note(
        session=signed, version=signed.version, actor=therapist, now=after(34)
    ).signed_at == after(33)
    with pytest.raises(Refused, match="addendum"):
        write(signed, therapist)
    with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
        IntegrationSession.objects.filter(pk=signed.pk).update(themes="Other")


def test_signature_holds_when_a_step_is_struck_later_and_not_when_its_text_is_another(held, therapist):
    saved = write(held, therapist, steps=["Write to my sister", "Walk", "Sleep"])
    ActionStep.objects.filter(text="Walk").update(created_at=after(33))
    signed = sign_note(session=saved, version=saved.version, actor=therapist, now=after(33))
    step = signed.action_steps.get(text="Walk")
    strike_entry(entry=step, reason="Not what was said", actor=therapist, now=after(34))
    assert IntegrationSession.objects.get(pk=signed.pk).signature_holds()
    ActionStep.objects.filter(text="Sleep").update(text="Stay awake")
    assert not IntegrationSession.objects.get(pk=signed.pk).signature_holds()


def test_only_who_held_it_signs_it(held, therapist, therapist_off_team):
    saved = write(held, therapist)
    with pytest.raises(Refused, match="held this session and signs"):
        sign_note(session=saved, version=saved.version, actor=therapist_off_team, now=after(33))


@pytest.mark.parametrize(
    ("has_competency", "has_consent", "missing"),
    [
        (False, False, {"competency-trauma", "trauma-consent"}),
        (True, False, {"trauma-consent"}),
        (False, True, {"competency-trauma"}),
        (True, True, set()),
    ],
)
def test_trauma_work_needs_competency_and_consent(
    held, therapist, clinic, episode, has_competency, has_consent, missing
):
    if has_competency:
        Competency.objects.create(
            clinic=clinic, user=therapist, kind=CompetencyKind.TRAUMA, basis="EMDR", since=date(2020, 1, 1)
        )
    if has_consent:
        factories.make_consent(episode, therapist, "trauma")
    saved = write(held, therapist, modalities=["trauma"])
    if missing:
        with pytest.raises(Refused) as refused:
            sign_note(session=saved, version=saved.version, actor=therapist, now=after(33))
        assert {reason.code for reason in refused.value.reasons} == missing
    else:
        assert sign_note(session=saved, version=saved.version, actor=therapist, now=after(33)).is_signed


@pytest.mark.parametrize(
    ("outcome", "comes_back"),
    [(StepOutcome.DONE, False), (StepOutcome.NOT_YET, True), (StepOutcome.DROPPED, False), (None, True)],
)
def test_action_steps_come_back_until_done_or_dropped(held, therapist, episode, outcome, comes_back):
    write(held, therapist)
    (step,) = selectors.open_action_steps(episode)
    later = record_session(
        episode=episode,
        held_from=after(100),
        held_until=after(101),
        therapist=therapist,
        actor=therapist,
        now=after(102),
    )
    reviews = {} if outcome is None else {str(step.pk): (outcome, "Tried")}
    write(later, therapist, steps=[], reviews=reviews)
    found = selectors.open_action_steps(episode)
    assert bool(found) is comes_back
    if outcome == StepOutcome.NOT_YET:
        assert found[0].last_review.note == "Tried"


def test_a_sessions_own_steps_are_not_reviewed_in_it(held, therapist, episode):
    saved = write(held, therapist)
    (step,) = selectors.open_action_steps(episode)
    again = write(saved, therapist, reviews={str(step.pk): ("done", "")})
    assert not again.step_reviews.exists()


def test_addendum_is_written_once_and_only_to_a_signed_note(held, therapist):
    with pytest.raises(Refused, match="draft"):
        add_addendum(session=held, text="More", actor=therapist, now=after(33))
    saved = write(held, therapist)
    signed = sign_note(session=saved, version=saved.version, actor=therapist, now=after(33))
    key = uuid.uuid4()
    for _ in range(2):
        add_addendum(session=signed, text="More", actor=therapist, addendum_id=key, now=after(34))
    assert IntegrationAddendum.objects.count() == 1
    with pytest.raises(Refused, match="Write"):
        add_addendum(session=signed, text=" ", actor=therapist, now=after(34))


def test_window_facts_and_summary_tell_what_happened(held, dose, therapist, episode):
    saved = write(held, therapist)
    sign_note(session=saved, version=saved.version, actor=therapist, now=after(33))
    facts = selectors.latest_window(episode, after(33))
    assert facts.dose_number == 1
    assert facts.state is NeedState.MET
    assert facts.band_words == "in the window"
    assert facts.booked_from == after(30)
    assert facts.with_whom == str(therapist)
    assert facts.secondary.need.part == NeedPart.SECONDARY
    (summary,) = selectors.integration_summary(episode)
    assert summary.themes == "Asking for help"
    assert summary.steps == ("Write to my sister",)


def test_counts_name_numerator_denominator_and_reasons(held, dose, clinic, episode):
    before = selectors.counts_for_clinic(clinic, after(72))
    assert (before.met, before.closed) == (0, 0)
    later = selectors.counts_for_clinic(clinic, after(72) + timedelta(seconds=1))
    assert (later.met, later.closed, later.reasons) == (1, 1, {})
    assert selectors.counts_for_clinic(clinic, after(400), since=after(100)).closed == 0
    assert selectors.counts_for_clinic(clinic, after(400), until=T0).closed == 0


def test_open_needs_stand_by_close_and_within_scope(
    dose, clinic, therapist, therapist_off_team, coordinator, nurse
):
    actor = factories.make_actor(coordinator, clinic)
    (row,) = selectors.open_needs(clinic, T0, actor)
    assert row.state is NeedState.OPEN
    assert row.hours_left == 72
    assert selectors.open_needs(clinic, T0, factories.make_actor(therapist_off_team, clinic)) == []
    assert len(selectors.unplaced_needs(clinic, T0, factories.make_actor(therapist, clinic))) == 1
    assert selectors.missed_without_reason(clinic, after(73), actor)[0].need == row.need
