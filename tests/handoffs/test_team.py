"""Messages on an episode, the list of the conference, and what stands on top of the next session."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from episodes import guards
from episodes.guards import GuardContext
from episodes.readers import eyes_of
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.handoffs.models import Message, TeamDecision
from kapclinic.handoffs.services.messaging import (
    MOST_CHARACTERS,
    meeting_at,
    messages_url,
    post_message,
    record_decision,
)
from kapclinic.handoffs.since import SinceLastTime, since_last_time
from kapclinic.handoffs.team_selectors import conference_rows, unread_messages
from kapclinic.notices.models import Notice
from kapclinic.scheduling.models import AppointmentKind, Part
from kapclinic.scheduling.services import book_appointment
from sessions.forms.record import PassForm
from sessions.services import record_challenge
from tests import factories
from tests.handoffs.situations import TO_PRESCRIBER, TO_THERAPIST, come_again, read, signed
from tests.sessions.situations import NURSE, THERAPIST


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(room: Any, **changes: Any) -> Message:
    values = {
        "episode": room.episode,
        "topic": "clinical",
        "text": "She slept well.",
        "actor": room.therapist,
        "roles": THERAPIST,
        **changes,
    }
    return post_message(**values)


# -- messages -----------------------------------------------------------------------------------------------


def test_message_tells_the_team_but_its_author_and_coordinators_only_of_the_schedule(
    planned: Any, coordinator: User, therapist_off_team: User
) -> None:
    care, plan = post(planned), post(planned, topic="schedule", text="Can we meet at nine?")
    receivers = {
        message.pk: set(Notice.objects.filter(key=f"message:{message.pk}").values_list("receiver", flat=True))
        for message in (care, plan)
    }
    team = {planned.nurse.pk, planned.prescriber.pk}
    assert receivers[care.pk] == team
    assert receivers[plan.pk] == team | {coordinator.pk}
    # The line in the inbox says nothing of the patient.
    assert "Demo, Mei" not in Notice.objects.filter(key=f"message:{care.pk}").first().title  # type: ignore[union-attr]


def test_message_sent_twice_is_one(planned: Any) -> None:
    key = uuid.uuid4()
    assert post(planned, request_key=key) == post(planned, request_key=key)
    assert Message.objects.count() == 1
    assert Notice.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": " \r\n "}, "no-text"),
        ({"text": "x" * (MOST_CHARACTERS + 1)}, "too-long"),
        ({"roles": frozenset({Role.COORDINATOR})}, "schedule-only"),
    ],
)
def test_message_is_refused_in_words(planned: Any, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        post(planned, **changes)
    assert [reason.code for reason in refusal.value.reasons] == [code]
    assert post(planned, text="x" * MOST_CHARACTERS).text


def test_message_is_never_changed(planned: Any) -> None:
    message = post(planned)
    with pytest.raises(DatabaseError), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(text="Other.")


def test_coordinator_sees_and_writes_the_schedule_alone(planned: Any, coordinator: User) -> None:
    post(planned, text="She wept.")
    post(planned, topic="schedule", text="Nine is fine.")
    client, address = as_person(coordinator), messages_url(planned.episode)
    page = client.get(address).content.decode()
    assert "Nine is fine." in page
    assert "She wept." not in page
    form = {"topic": "clinical", "text": "How is she?", "request_key": str(uuid.uuid4())}
    refused = client.post(address, form)
    assert refused.status_code == 422
    assert "How is she?" in refused.content.decode()
    assert client.post(address, {**form, "topic": "schedule"}).status_code == 302
    assert Message.objects.filter(created_by=coordinator, topic="schedule").count() == 1


def test_unread_messages_are_counted_at_the_tab_until_they_are_read(planned: Any) -> None:
    post(planned)
    post(planned, text="And ate.")
    actor = factories.make_actor(planned.prescriber, planned.clinic)
    assert unread_messages(actor, planned.episode) == 2
    client = as_person(planned.prescriber)
    page = client.get(messages_url(planned.episode)).content.decode()
    assert "2<span" in page
    assert page.count(">Unread<") == 2
    assert ">Unread<" not in as_person(planned.therapist).get(messages_url(planned.episode)).content.decode()
    # Looking changes nothing; the button does.
    assert unread_messages(actor, planned.episode) == 2
    client.post(reverse("handoffs:messages-read", args=[planned.episode.public_id]))
    assert unread_messages(actor, planned.episode) == 0


# -- the conference ------------------------------------------------------------------------------------------


def test_decision_is_kept_with_the_meeting_that_is_on(planned: Any, coordinator: User) -> None:
    now = planned.start
    assert meeting_at(planned.clinic, now) is None
    meeting = book_appointment(
        clinic=planned.clinic, kind=AppointmentKind.TEAM_MEETING, episode=None, title="Tuesday round",
        starts_at=now, ends_at=now + timedelta(hours=1), people=[(planned.nurse, Part.NURSE)],
        actor=coordinator, roles=frozenset(Role), reason="made up", now=now - timedelta(days=1),
    )  # fmt: skip
    assert meeting_at(planned.clinic, now - timedelta(seconds=1)) is None
    key = uuid.uuid4()
    decision = record_decision(
        episode=planned.episode, text="Wait a week.", actor=planned.nurse, request_key=key, now=now
    )
    assert decision.meeting == meeting
    again = record_decision(episode=planned.episode, text="Other.", actor=planned.nurse, request_key=key)
    assert again == decision
    with pytest.raises(DatabaseError), transaction.atomic():
        TeamDecision.objects.filter(pk=decision.pk).update(text="Other.")


def test_conference_lists_active_patients_as_far_as_each_may_see(planned: Any, coordinator: User) -> None:
    read(planned, TO_PRESCRIBER, risk_view="acute")
    record_decision(episode=planned.episode, text="Wait a week.", actor=planned.nurse)
    factories.make_episode(factories.make_patient(planned.clinic, given_name="Zoe"))
    own = as_person(planned.therapist).get(reverse("handoffs:conference")).content.decode()
    assert "Wait a week." in own
    assert "Zoe" not in own
    status = as_person(coordinator).get(reverse("handoffs:conference")).content.decode()
    assert "Demo, Mei" in status
    assert "Wait a week." not in status


def test_decision_without_words_is_refused_at_its_patient(planned: Any) -> None:
    client = as_person(planned.nurse)
    address = reverse("handoffs:decide", args=[planned.episode.public_id])
    prefix = planned.episode.public_id
    form = {f"{prefix}-text": "", f"{prefix}-request_key": str(uuid.uuid4())}
    assert client.post(address, form).status_code == 422
    assert client.post(address, {**form, f"{prefix}-text": "Go on."}).status_code == 302
    assert TeamDecision.objects.get().text == "Go on."


def test_conference_costs_the_same_when_there_are_more_patients(planned: Any) -> None:
    def queries(episodes: list[Any]) -> int:
        actor = factories.make_actor(planned.therapist, Clinic.objects.get(pk=planned.clinic.pk))
        with CaptureQueriesContext(connection) as captured:
            conference_rows(actor, episodes, timezone.now())
        return len(captured)

    more = [
        factories.make_episode(factories.make_patient(planned.clinic), prescriber=planned.prescriber,
                               therapist=planned.therapist)
        for _ in range(3)
    ]  # fmt: skip
    assert queries([planned.episode, *more]) == queries([planned.episode])


# -- since last time -----------------------------------------------------------------------------------------


def seen_by(dosed: Any, person: User) -> SinceLastTime:
    """What that person reads on top of the session of the day after."""
    later = dosed.start + timedelta(days=1)
    eyes = eyes_of(factories.make_actor(person, dosed.clinic), dosed.episode, now=later)
    return since_last_time(dosed.episode, before=later, eyes=eyes)


def test_withheld_things_are_named_and_say_nothing(dosed: Any) -> None:
    record_challenge(
        session=dosed.session,
        details={"kind": "trauma", "began_at": dosed.at(20), "steps_taken": ["grounding"]},
        actor=dosed.therapist,
        now=dosed.at(60),
    )
    (row,) = [row for row in seen_by(dosed, dosed.prescriber).rows if row.title == "Challenging experience"]
    assert row.wants == "not answered"
    titles = {row.title: row for row in seen_by(dosed, dosed.therapist).rows}
    assert "Challenging experience" not in titles
    withheld = titles["Dose and response"]
    assert (withheld.url, withheld.wants) == ("", "")
    assert withheld.words.startswith("withheld")


def test_next_session_begins_with_what_happened_since_the_last(dosed: Any) -> None:
    signed(dosed, TO_THERAPIST, focus="Begin with the dream.")
    found = seen_by(dosed, dosed.therapist)
    assert found.last == "Dose 1, 10 Mar 2026"
    (handoff,) = [row for row in found.rows if row.title == "Prescriber to therapist, after the dose"]
    assert handoff.wants == "not read yet"
    # What the handoff says stands on its own page, where consent decides what is shown.
    assert not any("dream" in row.words for row in found.rows)


def test_pages_of_the_next_session_show_it_and_only_to_who_may_read(dosed: Any, coordinator: User) -> None:
    signed(dosed, TO_THERAPIST)
    preparation = reverse("dosing:preparation-new", args=[dosed.episode.public_id])
    assert "Since last time" in as_person(dosed.therapist).get(preparation).content.decode()
    come_again(dosed)
    dose = reverse("dosing:session-detail", args=[dosed.session.pk])
    page = as_person(dosed.nurse).get(dose).content.decode()
    assert "Since last time" in page
    assert "Dose 1, 10 Mar 2026" in page


def test_one_field_passes_all_papers_when_the_dose_is_started(dosed: Any) -> None:
    come_again(dosed)
    now = dosed.start + timedelta(days=4)
    context = GuardContext("dose.start", dosed.episode, now, NURSE, subject=dosed.session)
    reasons = [reason for reason in guards.reasons(context) if reason.passable_by & NURSE]
    assert {reason.code for reason in reasons if reason.is_paperwork} == {
        "session-undocumented",
        "handoff-unread",
    }
    form = PassForm({PassForm.PAPERWORK: "Told by telephone."}, reasons=reasons)
    assert form.is_valid()
    assert form.passing() == {
        "session-undocumented": "Told by telephone.",
        "handoff-unread": "Told by telephone.",
    }
    blank = PassForm({PassForm.PAPERWORK: " "}, reasons=reasons)
    assert blank.is_valid()
    assert blank.passing() == {}
