"""The pages of a course: asked for, changed, booked, taken back."""

import re
from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from episodes.models import Episode
from episodes.stages import Stage
from integration.models import CourseProposal, CourseState
from kapclinic.scheduling.models import Appointment, AppointmentKind, Part
from kapclinic.scheduling.services import book_appointment
from tests.integration.situations import COORDINATOR, T0, work_weekdays

pytestmark = pytest.mark.django_db


@pytest.fixture
def treated(at_work, clinic, episode, nurse):
    """A patient under treatment; the nurse works weekdays too."""
    work_weekdays(clinic, nurse)
    Episode.objects.filter(pk=episode.pk).update(stage=Stage.TREATMENT)
    episode.refresh_from_db()
    return episode


@pytest.fixture
def answers(therapist, nurse):
    """The form as it would be sent."""
    return {
        "doses": "2", "first": "2026-06-15", "weekdays": ["1", "4"], "earliest": "09:00", "wanted": "10:00",
        "latest": "16:00", "preparing": "shared", "therapist": str(therapist.pk), "nurse": str(nurse.pk),
        "request_key": "5b0a4dbe-4f43-4b5a-9c80-7d9d7c6b0a01",
    }  # fmt: skip


def ask_url(episode) -> str:
    return reverse("integration:course-ask", args=[episode.public_id])


def address(course, what: str) -> str:
    return reverse(f"integration:course-{what}", args=[course.pk])


def form_of(course) -> dict[str, str]:
    """The page of the course as it is, untouched."""
    course.refresh_from_db()
    sent = {"version": str(course.version)}
    for dose in course.doses:
        if dose["is_on"]:
            sent[f"dose-{dose['number']}"] = "on"
        if dose["starts_at"]:
            sent[f"start-{dose['number']}"] = dose["starts_at"]
    for line in course.sessions:
        if line["is_on"]:
            sent[f"line-{line['talk']}:{line['dose']}"] = "on"
    return sent


@pytest.fixture
def course(treated, answers, client, coordinator):
    client.force_login(coordinator)
    answer = client.post(ask_url(treated), answers)
    assert answer.status_code == 302, answer.content.decode()
    return CourseProposal.objects.get()


def test_form_begins_with_protocol_team_and_a_day_that_leaves_time_to_prepare(
    treated, client, coordinator, therapist
):
    client.force_login(coordinator)
    form = client.get(ask_url(treated)).context["form"]
    assert form["doses"].value() == treated.protocol.induction.planned_doses
    assert form["therapist"].value() == therapist.pk
    # Preparation may lie up to three days before, from now.
    assert form["first"].value() == (T0 + timedelta(days=4)).date()


def test_page_shows_the_course_and_books_it_in_one_go(course, treated, client):
    text = client.get(address(course, "detail")).content.decode()
    assert "A course of 2 doses could be booked" in text
    assert "prepares dose 2 too" in text
    assert not Appointment.objects.exists()
    answer = client.post(address(course, "book"), form_of(course), follow=True)
    assert "each dose still waits for its order" in answer.content.decode()
    assert Appointment.objects.filter(kind=AppointmentKind.DOSING).count() == 2
    course.refresh_from_db()
    page = client.get(address(course, "detail")).content.decode()
    for line in (*course.doses, *course.sessions):
        assert reverse("scheduling:appointment-detail", args=[line["appointment"]]) in page
    # A second press, or a second tab, changes nothing.
    before = Appointment.objects.count()
    assert (
        "booked already"
        in client.post(address(course, "book"), form_of(course), follow=True).content.decode()
    )
    assert Appointment.objects.count() == before
    undone = client.post(address(course, "undo"), follow=True)
    assert "taken back" in undone.content.decode()
    assert not Appointment.objects.live().exists()


def test_what_was_changed_on_the_page_is_shown_before_it_is_booked(course, client):
    sent = form_of(course)
    other = course.doses[0]["others"][0]
    sent["start-1"] = other
    del sent["line-preparation:1"]
    answer = client.post(address(course, "book"), sent, follow=True)
    assert "Look once more" in answer.content.decode()
    assert not Appointment.objects.exists()
    course.refresh_from_db()
    assert course.doses[0]["starts_at"] == other
    # The tick that was taken off stays off.
    page = client.get(address(course, "detail")).content.decode()
    tick = re.search(r"<input[^>]*line-preparation:1[^>]*>", page)
    assert tick
    assert "checked" not in tick.group()
    client.post(address(course, "book"), form_of(course))
    kinds = set(Appointment.objects.values_list("kind", flat=True))
    assert AppointmentKind.DOSING in kinds
    assert AppointmentKind.PREPARATION not in kinds


def test_older_tab_books_nothing_and_says_so(course, client):
    older = form_of(course)
    newer = form_of(course)
    newer["start-1"] = course.doses[0]["others"][0]
    client.post(address(course, "adjust"), newer)
    for page in ("book", "adjust"):
        answer = client.post(address(course, page), older)
        assert answer.status_code == 422
        assert "worked out again since this page was opened" in answer.content.decode()
    assert not Appointment.objects.exists()


def test_refusal_to_take_back_is_told_in_words(course, client, coordinator, treated, therapist):
    client.post(address(course, "book"), form_of(course))
    dose = Appointment.objects.filter(kind=AppointmentKind.DOSING).earliest("starts_at")
    client.post(reverse("scheduling:appointment-cancel", args=[dose.pk]), {"reason": "By hand"})
    answer = client.post(address(course, "undo"))
    assert answer.status_code == 422
    assert "it is cancelled by now" in answer.content.decode()
    course.refresh_from_db()
    assert course.state == CourseState.BOOKED


def test_time_that_was_just_taken_is_told_kindly(course, clinic, client, coordinator, therapist):
    line = next(line for line in course.sessions if line["talk"] == "integration")
    book_appointment(
        clinic=clinic, kind=AppointmentKind.TEAM_MEETING, starts_at=datetime.fromisoformat(line["starts_at"]),
        ends_at=datetime.fromisoformat(line["ends_at"]), people=[(therapist, Part.ATTENDEE)], actor=coordinator,
        roles=COORDINATOR, now=T0,
    )  # fmt: skip
    answer = client.post(address(course, "book"), form_of(course), follow=True)
    text = answer.content.decode()
    assert "A time had just been taken. Integration of dose 1: now" in text
    assert "The course is booked" in text


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"doses": "0"}, "doses", "greater than or equal to 1"),
        ({"doses": "10"}, "doses", "less than or equal to 9"),
        ({"first": "2026-06-01"}, "first", "That day is over"),
        ({"first": "2036-06-01"}, "first", "within the next year"),
        ({"wanted": "10:10"}, "wanted", "every 15 min"),
        ({"wanted": "08:00"}, "wanted", "between the two other times"),
        ({"latest": "08:00"}, "latest", "after it begins"),
        ({"nurse": ""}, "nurse", "somebody gives the dose"),
        ({"weekdays": ["6"]}, "latest", "work long enough"),
    ],
)
def test_wrong_wishes_are_told_at_their_field_and_nothing_typed_is_lost(
    treated, answers, client, coordinator, changed, field, words
):
    client.force_login(coordinator)
    answer = client.post(ask_url(treated), {**answers, **changed})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert words in " ".join(form.errors[field])
    assert form["earliest"].value() == "09:00"
    assert not CourseProposal.objects.exists()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("coordinator", 200),
        ("therapist", 200),
        ("prescriber", 200),
        ("nurse", 403),
        ("therapist_off_team", 404),
    ],
)
def test_page_by_role(treated, client, request, who, status):
    client.force_login(request.getfixturevalue(who))
    assert client.get(ask_url(treated)).status_code == status


def test_stage_that_allows_no_course_says_so(treated, client, coordinator):
    Episode.objects.filter(pk=treated.pk).update(stage=Stage.MAINTENANCE)
    client.force_login(coordinator)
    assert "Not at this stage" in client.get(ask_url(treated)).content.decode()


def test_dropping_a_course_books_nothing(course, client):
    client.post(address(course, "drop"))
    course.refresh_from_db()
    assert course.state == CourseState.DROPPED
    assert not Appointment.objects.exists()
