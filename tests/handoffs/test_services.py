"""Handoffs: written by one discipline, frozen when signed, read by the other, amended as a new edition."""

import io
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from django.db import transaction
from django.db.models import Q
from django.db.utils import DatabaseError

from episodes.models import EpisodeEvent
from episodes.services import strike_entry
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import RenditionState
from kapclinic.documents.services import Print, make_pdf
from kapclinic.handoffs import prefill
from kapclinic.handoffs.fields import FIELDS
from kapclinic.handoffs.models import Acknowledgement, Handoff
from kapclinic.handoffs.selectors import owed_handoffs, rows_of
from kapclinic.handoffs.services import acknowledge_handoff, amend_handoff, save_draft, sign_handoff
from kapclinic.jobs.models import JobQueue
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Task
from tests.handoffs.situations import TO_PRESCRIBER, TO_THERAPIST, author_of, draft, reader_of, signed, words

BOTH = [TO_PRESCRIBER, TO_THERAPIST]


def text_of(handoff: Handoff, **options: Any) -> str:
    assert handoff.document is not None
    data = make_pdf(handoff.document, Print(**options)).data
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {reason.code for reason in refusal.value.reasons}


def test_signature_holds_when_it_was_made_on_the_clinics_clock(dosed: Any) -> None:
    local = (dosed.start + timedelta(minutes=90)).astimezone(dosed.clinic.zone)
    handoff = Handoff.objects.get(pk=signed(dosed, TO_THERAPIST, now=local).pk)
    assert handoff.signature_holds()


@pytest.mark.parametrize("kind", BOTH)
def test_signing_freezes_a_document_and_asks_the_reader_when_complete(dosed: Any, kind: str) -> None:
    handoff = signed(dosed, kind)
    document = handoff.document
    assert handoff.is_signed
    assert handoff.signature_holds()
    assert document is not None
    assert document.kind == f"handoff-{kind}"
    assert document.subject_id == dosed.episode.pk
    categories = {section["category"] for section in document.snapshot["sections"]}
    assert {"themes", "safety", "scores"} <= categories
    task = Task.objects.get(key=f"handoff-read:{handoff.pk}")
    assert task.is_open
    assert task.person == reader_of(dosed, kind)
    assert "Demo" not in task.title
    assert EpisodeEvent.objects.filter(episode=dosed.episode, kind="handoff.signed").count() == 1


def test_signing_twice_changes_nothing_when_pressed_again(dosed: Any) -> None:
    first = signed(dosed, TO_THERAPIST)
    again = sign_handoff(handoff=first, version=first.version, actor=dosed.prescriber)
    assert again.document_id == first.document_id
    assert EpisodeEvent.objects.filter(kind="handoff.signed").count() == 1


@pytest.mark.parametrize("kind", BOTH)
def test_signing_names_every_empty_field_when_some_are_missing(dosed: Any, kind: str) -> None:
    empty = save_draft(
        session=dosed.session,
        kind=kind,
        body={"themes": "  "},
        version=0,
        actor=author_of(dosed, kind),
        now=dosed.start,
    )
    with pytest.raises(Refused) as refusal:
        sign_handoff(handoff=empty, version=empty.version, actor=author_of(dosed, kind), now=dosed.start)
    required = {field.key for field in FIELDS[kind] if field.is_required}
    assert {reason.field for reason in refusal.value.reasons} == required
    empty.refresh_from_db()
    assert not empty.is_signed


def test_signed_handoff_is_final_when_the_database_is_asked_to_change_it(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    for change in ({"body": {}}, {"edition": 7}, {"signed_by": dosed.nurse}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Handoff.objects.filter(pk=handoff.pk).update(**change)


def test_signature_does_not_hold_when_the_text_is_another(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    handoff.body = {**handoff.body, "focus": "Something else."}
    assert not handoff.signature_holds()


def test_draft_is_refused_when_somebody_saved_meanwhile(planned: Any) -> None:
    first = draft(planned, TO_PRESCRIBER)
    second = draft(planned, TO_PRESCRIBER, version=first.version, themes="Mine.")
    assert second.version == first.version + 1
    with pytest.raises(Refused) as refusal:
        draft(planned, TO_PRESCRIBER, version=first.version, themes="Theirs.")
    assert codes(refusal) == {"changed-meanwhile"}
    with pytest.raises(Refused):
        sign_handoff(handoff=second, version=first.version, actor=planned.therapist)


def test_saving_the_same_text_changes_nothing_when_pressed_twice(planned: Any) -> None:
    first = draft(planned, TO_PRESCRIBER)
    assert draft(planned, TO_PRESCRIBER).version == first.version
    assert Handoff.objects.count() == 1


def test_handoff_after_a_dose_is_refused_when_none_was_given(planned: Any) -> None:
    with pytest.raises(Refused) as refusal:
        draft(planned, TO_THERAPIST)
    assert codes(refusal) == {"dose-not-given"}


def test_prefill_takes_the_record_when_a_dose_was_given(dosed: Any) -> None:
    dosed.look(100, mental_status="Calm, oriented, no wish to die.")
    offered = prefill.suggestions(
        TO_THERAPIST, episode=dosed.episode, session=dosed.session, now=dosed.at(200)
    )
    assert offered["dose"].text.startswith("IV ketamine 34 mg")
    sedated = "Deepest sedation: answers only after the name is called loudly or repeatedly (MOAA/S 3)."
    assert sedated in offered["response"].text
    assert offered["mental_status"].text == "Calm, oriented, no wish to die."
    assert offered["adverse_events"].text == "None recorded."
    assert "10 Mar 2026" in offered["dose"].source


def test_prefill_says_awake_when_no_reading_was_below_five(room: Any) -> None:
    room.whole_dose()
    assert (
        "Awake at every reading (MOAA/S 5)."
        in prefill.suggestions(TO_THERAPIST, episode=room.episode, session=room.session, now=room.at(200))[
            "response"
        ].text
    )


def test_handoff_before_a_dose_is_owed_no_more_once_given_and_its_draft_can_still_be_signed(
    room: Any,
) -> None:
    room.ready()
    kept = draft(room, TO_PRESCRIBER)
    owed = {"clinic": room.clinic, "episodes": Q(), "kinds": [TO_PRESCRIBER], "now": room.at(11)}
    assert [row.session for row in owed_handoffs(**owed)] == [room.session]
    room.begin()
    assert owed_handoffs(**owed) == []
    sign_handoff(handoff=kept, version=kept.version, actor=room.therapist, now=room.at(60))
    kept.refresh_from_db()
    assert kept.is_signed


def test_prefill_takes_intention_and_medication_when_a_dose_is_coming(planned: Any) -> None:
    offered = prefill.suggestions(
        TO_PRESCRIBER, episode=planned.episode, session=planned.session, now=planned.at(200)
    )
    assert "Intention: To meet what comes." in offered["themes"].text
    assert "preparation of 8 Mar 2026" in offered["themes"].source
    # Nothing is made up for what the record does not hold.
    assert "stressors" not in offered
    assert "adherence" not in offered


def test_pdf_carries_text_figures_and_vitals_when_made(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST, response="She wept, then <b>laughed</b> & slept 😀.")
    run_due(queue=JobQueue.DOCUMENTS)
    assert handoff.document is not None
    rendition = handoff.document.renditions.first()
    assert rendition is not None
    assert rendition.state == RenditionState.READY
    text = " ".join(text_of(handoff).split())
    for expected in (
        "Handoff to the therapist after dose 1",
        "Demo, Mei",
        "IV ketamine 34 mg",
        "She wept, then <b>laughed</b> & slept 😀.",
        "156/94",
        "Vital signs, dose 1",
        "PHQ-9 and GAD-7",
        "Allergies",
        "Demo Prescriber, MD",
    ):
        assert expected in text


def test_withheld_categories_stay_out_of_the_pdf_when_consent_is_missing(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST, trauma="The accident.", focus="Grief.")
    text = text_of(handoff, withheld=(ConsentCategory.TRAUMA, ConsentCategory.DOSE))
    assert "The accident." not in text
    assert "156/94" not in text
    assert "Grief." in text
    assert text.count("Withheld.") == 3


def test_optional_section_is_left_out_when_nothing_was_written(dosed: Any) -> None:
    document = signed(dosed, TO_THERAPIST).document
    assert document is not None
    assert "trauma" not in {section["key"] for section in document.snapshot["sections"]}


def test_reader_acknowledges_once_when_pressed_twice(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    first = acknowledge_handoff(handoff=handoff, actor=dosed.therapist, reply="Thank you.")
    second = acknowledge_handoff(handoff=handoff, actor=dosed.therapist, reply="Again.")
    assert first == second
    assert Acknowledgement.objects.get().reply == "Thank you."
    assert not Task.objects.get(key=f"handoff-read:{handoff.pk}").is_open


def test_author_cannot_acknowledge_when_it_is_their_own(dosed: Any) -> None:
    with pytest.raises(Refused) as refusal:
        acknowledge_handoff(handoff=signed(dosed, TO_THERAPIST), actor=dosed.prescriber)
    assert codes(refusal) == {"own"}


def test_amendment_is_a_new_edition_that_wants_reading_when_signed(dosed: Any) -> None:
    first = signed(dosed, TO_THERAPIST)
    acknowledge_handoff(handoff=first, actor=dosed.therapist)
    amended = amend_handoff(
        handoff=first, reason="The dose was 30 mg.", actor=dosed.prescriber, now=dosed.at(200)
    )
    assert amended.body == first.body
    assert amend_handoff(handoff=first, reason="Again.", actor=dosed.prescriber) == amended
    # Until it is signed, the first edition stands.
    assert set(Handoff.objects.in_force()) == {first}
    changed = save_draft(
        session=dosed.session,
        kind=TO_THERAPIST,
        body={**amended.body, "dose": "30 mg."},
        version=amended.version,
        actor=dosed.prescriber,
        now=dosed.at(201),
    )
    second = sign_handoff(handoff=changed, version=changed.version, actor=dosed.prescriber, now=dosed.at(202))
    assert (second.edition, second.supersedes) == (2, first)
    assert second.document is not None
    assert (second.document.version, second.document.supersedes) == (2, first.document)
    assert set(Handoff.objects.unread()) == {second}
    assert Task.objects.get(key=f"handoff-read:{second.pk}").is_open
    assert "replaces version 1" in text_of(second)
    with pytest.raises(Refused):
        amend_handoff(handoff=first, reason="Late.", actor=dosed.prescriber)


def test_amendment_is_refused_when_it_has_no_reason(dosed: Any) -> None:
    with pytest.raises(Refused) as refusal:
        amend_handoff(handoff=signed(dosed, TO_THERAPIST), reason="  ", actor=dosed.prescriber)
    assert codes(refusal) == {"no-reason"}


def test_struck_handoff_asks_nobody_and_is_owed_again_when_entered_in_error(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    strike_entry(entry=handoff, reason="Wrong patient.", actor=dosed.prescriber)
    assert not Task.objects.get(key=f"handoff-read:{handoff.pk}").is_open
    assert rows_of(dosed.episode)[0].after is None
    assert signed(dosed, TO_THERAPIST, now=dosed.at(300)).edition == 1


def test_outside_receiver_gets_no_personal_task_when_without_account(dosed: Any, therapist: User) -> None:
    from episodes.models import CareTeamMember

    CareTeamMember.objects.filter(episode=dosed.episode, user=therapist).update(
        ends_at=dosed.start - timedelta(days=1)
    )
    handoff = signed(dosed, TO_THERAPIST)
    task = Task.objects.get(key=f"handoff-read:{handoff.pk}")
    assert (task.person, task.role) == (None, "therapist")


def test_fields_carry_a_category_each_when_listed() -> None:
    for kind in BOTH:
        keys = [field.key for field in FIELDS[kind]]
        assert len(keys) == len(set(keys))
        assert set(words(kind)) <= set(keys)
        assert all(field.category in ConsentCategory for field in FIELDS[kind])
