"""The closed loop: agreed by both, heard outside, amended meanwhile, late, and what holds the dose."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import CareTeamMember, OutsideClinician, TeamPart
from episodes.services import strike_entry
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.snapshots import shown_sections
from kapclinic.handoffs.claims import divergences_of
from kapclinic.handoffs.jobs import WATCH_JOB
from kapclinic.handoffs.models import Acknowledgement, Handoff, HeardHow
from kapclinic.handoffs.owing import owes_a_loop
from kapclinic.handoffs.selectors import HandoffContent, editions_of, handoffs_of_episode, read_handoff
from kapclinic.handoffs.services import (
    acknowledge_handoff,
    record_heard,
    save_draft,
    sign_handoff,
)
from kapclinic.handoffs.services.asking import LOOK_JOB
from kapclinic.handoffs.services.watching import watch_handoffs
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.registry import handler_of
from kapclinic.notices.models import Notice, Task
from sessions.jobs import readiness_gaps
from sessions.services import start_administration
from tests.handoffs.situations import (
    COORDINATION,
    EMERGENCY,
    TO_PRESCRIBER,
    TO_THERAPIST,
    amended,
    come_again,
    draft,
    read,
    reader_of,
    signed,
    words,
)
from tests.sessions.situations import NURSE


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {reason.code for reason in refusal.value.reasons}


def content_of(handoff: Handoff, *, now: datetime, withheld: Sequence[str] = ()) -> HandoffContent:
    """What a reader sees from whom these categories are withheld."""
    assert handoff.document is not None
    sections = shown_sections(handoff.document.snapshot, withheld)
    content = read_handoff(handoff, sections=sections, withheld=withheld, now=now)
    assert content is not None
    return content


def put_outside(room: Any, part: TeamPart, user: User) -> OutsideClinician:
    """Somebody without an account takes that part of the team."""
    CareTeamMember.objects.filter(episode=room.episode, user=user).update(
        ends_at=room.start - timedelta(days=9)
    )
    outside = OutsideClinician.objects.create(
        clinic=room.clinic, name="Dr Outside", practice="Elsewhere", acknowledges_by="fax"
    )
    CareTeamMember.objects.create(
        clinic=room.clinic, episode=room.episode, outside=outside, part=part,
        starts_at=room.start - timedelta(days=9),
    )  # fmt: skip
    return outside


# -- first coordination and emergency ----------------------------------------------------------------------


def test_coordination_is_agreed_once_the_other_has_confirmed_it(planned: Any) -> None:
    handoff = signed(planned, COORDINATION)
    assert (handoff.written_by_part, handoff.reader_part) == ("therapist", "prescriber")
    assert handoff.session is None
    assert not handoffs_of_episode(planned.episode).coordination.is_read  # type: ignore[union-attr]
    with pytest.raises(Refused):
        acknowledge_handoff(handoff=handoff, actor=planned.therapist)
    acknowledge_handoff(handoff=handoff, actor=planned.prescriber)
    agreed = handoffs_of_episode(planned.episode).coordination
    assert agreed is not None
    assert agreed.is_read
    assert agreed.signature_holds()


def test_coordination_may_come_from_the_prescriber_too(planned: Any) -> None:
    kept = save_draft(
        kind=COORDINATION,
        episode=planned.episode,
        body=words(COORDINATION),
        version=0,
        actor=planned.prescriber,
    )
    handoff = sign_handoff(handoff=kept, version=kept.version, actor=planned.prescriber)
    assert (handoff.written_by_part, handoff.reader_part) == ("prescriber", "therapist")
    assert Task.objects.get(key=f"handoff-read:{handoff.pk}").person == planned.therapist


def test_there_is_one_coordination_of_an_episode(planned: Any) -> None:
    first = signed(planned, COORDINATION)
    with pytest.raises(Refused) as refusal:
        draft(planned, COORDINATION)
    assert codes(refusal) == {"signed"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Handoff.objects.create(
            clinic=planned.clinic, episode=planned.episode, kind=COORDINATION, author=planned.therapist,
            updated_at=planned.start,
        )  # fmt: skip
    second = amended(first, goals="Other goals.")
    assert handoffs_of_episode(planned.episode).coordination == second


def test_emergencies_are_handoffs_of_their_own(dosed: Any) -> None:
    first = signed(dosed, EMERGENCY, happened="She fainted.")
    second = signed(dosed, EMERGENCY, happened="She fainted again.", now=dosed.at(300))
    third = amended(second, happened="She fainted twice more.")
    assert [(each.pk, each.edition) for each in handoffs_of_episode(dosed.episode).emergencies] == [
        (third.pk, 2),
        (first.pk, 1),
    ]
    assert editions_of(third) == [third, second]
    assert editions_of(first) == [first]
    assert Task.objects.get(key=f"handoff-read:{first.pk}").urgency == 2


def test_prefill_of_the_six_topics_names_its_places(planned: Any) -> None:
    kept = save_draft(kind=COORDINATION, episode=planned.episode, body={}, version=0, actor=planned.therapist)
    addresses = {key: [url for _words, url in sources] for key, sources in kept.sources.items()}
    assert {"presentation", "roles", "consent", "escalation"} <= set(addresses)
    assert all(url.startswith("/") for urls in addresses.values() for url in urls)


# -- versions ---------------------------------------------------------------------------------------------


def test_old_edition_cannot_be_acknowledged_when_it_was_amended_meanwhile(dosed: Any) -> None:
    first = signed(dosed, TO_THERAPIST)
    amended(first, dose="30 mg.")
    with pytest.raises(Refused) as refusal:
        acknowledge_handoff(handoff=first, actor=dosed.therapist, reply="Thank you.")
    assert str(refusal.value) == "Edition 2 was signed meanwhile: read that one."
    assert not Acknowledgement.objects.exists()


def test_amendment_shows_what_it_changed_and_opens_reading_again(dosed: Any) -> None:
    first = read(dosed, TO_THERAPIST, dose="34 mg IV.")
    second = amended(first, dose="30 mg IV.")
    content = content_of(second, now=dosed.at(300))
    assert content is not None
    (change,) = content.changes
    assert (change.title, [piece.text for piece in change.pieces if piece.what == "in"]) == (
        "Dose and route",
        ["30"],
    )
    assert not second.is_read
    assert Task.objects.get(key=f"handoff-read:{second.pk}").is_open
    assert second.document is not None
    assert ["Changed in this edition", "Dose and route"] in second.document.snapshot["facts"]


def test_withheld_categories_are_neither_shown_nor_told_as_changes(dosed: Any) -> None:
    second = amended(signed(dosed, TO_THERAPIST), trauma="The accident.", goals_view="changed")
    content = content_of(second, now=dosed.at(300), withheld=["trauma"])
    assert [change.key for change in content.changes] == ["goals_view"]
    shown = {section["key"]: section for section in content.sections}
    assert shown["trauma"]["is_withheld"]
    assert shown["trauma"]["blocks"] == []
    assert not shown["mental_status"]["is_withheld"]


def test_edition_after_a_struck_one_can_be_signed(dosed: Any) -> None:
    first = signed(dosed, TO_THERAPIST)
    second = amended(first, dose="Wrong patient's.")
    strike_entry(entry=second, reason="Wrong patient.", actor=dosed.prescriber)
    third = amended(first, dose="32 mg.")
    assert (third.edition, third.supersedes) == (3, first)
    assert third.document is not None
    assert third.document.supersedes == second.document
    assert set(Handoff.objects.in_force()) == {third}


# -- outside ----------------------------------------------------------------------------------------------


def test_outside_receiver_is_heard_by_somebody_here(dosed: Any) -> None:
    put_outside(dosed, TeamPart.THERAPIST, dosed.therapist)
    handoff = signed(dosed, TO_THERAPIST)
    task = Task.objects.get(key=f"handoff-send:{handoff.pk}")
    assert (task.person, task.is_open) == (dosed.prescriber, True)
    assert not Task.objects.filter(key=f"handoff-read:{handoff.pk}").exists()
    with pytest.raises(Refused) as refusal:
        record_heard(
            handoff=handoff,
            actor=dosed.nurse,
            heard_by=" ",
            how="pigeon",
            heard_at=dosed.at(60),
            now=dosed.at(200),
        )
    assert codes(refusal) == {"heard-by-nobody", "heard-how", "heard-before"}
    heard = record_heard(
        handoff=handoff, actor=dosed.prescriber, heard_by="Dr Outside", how=HeardHow.PHONE, heard_at=dosed.at(100),
        reply="Will call back.", now=dosed.at(200),
    )  # fmt: skip
    assert (heard.heard_by, heard.heard_how, heard.at, heard.person) == (
        "Dr Outside",
        "phone",
        dosed.at(100),
        dosed.prescriber,
    )
    assert not Task.objects.get(key=task.key).is_open
    again = record_heard(handoff=handoff, actor=dosed.nurse, heard_by="Other", how="fax", now=dosed.at(300))
    assert again == heard


@pytest.mark.parametrize(("seconds", "refused"), [(-1, False), (0, False), (1, True)])
def test_hearing_lies_not_ahead(dosed: Any, seconds: int, refused: bool) -> None:
    handoff = signed(dosed, TO_THERAPIST)
    at = dosed.at(200) + timedelta(seconds=seconds)
    values = {
        "handoff": handoff,
        "actor": dosed.nurse,
        "heard_by": "Dr Outside",
        "how": "fax",
        "heard_at": at,
    }
    if refused:
        with pytest.raises(Refused):
            record_heard(**values, now=dosed.at(200))
    else:
        assert record_heard(**values, now=dosed.at(200)).at == at


# -- who owes a loop ---------------------------------------------------------------------------------------


def test_parallel_owes_no_loop_unless_sharing_is_agreed(dosed: Any) -> None:
    from tests import factories

    assert owes_a_loop(dosed.episode, dosed.start)
    version = dosed.episode.protocol_version
    type(version).objects.create(
        clinic=version.clinic,
        protocol=version.protocol,
        number=99,
        data={**version.data, "shares_content": False},
    )
    dosed.episode.protocol_version = version.protocol.versions.get(number=99)
    dosed.episode.save(update_fields=["protocol_version"])
    assert not owes_a_loop(dosed.episode, dosed.start)
    factories.make_sharing_consent(dosed.episode, dosed.nurse, ["themes"], signed_on=dosed.start.date())
    assert owes_a_loop(dosed.episode, dosed.start)


# -- the watch --------------------------------------------------------------------------------------------


def tasks_of(kind: str) -> list[Task]:
    return list(Task.objects.filter(kind=kind, done_at__isnull=True, withdrawn_at__isnull=True))


def look_again_at(now: datetime) -> None:
    """What the worker does a moment after something was written or read, at that time."""
    job = Job.objects.get(kind=LOOK_JOB)
    assert job.state == JobState.PENDING
    handler_of(LOOK_JOB)(job.payload, now=now)


def test_late_handoff_after_a_dose_goes_up_step_by_step_and_ends_with_the_signature(
    dosed: Any, coordinator: User, manager: User
) -> None:
    # The dose was on Tuesday 10 March: due at midnight. Nobody's hours are on file, so elapsed hours count.
    midnight = dosed.start.astimezone(dosed.clinic.zone).replace(hour=0, minute=0) + timedelta(days=1)
    watch_handoffs(clinic=dosed.clinic, now=midnight - timedelta(seconds=1))
    assert tasks_of("handoff-write") == []
    watch_handoffs(clinic=dosed.clinic, now=midnight)
    (reminder,) = tasks_of("handoff-write")
    assert (reminder.person, reminder.role) == (dosed.prescriber, Role.PRESCRIBER)
    assert tasks_of("handoff-late") == []
    watch_handoffs(clinic=dosed.clinic, now=midnight + timedelta(hours=2))
    (late,) = tasks_of("handoff-late")
    assert (late.role, late.episode) == (Role.COORDINATOR, dosed.episode)
    assert tasks_of("handoff-late-manager") == []
    watch_handoffs(clinic=dosed.clinic, now=midnight + timedelta(hours=6))
    (told,) = tasks_of("handoff-late-manager")
    # A manager reads no name: the task is about no patient.
    assert (told.role, told.episode) == (Role.MANAGER, None)
    watch_handoffs(clinic=dosed.clinic, now=midnight + timedelta(hours=6))
    assert Task.objects.filter(kind__startswith="handoff-").count() == 3
    signed(dosed, TO_THERAPIST, now=midnight + timedelta(hours=7))
    look_again_at(midnight + timedelta(hours=7))
    assert not any(tasks_of(kind) for kind in ("handoff-write", "handoff-late", "handoff-late-manager"))


def test_unread_handoff_reminds_its_reader_once_and_alarms_the_coordinator(
    planned: Any, coordinator: User
) -> None:
    read(planned, COORDINATION, now=planned.start - timedelta(hours=30))
    handoff = signed(planned, TO_PRESCRIBER, now=planned.start - timedelta(hours=20))
    watch_handoffs(clinic=planned.clinic, now=planned.start - timedelta(seconds=1))
    assert not Notice.objects.filter(key=f"handoff-unread:{handoff.pk}").exists()
    for _ in range(2):
        watch_handoffs(clinic=planned.clinic, now=planned.start)
    assert Notice.objects.get(key=f"handoff-unread:{handoff.pk}").receiver == planned.prescriber
    watch_handoffs(clinic=planned.clinic, now=planned.start + timedelta(hours=2))
    assert len(tasks_of("handoff-late")) == 1
    acknowledge_handoff(handoff=handoff, actor=planned.prescriber, now=planned.start + timedelta(hours=3))
    look_again_at(planned.start + timedelta(hours=3))
    assert tasks_of("handoff-late") == []


def test_all_that_is_late_of_a_patient_is_one_line_and_all_of_a_clinic_one_for_managers(
    dosed: Any, coordinator: User, manager: User
) -> None:
    """The handoff after the dose is not written, the one before it not read."""
    before = signed(dosed, TO_PRESCRIBER, now=dosed.start - timedelta(hours=20))
    later = dosed.start + timedelta(days=2)
    watch_handoffs(clinic=dosed.clinic, now=later)
    assert len(tasks_of("handoff-write")) >= 1
    assert len(tasks_of("handoff-late")) == 1
    assert len(tasks_of("handoff-late-manager")) == 1
    acknowledge_handoff(handoff=before, actor=dosed.prescriber, now=later)
    look_again_at(later)
    # The other one is late still.
    assert len(tasks_of("handoff-late")) == len(tasks_of("handoff-late-manager")) == 1


def test_what_is_owed_no_more_is_withdrawn_at_the_next_look(dosed: Any, coordinator: User) -> None:
    later = dosed.start + timedelta(days=2)
    watch_handoffs(clinic=dosed.clinic, now=later)
    assert tasks_of("handoff-late")
    CareTeamMember.objects.filter(episode=dosed.episode, part=TeamPart.THERAPIST).update(
        user=dosed.prescriber
    )
    watch_handoffs(clinic=dosed.clinic, now=later + timedelta(minutes=15))
    assert tasks_of("handoff-late") == []


def test_old_doses_alarm_nobody(dosed: Any) -> None:
    watch_handoffs(clinic=dosed.clinic, now=dosed.start + timedelta(days=40))
    assert not Task.objects.filter(kind__startswith="handoff-").exists()


@pytest.mark.parametrize(("hour", "again"), [("23:44:59", True), ("23:45:00", False), ("08:00:00", True)])
def test_watch_looks_again_until_the_day_of_the_clinic_ends(dosed: Any, hour: str, again: bool) -> None:
    day = "2026-03-12"
    now = datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=dosed.clinic.zone)
    payload = {"clinic": str(dosed.clinic.pk), "day": day}
    found = handler_of(WATCH_JOB)(payload, now=now)
    assert found == (now + timedelta(minutes=15) if again else None)
    assert tasks_of("handoff-write")


# -- the next dose ------------------------------------------------------------------------------------------


def reasons_before(room: Any, now: Any) -> dict[str, str]:
    context = GuardContext("dose.start", room.episode, now, NURSE, subject=room.session)
    return {reason.code: reason.text for reason in guards.reasons(context)}


def test_dose_waits_for_the_handoff_until_it_was_written_and_read(planned: Any) -> None:
    now = planned.start
    assert reasons_before(planned, now)["handoff-unread"] == "The handoff before this dose is not written."
    # Days before, the same stands among what is not ready.
    assert "handoff-unread" in dict(readiness_gaps(planned.session, now=now - timedelta(hours=48)))
    handoff = signed(planned, TO_PRESCRIBER, now=now - timedelta(hours=30))
    assert reasons_before(planned, now)["handoff-unread"] == "The handoff before this dose is not read."
    acknowledge_handoff(handoff=handoff, actor=planned.prescriber, now=now - timedelta(hours=29))
    assert "handoff-unread" not in reasons_before(planned, now)
    assert "handoff-unread" not in dict(readiness_gaps(planned.session, now=now - timedelta(hours=24)))


def test_next_dose_waits_for_the_handoff_after_the_last(dosed: Any) -> None:
    come_again(dosed)
    now = dosed.start + timedelta(days=4)
    assert reasons_before(dosed, now)["handoff-unread"] == (
        "The handoff before this dose is not written. The handoff after dose 1 is not written."
    )


def test_one_written_reason_of_who_gives_the_dose_passes_the_papers(room: Any) -> None:
    room.ready()
    with pytest.raises(Refused) as refusal:
        start_administration(
            session=room.session, details=room.given(10), actor=room.nurse, roles=NURSE, now=room.at(10)
        )
    assert codes(refusal) == {"handoff-unread"}
    room.begin(passing={"handoff-unread": "Told by telephone at eight."})
    (passed,) = room.fresh().passed_reasons
    assert (passed["code"], passed["reason"]) == ("handoff-unread", "Told by telephone at eight.")


# -- divergence ---------------------------------------------------------------------------------------------


def test_page_and_document_say_where_the_two_differ(dosed: Any) -> None:
    read(
        dosed, TO_PRESCRIBER, now=dosed.start - timedelta(hours=20), risk_view="acute", goals_view="unchanged"
    )
    after = signed(dosed, TO_THERAPIST, risk_view="none-known", goals_view="changed")
    found = divergences_of(dosed.episode, dosed.at(120))
    assert [(each.topic, each.therapist.words, each.prescriber.words) for each in found] == [
        ("risk", "Acute", "None known"),
        ("goals", "As recorded", "Changed"),
    ]
    assert after.document is not None
    sections = {section["key"]: section for section in after.document.snapshot["sections"]}
    assert sections["divergence-safety"]["blocks"][1]["rows"][0][0] == "Risk of self-harm"
    assert sections["divergence-themes"]["category"] == "themes"
    content = content_of(after, now=dosed.at(120), withheld=["themes"])
    assert content is not None
    assert [each.topic for each in content.divergences] == ["risk"]


def test_decision_of_the_prescriber_counts_as_a_word_on_readiness(dosed: Any) -> None:
    read(dosed, TO_PRESCRIBER, now=dosed.start - timedelta(hours=20), readiness_view="not-ready")
    (found,) = divergences_of(dosed.episode, dosed.at(120))
    assert (found.topic, found.therapist.value, found.prescriber.value) == ("readiness", "not-ready", "ready")
    assert found.prescriber.source in {"eligibility decision", "dose order"}


def test_reader_of_each_kind_is_the_other_discipline(dosed: Any) -> None:
    for kind in (COORDINATION, TO_PRESCRIBER, TO_THERAPIST, EMERGENCY):
        handoff = signed(dosed, kind)
        assert Task.objects.get(key=f"handoff-read:{handoff.pk}").person == reader_of(dosed, kind)
