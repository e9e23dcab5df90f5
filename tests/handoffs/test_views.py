"""Who writes, reads and sees the state of a handoff."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from episodes.models import CareTeamMember, TeamPart
from kapclinic.accounts.models import User
from kapclinic.handoffs import selectors
from kapclinic.handoffs.models import Handoff
from kapclinic.handoffs.services import acknowledge_handoff, amend_handoff
from sessions.models import DosingSession
from tests import factories
from tests.handoffs.situations import COORDINATION, TO_PRESCRIBER, TO_THERAPIST, draft, signed, words


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def coming(room: Any) -> Any:
    """The room with its session tomorrow instead of in March."""
    start = timezone.now() + timedelta(hours=20)
    room.session.planned_at = start
    room.session.planned_until = start + timedelta(hours=3)
    room.session.save(update_fields=["planned_at", "planned_until"])
    return room


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("therapist", 200),
        ("prescriber", 403),
        ("nurse", 403),
        ("coordinator", 403),
        ("manager", 403),
        ("therapist_off_team", 404),
    ],
)
def test_only_the_therapist_writes_when_it_goes_to_the_prescriber(
    planned: Any, request: pytest.FixtureRequest, who: str, status: int
) -> None:
    address = reverse("handoffs:write-to-prescriber", args=[planned.session.pk])
    response = as_person(request.getfixturevalue(who)).get(address)
    assert response.status_code in ((403, 404) if who == "manager" else (status,))
    # Looking at the form writes nothing.
    assert not Handoff.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("prescriber", 200), ("therapist", 403), ("nurse", 403)])
def test_only_the_prescriber_writes_when_it_goes_to_the_therapist(
    dosed: Any, request: pytest.FixtureRequest, who: str, status: int
) -> None:
    address = reverse("handoffs:write-to-therapist", args=[dosed.session.pk])
    assert as_person(request.getfixturevalue(who)).get(address).status_code == status


def test_form_is_prefilled_with_its_source_when_opened_first(dosed: Any) -> None:
    page = (
        as_person(dosed.prescriber)
        .get(reverse("handoffs:write-to-therapist", args=[dosed.session.pk]))
        .content.decode()
    )
    assert "IV ketamine 34 mg" in page
    dose = reverse("dosing:session-detail", args=[dosed.session.pk])
    assert f'Prefilled from: <a href="{dose}">dosing record of 10 Mar 2026</a>.' in page
    # Beside the form the record stands in tables; the document has the charts.
    assert "Vital signs" in page
    assert '<table class="table">' in page


def test_draft_is_kept_then_signed_when_the_author_says_so(dosed: Any) -> None:
    client = as_person(dosed.prescriber)
    address = reverse("handoffs:write-to-therapist", args=[dosed.session.pk])
    form = {**words(TO_THERAPIST), "version": "0", "intent": "save"}
    assert client.post(address, form).status_code == 302
    handoff = Handoff.objects.get()
    assert not handoff.is_signed
    # A draft is nobody's to read.
    assert as_person(dosed.therapist).get(reverse("handoffs:detail", args=[handoff.pk])).status_code == 404
    form = {**form, "version": str(handoff.version), "intent": "sign"}
    assert client.post(address, form)["Location"] == reverse("handoffs:detail", args=[handoff.pk])
    handoff.refresh_from_db()
    assert handoff.is_signed
    assert client.get(address).status_code == 302


def test_everything_typed_stays_when_signing_is_refused(dosed: Any) -> None:
    client = as_person(dosed.prescriber)
    address = reverse("handoffs:write-to-therapist", args=[dosed.session.pk])
    form = {**words(TO_THERAPIST, response="She wept."), "focus": "", "version": "0", "intent": "sign"}
    response = client.post(address, form)
    page = response.content.decode()
    assert response.status_code == 422
    assert "She wept." in page
    assert "Recommended integration focus: say it" in page
    # It was kept as a draft, and the form carries on from it.
    assert Handoff.objects.get().body["response"] == "She wept."
    again = {**form, "focus": "Grief.", "version": "1"}
    assert client.post(address, again).status_code == 302
    assert Handoff.objects.get().is_signed


def test_both_texts_are_shown_when_two_people_wrote(planned: Any, therapist: User) -> None:
    draft(planned, TO_PRESCRIBER, themes="First text.")
    draft(planned, TO_PRESCRIBER, version=1, themes="Second text.")
    form = {**words(TO_PRESCRIBER, themes="Third text."), "version": "1", "intent": "save"}
    response = as_person(therapist).post(
        reverse("handoffs:write-to-prescriber", args=[planned.session.pk]), form
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "Second text." in page
    assert "Third text." in page
    assert Handoff.objects.get().body["themes"] == "Second text."


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("therapist", 200),
        ("prescriber", 200),
        ("nurse", 200),
        ("coordinator", 403),
        ("therapist_off_team", 404),
    ],
)
def test_signed_handoff_opens_for_the_team_when_asked(
    dosed: Any, request: pytest.FixtureRequest, who: str, status: int
) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    client = as_person(request.getfixturevalue(who))
    assert client.get(reverse("handoffs:detail", args=[handoff.pk])).status_code == status
    document = client.get(reverse("documents:handoffs-detail", args=[handoff.document_id]))
    assert document.status_code == status


def test_reader_marks_it_read_when_it_is_theirs(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    address = reverse("handoffs:acknowledge", args=[handoff.pk])
    assert as_person(dosed.nurse).post(address).status_code == 403
    as_person(dosed.prescriber).post(address)
    assert not Handoff.objects.get().is_read
    assert as_person(dosed.therapist).post(address, {"reply": "Seen <b>it</b>."}).status_code == 302
    page = as_person(dosed.prescriber).get(reverse("handoffs:detail", args=[handoff.pk])).content.decode()
    assert "Seen &lt;b&gt;it&lt;/b&gt;." in page


def test_amending_leads_to_the_next_edition_when_a_reason_is_given(dosed: Any) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    client = as_person(dosed.prescriber)
    address = reverse("handoffs:amend-to-therapist", args=[handoff.pk])
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "Dose corrected."}).status_code == 302
    page = client.get(reverse("handoffs:write-to-therapist", args=[dosed.session.pk])).content.decode()
    assert "Edition 2." in page
    assert "Dose corrected." in page
    assert as_person(dosed.therapist).post(address, {"reason": "x"}).status_code == 403


def test_list_says_what_each_owes_when_a_dose_is_near(planned: Any, coordinator: User, manager: User) -> None:
    coming(planned)
    now = timezone.now()
    therapist, prescriber = (
        factories.make_actor(user, planned.clinic) for user in (planned.therapist, planned.prescriber)
    )
    assert {row.kind for row in selectors.to_write(therapist, now)} == {COORDINATION, TO_PRESCRIBER}
    # Either of the two writes the first coordination.
    assert [row.kind for row in selectors.to_write(prescriber, now)] == [COORDINATION]
    assert selectors.waiting_count(therapist, now) == 2
    for user in (planned.therapist, planned.prescriber, planned.nurse, coordinator, manager):
        response = as_person(user).get(reverse("handoffs:list"))
        assert response.status_code == 200
        assert "Demo, Mei" in response.content.decode()
    draft(planned, TO_PRESCRIBER)
    signed(planned, TO_PRESCRIBER)
    assert [row.kind for row in selectors.to_write(therapist, now)] == [COORDINATION]
    assert len(selectors.to_read(prescriber)) == 1
    assert selectors.to_read(therapist) == []
    acknowledge_handoff(handoff=Handoff.objects.get(), actor=planned.prescriber)
    assert selectors.to_read(prescriber) == []


def test_handoff_to_the_therapist_is_owed_when_the_dose_has_ended(dosed: Any) -> None:
    now = timezone.now()
    prescriber = factories.make_actor(dosed.prescriber, dosed.clinic)
    (owed,) = selectors.to_write(prescriber, now)
    assert owed.kind == TO_THERAPIST
    assert owed.due_at.astimezone(dosed.clinic.zone).isoformat() == "2026-03-11T00:00:00-06:00"
    signed(dosed, TO_THERAPIST)
    assert selectors.to_write(prescriber, now) == []


def test_nothing_is_owed_when_one_person_holds_both_parts(dosed: Any) -> None:
    CareTeamMember.objects.filter(episode=dosed.episode, part=TeamPart.THERAPIST).update(
        user=dosed.prescriber
    )
    assert selectors.to_write(factories.make_actor(dosed.prescriber, dosed.clinic), timezone.now()) == []


def test_status_page_hides_contents_when_the_person_sees_status_only(dosed: Any, coordinator: User) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    page = (
        as_person(coordinator)
        .get(reverse("handoffs:of-episode", args=[dosed.episode.public_id]))
        .content.decode()
    )
    assert "Signed, not read" in page
    assert reverse("handoffs:detail", args=[handoff.pk]) not in page
    own = (
        as_person(dosed.therapist)
        .get(reverse("handoffs:of-episode", args=[dosed.episode.public_id]))
        .content.decode()
    )
    assert reverse("handoffs:detail", args=[handoff.pk]) in own


def test_list_asks_the_database_the_same_when_there_are_many_handoffs(
    planned: Any, django_assert_max_num_queries: Any
) -> None:
    coming(planned)
    actor = factories.make_actor(planned.therapist, planned.clinic)
    with django_assert_max_num_queries(14):
        selectors.to_write(actor, timezone.now())
    with django_assert_max_num_queries(2):
        selectors.to_read(actor)


@pytest.mark.parametrize("ask", [selectors.waiting_count, selectors.to_write, selectors.clinic_status])
def test_what_is_owed_costs_the_same_when_more_doses_come(planned: Any, ask: Any) -> None:
    coming(planned)

    def queries() -> int:
        # A fresh actor each time: it remembers what it has looked up.
        actor = factories.make_actor(planned.therapist, planned.clinic)
        with CaptureQueriesContext(connection) as captured:
            ask(actor, timezone.now())
        return len(captured)

    few = queries()
    for _ in range(3):
        episode = factories.make_episode(
            factories.make_patient(planned.clinic), prescriber=planned.prescriber, therapist=planned.therapist
        )
        DosingSession.objects.create(
            clinic=planned.clinic,
            episode=episode,
            planned_at=planned.session.planned_at,
            planned_until=planned.session.planned_until,
        )
    actor = factories.make_actor(planned.therapist, planned.clinic)
    assert selectors.waiting_count(actor, timezone.now()) == 8
    assert all(owed.may_write for owed in selectors.to_write(actor, timezone.now()))
    assert queries() == few


def test_older_edition_points_to_the_newer_when_opened(dosed: Any) -> None:
    first = signed(dosed, TO_THERAPIST)
    amended = amend_handoff(handoff=first, reason="Corrected.", actor=dosed.prescriber)
    from kapclinic.handoffs.services import sign_handoff

    sign_handoff(handoff=amended, version=amended.version, actor=dosed.prescriber)
    page = as_person(dosed.therapist).get(reverse("handoffs:detail", args=[first.pk])).content.decode()
    assert "Edition 2</a> stands in its place" in page
    assert "I have read it" not in page


def test_reply_stays_in_the_form_when_the_handoff_was_amended_meanwhile(dosed: Any) -> None:
    from kapclinic.handoffs.services import sign_handoff

    first = signed(dosed, TO_THERAPIST)
    new = amend_handoff(handoff=first, reason="Corrected.", actor=dosed.prescriber)
    sign_handoff(handoff=new, version=new.version, actor=dosed.prescriber)
    answer = as_person(dosed.therapist).post(
        reverse("handoffs:acknowledge", args=[first.pk]), {"reply": "I will begin with the dream."}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Edition 2 was signed meanwhile: read that one." in page
    assert "I will begin with the dream." in page


def test_nurse_records_who_outside_heard_it_when_the_receiver_has_no_account(dosed: Any) -> None:
    from tests.handoffs.test_loop import put_outside

    put_outside(dosed, TeamPart.THERAPIST, dosed.therapist)
    handoff = signed(dosed, TO_THERAPIST)
    client = as_person(dosed.nurse)
    assert (
        "Dr Outside</bdi> has no account here"
        in client.get(reverse("handoffs:detail", args=[handoff.pk])).content.decode()
    )
    address = reverse("handoffs:heard", args=[handoff.pk])
    form = {"heard_by": "Dr Outside", "how": "", "heard_at": "2026-03-12T09:00:00", "reply": "Will call."}
    refused = client.post(address, form)
    assert refused.status_code == 422
    assert "Will call." in refused.content.decode()
    assert client.post(address, {**form, "how": "phone"}).status_code == 302
    page = client.get(reverse("handoffs:detail", args=[handoff.pk])).content.decode()
    assert "by phone" in page
    assert "recorded by" in page


@pytest.mark.parametrize(
    ("kind", "field"), [("coordination", "Role definitions"), ("emergency", "Criteria for hospital")]
)
def test_handoff_about_the_episode_is_written_and_signed_on_its_page(
    dosed: Any, kind: str, field: str
) -> None:
    client = as_person(dosed.prescriber)
    address = reverse(f"handoffs:write-{kind}", args=[dosed.episode.public_id])
    assert field in client.get(address).content.decode()
    form = {**words(kind), "version": "0", "intent": "sign"}
    answer = client.post(address, form)
    handoff = Handoff.objects.get()
    assert answer["Location"] == reverse("handoffs:detail", args=[handoff.pk])
    assert (handoff.kind, handoff.reader_part) == (kind, "therapist")
