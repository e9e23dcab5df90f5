"""What becomes of a handoff when an edition is struck, or when who wrote or was to read it leaves."""

import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.urls import reverse

from episodes.models import CareTeamMember, OutsideClinician, TeamPart
from episodes.services import strike_entry
from episodes.services.striking import can_be_struck
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.checking import Answer, check_document
from kapclinic.documents.models import Document
from kapclinic.documents.services import Print, make_pdf
from kapclinic.documents.services.printing import standing_words
from kapclinic.handoffs.due import before_dose
from kapclinic.handoffs.models import Acknowledgement, Handoff
from kapclinic.handoffs.owing import calendar_of
from kapclinic.handoffs.services import acknowledge_handoff, sign_handoff
from kapclinic.handoffs.services.watching import watch_handoffs
from kapclinic.notices.models import Notice, Task, Urgency
from kapclinic.scheduling.services.roster import add_working_hours
from tests import factories
from tests.handoffs.situations import EMERGENCY, TO_PRESCRIBER, TO_THERAPIST, amended, draft, signed


def paper(handoff: Handoff) -> Document:
    """The handoff's document as it is stored now."""
    return Document.objects.get(handoff=handoff)


def is_asked(handoff: Handoff) -> bool:
    return Task.objects.get(key=f"handoff-read:{handoff.pk}").is_open


# -- struck -----------------------------------------------------------------------------------------------


def test_paper_of_a_struck_handoff_says_so(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    strike_entry(entry=handoff, reason="Wrong patient.", actor=dosed.prescriber)
    document = paper(handoff)
    assert check_document(document).answer == Answer.WITHDRAWN
    data = make_pdf(document, Print(standing_words=standing_words(document))).data
    assert "Entered in error: Wrong patient." in pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()


def test_author_strikes_it_from_its_page_and_its_reader_does_not(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    page = reverse("handoffs:detail", args=[handoff.pk])
    address = reverse("episodes:strike", args=["handoffs.handoff", handoff.pk])
    for person, is_offered in ((dosed.prescriber, True), (dosed.therapist, False)):
        client = Client()
        client.force_login(person)
        assert (address in client.get(page).content.decode()) is is_offered
    client.force_login(dosed.prescriber)
    struck = client.post(address, {"reason": "Wrong patient.", "back": page}, follow=True).content.decode()
    for words in ("Entered in error", "Wrong patient.", "asked for no more"):
        assert words in struck


def test_edition_before_a_struck_one_is_in_force_again_and_asked_for(dosed: Any) -> None:
    first = signed(dosed, TO_THERAPIST)
    second = amended(first, at=dosed.at(200), dose="Wrong patient's.")
    assert not is_asked(first)
    assert check_document(paper(first)).answer == Answer.SUPERSEDED
    strike_entry(entry=second, reason="Wrong patient.", actor=dosed.prescriber)
    assert is_asked(first)
    assert (check_document(paper(first)).answer, standing_words(paper(first))) == (Answer.CURRENT, "")
    # Who read it then is not asked once more, when another edition is struck.
    acknowledge_handoff(handoff=first, actor=dosed.therapist)
    third = amended(first, at=dosed.at(300), dose="Wrong once more.")
    checked = check_document(paper(first))
    assert (checked.answer, checked.newer) == (Answer.SUPERSEDED, third.document)
    assert standing_words(paper(first)) == "Superseded by version 3"
    strike_entry(entry=third, reason="Wrong patient.", actor=dosed.prescriber)
    assert not is_asked(first)


def test_struck_edition_of_an_emergency_keeps_its_number(dosed: Any) -> None:
    first = signed(dosed, EMERGENCY, happened="She fainted.")
    second = amended(first, at=dosed.at(200), happened="He fainted.")
    strike_entry(entry=second, reason="Wrong patient.", actor=dosed.therapist)
    third = amended(first, at=dosed.at(300), happened="She fainted twice.")
    assert third.document is not None
    assert (third.edition, third.document.version) == (3, 3)
    assert amended(third, at=dosed.at(400), happened="Three times.").edition == 4


def test_struck_draft_is_not_signed(planned: Any) -> None:
    kept = draft(planned, TO_PRESCRIBER)
    strike_entry(entry=kept, reason="Wrong patient.", actor=planned.therapist)
    with pytest.raises(Refused) as refusal:
        sign_handoff(handoff=kept, version=kept.version, actor=planned.therapist, now=planned.start)
    assert {reason.code for reason in refusal.value.reasons} == {"struck"}


def test_document_is_struck_with_what_it_prints_alone() -> None:
    assert can_be_struck(Handoff)
    assert not can_be_struck(Document)


# -- people come and go -----------------------------------------------------------------------------------


def take_over(room: Any, part: TeamPart, at: datetime, **who: Any) -> None:
    """Somebody else holds a part of the team from `at` on."""
    CareTeamMember.objects.filter(episode=room.episode, part=part, ends_at__isnull=True).update(ends_at=at)
    CareTeamMember.objects.create(
        clinic=room.clinic, episode=room.episode, part=part, starts_at=at, created_at=at, **who
    )


def open_tasks(handoff: Handoff) -> list[tuple[str, Any]]:
    found = Task.objects.filter(
        key__endswith=str(handoff.pk), done_at__isnull=True, withdrawn_at__isnull=True
    )
    return [(task.kind, task.person) for task in found]


@pytest.fixture
def unread(dosed: Any) -> Handoff:
    """Signed for the therapist, and late soon."""
    return signed(dosed, TO_THERAPIST)


def test_who_takes_over_is_asked_to_read_and_reminded_when_it_is_due(dosed: Any, unread: Handoff) -> None:
    new = factories.make_member(dosed.clinic, Role.THERAPIST)
    take_over(dosed, TeamPart.THERAPIST, dosed.at(200), user=new)
    watch_handoffs(clinic=dosed.clinic, now=dosed.at(210))
    assert open_tasks(unread) == [("handoff-read", new)]
    late = dosed.start + timedelta(days=4)
    watch_handoffs(clinic=dosed.clinic, now=late)
    task = Task.objects.get(key=f"handoff-read:{unread.pk}")
    assert task.due_at is not None
    assert (task.due_at <= late, task.urgency) == (True, Urgency.TODAY)
    assert {notice.receiver for notice in Notice.objects.filter(key=f"handoff-unread:{unread.pk}")} == {new}


def test_outside_clinician_who_takes_over_is_sent_it_and_back(dosed: Any, unread: Handoff) -> None:
    outside = OutsideClinician.objects.create(clinic=dosed.clinic, name="Dr Outside")
    take_over(dosed, TeamPart.THERAPIST, dosed.at(200), outside=outside)
    watch_handoffs(clinic=dosed.clinic, now=dosed.at(210))
    assert open_tasks(unread) == [("handoff-send", dosed.prescriber)]
    take_over(dosed, TeamPart.THERAPIST, dosed.at(300), user=dosed.therapist)
    watch_handoffs(clinic=dosed.clinic, now=dosed.at(310))
    assert open_tasks(unread) == [("handoff-read", dosed.therapist)]
    # One person in both parts owes themselves nothing.
    Membership.objects.create(clinic=dosed.clinic, user=dosed.prescriber, role=Role.THERAPIST)
    take_over(dosed, TeamPart.THERAPIST, dosed.at(400), user=dosed.prescriber)
    watch_handoffs(clinic=dosed.clinic, now=dosed.at(410))
    assert open_tasks(unread) == []


def test_nobody_is_named_when_the_role_was_taken_away(dosed: Any, unread: Handoff) -> None:
    Membership.objects.filter(user=dosed.therapist).update(ended_at=dosed.at(200))
    watch_handoffs(clinic=dosed.clinic, now=dosed.at(210))
    assert open_tasks(unread) == [("handoff-read", None)]


def test_reminder_to_write_goes_to_who_took_over(dosed: Any) -> None:
    at = dosed.start + timedelta(days=2)
    watch_handoffs(clinic=dosed.clinic, now=at)
    key = f"handoff-write:{dosed.session.pk}:{TO_THERAPIST.value}"
    assert Task.objects.get(key=key).person == dosed.prescriber
    new = factories.make_member(dosed.clinic, Role.PRESCRIBER)
    take_over(dosed, TeamPart.PRESCRIBER, at, user=new)
    watch_handoffs(clinic=dosed.clinic, now=at + timedelta(minutes=15))
    assert Task.objects.get(key=key).person == new


def test_line_about_a_patient_tells_of_what_is_late_still(dosed: Any, coordinator: User) -> None:
    before = signed(dosed, TO_PRESCRIBER, now=dosed.start - timedelta(hours=20))
    late = dosed.start + timedelta(days=2)
    watch_handoffs(clinic=dosed.clinic, now=late)
    line = Task.objects.get(kind="handoff-late")
    assert (line.title, line.detail) == ("A handoff was not read in time", TO_PRESCRIBER.label)
    acknowledge_handoff(handoff=before, actor=dosed.prescriber, now=late)
    watch_handoffs(clinic=dosed.clinic, now=late)
    line.refresh_from_db()
    assert (line.title, line.detail) == ("A handoff was not written in time", TO_THERAPIST.label)
    after = signed(dosed, TO_THERAPIST, now=late)
    acknowledge_handoff(handoff=after, actor=dosed.therapist, now=late)
    watch_handoffs(clinic=dosed.clinic, now=late)
    line.refresh_from_db()
    assert not line.is_open


def test_managers_hear_in_place_of_coordinators_where_there_is_none(dosed: Any, manager: User) -> None:
    Membership.objects.filter(clinic=dosed.clinic, role=Role.COORDINATOR).update(ended_at=dosed.start)
    midnight = dosed.start.astimezone(dosed.clinic.zone).replace(hour=0, minute=0) + timedelta(days=1)
    watch_handoffs(clinic=dosed.clinic, now=midnight + timedelta(hours=2))
    late = Task.objects.filter(kind__startswith="handoff-late")
    assert [(task.kind, task.role) for task in late] == [("handoff-late-manager", Role.MANAGER)]


def test_who_is_on_the_team_for_the_writers_side_reads_nothing_for_the_other(planned: Any) -> None:
    """Somebody who holds both roles covers the therapist here: the prescriber has still to read it."""
    both = factories.make_member(planned.clinic, Role.THERAPIST, Role.PRESCRIBER)
    CareTeamMember.objects.create(
        clinic=planned.clinic, episode=planned.episode, user=both, part=TeamPart.COVER_THERAPIST, covering=True,
        starts_at=planned.start, created_at=planned.start,
    )  # fmt: skip
    handoff = signed(planned, TO_PRESCRIBER, now=planned.start)
    for person, is_taken in ((both, False), (planned.prescriber, True)):
        client = Client()
        client.force_login(person)
        client.post(reverse("handoffs:acknowledge", args=[handoff.pk]), {"reply": ""})
        assert Acknowledgement.objects.filter(handoff=handoff).exists() is is_taken


def test_hours_of_who_left_make_no_working_day(planned: Any, therapist: User) -> None:
    """A Sunday on which only somebody worked who has left is no working day before Monday's dose."""
    monday = datetime(2026, 3, 16, 15, tzinfo=UTC)
    gone = factories.make_member(planned.clinic, Role.THERAPIST)
    for person, weekday in ((therapist, 5), (gone, 7)):
        add_working_hours(
            clinic=planned.clinic, person=person, weekday=weekday, starts_at=time(9), ends_at=time(17),
            valid_from=date(2026, 1, 1), actor=person, now=planned.start,
        )  # fmt: skip
    assert _due(planned, monday) == "2026-03-15T17:00:00-06:00"
    Membership.objects.filter(user=gone).update(ended_at=planned.start)
    assert _due(planned, monday) == "2026-03-13T17:00:00-06:00"


def _due(room: Any, planned_at: datetime) -> str:
    calendar = calendar_of(room.clinic, planned_at)
    at = before_dose(planned_at, calendar.rule, calendar.days)
    return at.astimezone(room.clinic.zone).isoformat()
