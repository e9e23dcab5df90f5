"""E-mail that something waits: to whom, when, how often, and nothing of what."""

import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic, ClinicalSetting
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import ask_for_daily_work, run_due
from kapclinic.notices.clinical_settings import EMAIL_GAP, NOW_BREAKS_QUIET
from kapclinic.notices.digests import SEND_DIGEST, queue_digests, send_digest
from kapclinic.notices.models import DigestItem, DigestState, EmailDigest, Urgency
from kapclinic.notices.services import choose_email, close_task, mark_read, notify, open_task

pytestmark = pytest.mark.django_db
# Tuesday 9 June 2026, 10:00 in Denver.
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Any:
    """Tuesday 10:00."""
    with time_machine.travel(TEN, tick=False) as traveller:
        yield traveller


@pytest.fixture
def look(clock: Any, clinic: Clinic):
    """Goes to an instant, looks for whom something waits, and sends what is due."""

    def go(moment: datetime) -> list[Any]:
        clock.move_to(moment)
        before = len(mail.outbox)
        queue_digests(clinic=clinic, now=moment)
        run_due()
        return mail.outbox[before:]

    return go


def give(clinic: Clinic, user: User, key: str = "one", **changes: Any) -> None:
    fields = {"kind": "made-up", "title": "Ring Mei Demo", "role": Role.NURSE, **changes}
    open_task(clinic=clinic, key=key, person=user, **fields)


def put_in_force(clinic: Clinic, key: str, value: Any) -> None:
    director = Membership.objects.filter(clinic=clinic).first().user
    ClinicalSetting.objects.create(
        clinic=clinic, key=key, value=value, reason="Ours", state="approved", decided_at=timezone.now(),
        decided_by=director,
    )  # fmt: skip


def test_one_e_mail_tells_of_everything(look, clinic, nurse, therapist):
    give(clinic, nurse, "one")
    give(clinic, nurse, "two")
    notify(clinic=clinic, receivers=[nurse], key="three", title="Moved")
    (sent,) = look(TEN + 5 * MINUTE)
    assert sent.to == [nurse.email]
    assert "3 items" in sent.body
    digest = EmailDigest.objects.get()
    assert (digest.state, digest.attempts, digest.sent_at) == (DigestState.SENT, 1, TEN + 5 * MINUTE)


def test_e_mail_says_nothing_of_whom_or_what(look, clinic, nurse, episode: Episode, clock):
    give(
        clinic,
        nurse,
        title="Assess suicide risk of Mei Demo",
        detail="PHQ-9 item 9",
        episode=episode,
        url="/x/",
    )
    notify(clinic=clinic, receivers=[nurse], key="n", title="Dose of 34 mg ended", url="/episodes/abc/")
    (sent,) = look(TEN + 5 * MINUTE)
    text = f"{sent.subject}\n{sent.body}".lower()
    for word in (
        "demo",
        "mei",
        "risk",
        "phq",
        "dose",
        "ketamine",
        "episode",
        "patient",
        "nurse",
        "34",
        clinic.name.lower(),
    ):
        assert word not in text
    assert sent.subject == "KAP Clinic: something waits for you"
    assert reverse("notices:inbox") in sent.body
    assert "10:05 MDT" in sent.body


def test_same_things_are_never_told_twice(look, clinic, nurse):
    give(clinic, nurse)
    assert len(look(TEN + 5 * MINUTE)) == 1
    for hours in range(1, 9):
        assert look(TEN + hours * HOUR) == []
    give(clinic, nurse, "another")
    assert len(look(TEN + 9 * HOUR)) == 1


def test_database_keeps_a_thing_out_of_a_second_e_mail(look, clinic, nurse):
    give(clinic, nurse)
    look(TEN + 5 * MINUTE)
    item = DigestItem.objects.get()
    other = EmailDigest.objects.create(clinic=clinic, receiver=nurse)
    with pytest.raises(IntegrityError), transaction.atomic():
        DigestItem.objects.create(clinic=clinic, receiver=nurse, digest=other, task=item.task)


def test_task_of_a_role_is_told_to_everybody_who_holds_it(look, clinic, nurse, coordinator, manager):
    open_task(clinic=clinic, key="house", kind="made-up", title="Order gloves", role=Role.COORDINATOR)
    assert [sent.to for sent in look(TEN + 5 * MINUTE)] == [[coordinator.email]]


def test_task_beyond_a_persons_rights_is_not_counted(look, clinic, therapist, therapist_off_team, episode):
    open_task(clinic=clinic, key="team", kind="made-up", title="Write", role=Role.THERAPIST, episode=episode)
    assert [sent.to for sent in look(TEN + 5 * MINUTE)] == [[therapist.email]]


def test_what_is_done_at_once_is_not_told(look, clinic, nurse):
    give(clinic, nurse)
    assert look(TEN + 5 * MINUTE - timedelta(seconds=1)) == []
    close_task(key="one")
    assert look(TEN + 5 * MINUTE) == []


def test_next_e_mail_waits_for_the_gap_unless_something_is_urgent(look, clinic, nurse):
    give(clinic, nurse)
    first = TEN + 5 * MINUTE
    look(first)
    give(clinic, nurse, "two")
    assert look(first + HOUR - timedelta(seconds=1)) == []
    assert len(look(first + HOUR)) == 1
    give(clinic, nurse, "three", urgency=Urgency.NOW)
    assert len(look(first + HOUR + 5 * MINUTE)) == 1


def test_gap_is_the_clinics(look, clinic, nurse):
    put_in_force(clinic, EMAIL_GAP, 5)
    give(clinic, nurse)
    look(TEN + 5 * MINUTE)
    give(clinic, nurse, "two")
    assert len(look(TEN + 10 * MINUTE)) == 1


@pytest.mark.parametrize("urgency", [Urgency.ROUTINE, Urgency.NOW])
def test_nothing_is_sent_in_quiet_hours(look, clinic, nurse, urgency):
    give(clinic, nurse, urgency=urgency)
    evening, morning = TEN + 10 * HOUR, TEN + 21 * HOUR
    for moment in (evening, evening + 5 * HOUR, morning - timedelta(seconds=1)):
        assert look(moment) == []
    assert len(look(morning)) == 1


def test_urgent_things_break_quiet_hours_where_the_clinic_says_so(look, clinic, nurse, therapist):
    put_in_force(clinic, NOW_BREAKS_QUIET, True)
    give(clinic, nurse, urgency=Urgency.NOW)
    give(clinic, therapist, "two")
    assert [sent.to for sent in look(TEN + 12 * HOUR)] == [[nurse.email]]


def test_quiet_hours_run_on_the_receivers_clock(look, clinic, nurse):
    choose_email(user=nurse, is_on=True, time_zone="Pacific/Honolulu")
    give(clinic, nurse)
    # 10:05 in Denver is 06:05 in Honolulu; 20:30 in Denver is 16:30 there.
    assert look(TEN + 5 * MINUTE) == []
    (sent,) = look(TEN + 10.5 * HOUR)
    assert "16:30 HST" in sent.body


def test_whoever_turned_it_off_gets_none(look, clinic, nurse):
    choose_email(user=nurse, is_on=False, time_zone="")
    give(clinic, nurse)
    assert look(TEN + 5 * MINUTE) == []
    choose_email(user=nurse, is_on=True, time_zone="")
    assert len(look(TEN + HOUR)) == 1


def test_whoever_left_gets_none(look, clinic, nurse, manager):
    give(clinic, nurse)
    Membership.objects.filter(user=nurse).update(ended_at=TEN, ended_by=manager)
    assert look(TEN + 5 * MINUTE) == []


def queued(clinic: Clinic, now: datetime) -> EmailDigest:
    assert queue_digests(clinic=clinic, now=now) == 1
    return EmailDigest.objects.get()


def test_digest_is_dropped_when_everything_was_done_meanwhile(clock, clinic, nurse):
    give(clinic, nurse)
    notify(clinic=clinic, receivers=[nurse], key="n", title="Moved")
    digest = queued(clinic, TEN + 5 * MINUTE)
    close_task(key="one")
    mark_read(receiver=nurse, clinic=clinic)
    send_digest(digest_id=digest.pk, now=TEN + 6 * MINUTE)
    digest.refresh_from_db()
    assert (digest.state, mail.outbox) == (DigestState.DROPPED, [])


def test_digest_waits_for_the_morning_when_quiet_hours_began_meanwhile(clock, clinic, nurse):
    give(clinic, nurse)
    digest = queued(clinic, TEN + 10 * HOUR - MINUTE)
    assert send_digest(digest_id=digest.pk, now=TEN + 10 * HOUR) == TEN + 21 * HOUR
    assert mail.outbox == []
    assert send_digest(digest_id=digest.pk, now=TEN + 21 * HOUR) is None
    assert len(mail.outbox) == 1


class Refusing:
    """A mail server that refuses, `times` times."""

    def __init__(self, times: int):
        self.times = times

    def __call__(self, *args: Any, **kwargs: Any) -> int:
        self.times -= 1
        if self.times >= 0:
            raise smtplib.SMTPServerDisconnected("away")
        return 1


def test_failed_e_mail_keeps_its_error_and_is_tried_again(clock, clinic, nurse, monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", Refusing(1))
    give(clinic, nurse)
    digest = queued(clinic, TEN + 5 * MINUTE)
    clock.move_to(TEN + 5 * MINUTE)
    run_due()
    digest.refresh_from_db()
    assert (digest.state, digest.attempts, digest.error_class) == (
        DigestState.FAILED,
        1,
        "SMTPServerDisconnected",
    )
    clock.move_to(TEN + 6 * MINUTE)
    run_due()
    digest.refresh_from_db()
    assert (digest.state, digest.attempts, digest.error_class) == (DigestState.SENT, 2, "")


def test_e_mail_that_always_fails_ends_failed_and_is_seen(clock, clinic, nurse, monkeypatch):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", Refusing(100))
    give(clinic, nurse)
    digest = queued(clinic, TEN + 5 * MINUTE)
    for hours in range(8):
        clock.move_to(TEN + 6 * MINUTE + hours * HOUR)
        run_due()
    job = Job.objects.get(kind=SEND_DIGEST)
    digest.refresh_from_db()
    assert (job.state, job.last_error_class) == (JobState.FAILED, "SMTPServerDisconnected")
    assert (digest.state, digest.attempts) == (DigestState.FAILED, 8)


def test_e_mail_is_not_sent_again_when_its_worker_died_while_sending(clock, clinic, nurse):
    give(clinic, nurse)
    digest = queued(clinic, TEN + 5 * MINUTE)
    EmailDigest.objects.update(state=DigestState.SENDING, attempts=1)
    for _ in range(2):
        assert send_digest(digest_id=digest.pk, now=TEN + HOUR) is None
    digest.refresh_from_db()
    assert (digest.state, digest.error_class, mail.outbox) == (DigestState.FAILED, "WorkerLost", [])


def test_clinic_is_looked_at_every_few_minutes_until_its_day_ends(clock, clinic, nurse):
    ask_for_daily_work(TEN)
    run_due()
    job = Job.objects.get(kind="look_for_email")
    assert (job.state, job.due_at) == (JobState.PENDING, TEN + 5 * MINUTE)
    give(clinic, nurse)
    clock.move_to(TEN + 5 * MINUTE)
    run_due()
    assert [sent.to for sent in mail.outbox] == [[nurse.email]]
    midnight = TEN + 14 * HOUR
    clock.move_to(midnight - MINUTE)
    run_due()
    job.refresh_from_db()
    assert job.state == JobState.DONE
    ask_for_daily_work(midnight)
    assert Job.objects.filter(kind="look_for_email").count() == 2


def test_a_person_turns_e_mail_off_on_their_account_page(client, nurse):
    client.force_login(nurse)
    page = client.get(reverse("accounts:self")).content.decode()
    assert f'action="{reverse("notices:email")}"' in page
    answer = client.post(reverse("notices:email"), {"time_zone": "Pacific/Honolulu"})
    assert answer.status_code == 302
    nurse.email_choice.refresh_from_db()
    assert (nurse.email_choice.is_on, nurse.email_choice.time_zone) == (False, "Pacific/Honolulu")
    assert client.post(reverse("notices:email"), {"time_zone": "Mars/Olympus"}).status_code == 422
