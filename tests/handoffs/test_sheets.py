"""Papers that leave with the patient."""

import io
from datetime import datetime, timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.urls import reverse

from episodes.models import Episode
from episodes.stages import Stage
from integration.selectors import window_facts
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.models import Document
from kapclinic.documents.services import make_pdf
from kapclinic.handoffs.sheets import issue_closing_summary, issue_instruction_sheet
from kapclinic.notices.models import Task


def text_of(document: Document) -> str:
    pages = pypdf.PdfReader(io.BytesIO(make_pdf(document).data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_sheet_tells_aftercare_call_and_numbers_when_a_dose_was_given(dosed: Any) -> None:
    document = issue_instruction_sheet(session=dosed.session, actor=dosed.nurse, now=dosed.at(100))
    text = text_of(document)
    for expected in (
        "For your way home",
        "Demo, Mei",
        "do not drive",
        "We will call you on 11 Mar 2026",
        "+1 303 555 0100",
        "988",
        "Page 1 of 1",
    ):
        assert expected in text
    # The signs that cannot wait stand before what is for tomorrow.
    assert 0 < text.index("Call 911 at once") < text.index("Tomorrow")
    call = Task.objects.get(key=f"next-day-call:{dosed.session.pk}")
    assert call.is_open
    assert call.due_at is not None
    assert call.due_at.astimezone(dosed.clinic.zone).isoformat() == "2026-03-11T12:00:00-06:00"


def test_sheet_says_the_integration_time_when_it_is_booked(dosed: Any) -> None:
    from kapclinic.handoffs import sheets

    first = issue_instruction_sheet(session=dosed.session, actor=dosed.nurse, now=dosed.at(100))
    (facts,) = window_facts(dosed.episode, dosed.at(100))
    if facts.booked_from is None:
        assert "The time is not fixed yet." in text_of(first)
    else:
        assert sheets.local_time(facts.booked_from, dosed.clinic.zone) in text_of(first)


def test_sheet_is_the_same_one_when_asked_again(dosed: Any) -> None:
    first = issue_instruction_sheet(session=dosed.session, actor=dosed.nurse, now=dosed.at(100))
    assert issue_instruction_sheet(session=dosed.session, actor=dosed.nurse, now=dosed.at(101)) == first
    dosed.clinic.phone = "+1 303 555 0177"
    dosed.clinic.save(update_fields=["phone"])
    dosed.fresh()
    second = issue_instruction_sheet(session=dosed.session, actor=dosed.nurse, now=dosed.at(102))
    assert (second.version, second.supersedes) == (2, first)
    assert Task.objects.filter(kind="call-patient").count() == 1


@pytest.mark.parametrize(("days", "calls"), [(1, 1), (2, 0)])
def test_sheet_that_is_made_days_later_asks_for_no_call(dosed: Any, days: int, calls: int) -> None:
    issue_instruction_sheet(session=dosed.session, actor=dosed.nurse, now=dosed.start + timedelta(days=days))
    assert Task.objects.filter(kind="call-patient").count() == calls


def test_sheet_is_refused_when_no_dose_was_given(planned: Any) -> None:
    with pytest.raises(Refused):
        issue_instruction_sheet(session=planned.session, actor=planned.nurse)


def test_coordinator_opens_the_sheet_but_no_handoff_when_printing_it(dosed: Any, coordinator: User) -> None:
    client = as_person(coordinator)
    response = client.post(reverse("handoffs:instruction-sheet", args=[dosed.session.pk]))
    document = Document.objects.get(kind="instruction-sheet")
    assert response["Location"] == reverse("documents:sheets-detail", args=[document.pk])
    assert client.get(response["Location"]).status_code == 200


def close(room: Any, closed_at: datetime) -> Episode:
    """The room's episode, closed by its therapist."""
    Episode.objects.filter(pk=room.episode.pk).update(
        stage=Stage.CLOSED,
        closed_at=closed_at,
        stage_since=closed_at,
        close_reason="completed",
        closing_insights="Asking is not weakness.",
        closing_next_steps="Monthly visits with her therapist.",
        closed_by=room.therapist,
    )
    return Episode.objects.get(pk=room.episode.pk)


def test_closing_summary_tells_the_course_when_the_episode_is_closed(dosed: Any) -> None:
    with pytest.raises(Refused):
        issue_closing_summary(episode=dosed.episode, actor=dosed.therapist)
    closed_at = dosed.start + timedelta(days=40)
    episode = close(dosed, closed_at)
    document = issue_closing_summary(episode=episode, actor=dosed.therapist, now=closed_at)
    text = text_of(document)
    for expected in (
        "Closing summary",
        "Asking is not weakness.",
        "Monthly visits",
        "IV ketamine 34 mg",
        "PHQ-9",
    ):
        assert expected in text
    # It stays in the name of who closed the episode, also where somebody else has it printed.
    later = closed_at + timedelta(days=1)
    assert issue_closing_summary(episode=episode, actor=dosed.prescriber, now=later) == document
    signature = document.snapshot["signature"]
    assert (signature["name"], signature["role"]) == (dosed.therapist.full_name, "Therapist")
    Episode.objects.filter(pk=episode.pk).update(closing_insights="Asking is strength.")
    newer = issue_closing_summary(episode=episode, actor=dosed.prescriber, now=later)
    assert (newer.version, newer.snapshot["signature"]["version"]) == (2, 2)


def test_closing_summary_says_that_no_dose_was_given(planned: Any) -> None:
    episode = close(planned, planned.start + timedelta(days=40))
    document = issue_closing_summary(episode=episode, actor=planned.therapist)
    (doses,) = [part for part in document.snapshot["sections"] if part["key"] == "doses"]
    assert [block["text"] for block in doses["blocks"]] == ["No dose was given."]
