"""The two ways out: one note to one person under the patient's authorization, all of them sealed to a custodian."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.notices.models import Notice
from kapclinic.process_notes.models import ProcessNote, ProcessNoteRelease, ProcessNoteTransfer, TransferState
from kapclinic.process_notes.services import (
    add_addendum,
    is_sealed_for,
    open_note,
    read_released,
    receive_transfer,
    release_note,
    revoke_release,
    save_note,
    start_transfer,
    strike_note,
    withdraw_transfer,
)
from tests import factories
from tests.process_notes.situations import TEXT, authorization, hand_over, release, write

pytestmark = pytest.mark.django_db


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {reason.code for reason in refused.value.reasons}


@pytest.fixture
def note(episode: Episode, therapist: User) -> ProcessNote:
    """A signed note of the therapist's."""
    return write(episode, therapist, signed=True)


def page_of(client: Client, person: User, name: str, pk: Any) -> Any:
    client.force_login(person)
    return client.get(reverse(f"process_notes:{name}", kwargs={"pk": pk}))


def test_named_receiver_alone_reads_a_released_note(
    note: ProcessNote, prescriber: User, nurse: User, manager: User, client: Client
) -> None:
    released = release(note, prescriber)
    assert TEXT in page_of(client, prescriber, "released", released.pk).content.decode()
    for other in (nurse, manager, note.holder):
        assert page_of(client, other, "released", released.pk).status_code in {403, 404}
    assert page_of(client, prescriber, "detail", note.pk).status_code == 404
    assert Notice.objects.get(receiver=prescriber).title == "A process note was released to you"
    assert ProcessNoteRelease.objects.get().first_read_at is not None


def test_receiver_reads_nothing_from_the_next_request_on_when_it_is_revoked(
    note: ProcessNote, prescriber: User, therapist: User, client: Client
) -> None:
    released = release(note, prescriber)
    client.force_login(therapist)
    answer = client.post(
        reverse("process_notes:release-revoke", kwargs={"pk": released.pk}), {"how": "by letter"}
    )
    assert answer.status_code == 302
    page = page_of(client, prescriber, "released", released.pk).content.decode()
    assert TEXT not in page
    assert "The authorization is over" in page
    assert str(released.pk) not in client.get(reverse("process_notes:mine")).content.decode()
    # Twice changes nothing.
    assert revoke_release(release=released, how="again", actor=therapist).revoked_how == "by letter"


def test_release_ends_at_the_clinics_midnight(note: ProcessNote, prescriber: User) -> None:
    signed_at = note.signed_at
    assert signed_at is not None
    last_day = signed_at.astimezone(note.clinic.zone).date() + timedelta(days=3)
    released = release(note, prescriber, now=signed_at, expires_on=last_day)
    midnight = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), tzinfo=note.clinic.zone)
    for seconds, is_open in ((-1, True), (0, False), (1, False)):
        now = midnight + timedelta(seconds=seconds)
        if is_open:
            assert read_released(release=released, actor=prescriber, now=now)[0].text == TEXT
        else:
            with pytest.raises(Refused):
                read_released(release=released, actor=prescriber, now=now)


def test_receiver_sees_no_addendum_written_later_and_nothing_once_struck(
    note: ProcessNote, prescriber: User, therapist: User
) -> None:
    add_addendum(note=note, text="Before.", actor=therapist)
    released = release(note, prescriber)
    add_addendum(note=note, text="After.", actor=therapist)
    _, addenda = read_released(release=released, actor=prescriber)
    assert [addendum.text for addendum in addenda] == ["Before."]
    strike_note(note=note, actor=therapist)
    with pytest.raises(Refused):
        read_released(release=released, actor=prescriber)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": " "}, "no-purpose"),
        ({"authorized_by_name": ""}, "no-authorized_by_name"),
        ({"is_separate": False}, "combined"),
        ({"authorized_on": 1}, "signed-later"),
        ({"expires_on": -1, "authorized_on": -2}, "expired"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_release_is_refused_when_the_authorization_lacks_something(
    note: ProcessNote, prescriber: User, therapist: User, changes: dict[str, Any], code: str
) -> None:
    today = timezone.localdate(timezone=note.clinic.zone)
    dated = {
        name: today + timedelta(days=value)
        if isinstance(value, int) and not isinstance(value, bool)
        else value
        for name, value in changes.items()
    }
    with pytest.raises(Refused) as refused:
        release_note(note=note, receiver=prescriber, details=authorization(today, **dated), actor=therapist)
    assert codes(refused) == {code}


def test_release_is_refused_for_a_draft_to_oneself_to_no_clinician_and_by_others(
    episode: Episode, therapist: User, prescriber: User, manager: User, note: ProcessNote
) -> None:
    draft = write(episode, therapist)
    for what, receiver, code in (
        (draft, prescriber, "draft"),
        (note, therapist, "own"),
        (note, manager, "no-clinician"),
    ):
        with pytest.raises(Refused) as refused:
            release(what, receiver)
        assert codes(refused) == {code}
    details = authorization(timezone.localdate(timezone=note.clinic.zone))
    with pytest.raises(Refused) as refused:
        release_note(note=note, receiver=prescriber, details=details, actor=prescriber)
    assert codes(refused) == {"not-yours"}


# Transfers


@pytest.fixture
def custodian(clinic: Clinic) -> User:
    """Another therapist of the clinic."""
    return factories.make_member(clinic, Role.THERAPIST, name="Demo Custodian")


def leave(person: User) -> None:
    Membership.objects.filter(user=person).update(ended_at=timezone.now())


def test_custodian_receives_sealed_notes_and_the_manager_learns_nothing(
    note: ProcessNote,
    episode: Episode,
    therapist: User,
    custodian: User,
    manager: User,
    clinic: Clinic,
    client: Client,
) -> None:
    write(episode, therapist, text="An unfinished heron.")
    leave(therapist)
    client.force_login(manager)
    factories.prove(client, manager)
    sent = {"author": therapist.pk, "custodian": custodian.pk, "reason": "left in May"}
    assert client.post(reverse("process_notes:transfers"), sent).status_code == 302
    transfer = ProcessNoteTransfer.objects.get()
    assert page_of(client, custodian, "detail", note.pk).status_code == 404, "not before it is received"
    factories.prove(client, custodian)
    received = client.post(reverse("process_notes:transfer-receive", kwargs={"pk": transfer.pk}), follow=True)
    assert "Received, sealed: 2 process notes." in received.content.decode()
    page = page_of(client, custodian, "detail", note.pk).content.decode()
    assert "Break the seal" in page
    assert TEXT not in page
    client.force_login(manager)
    seen = client.get(reverse("process_notes:transfers")).content.decode()
    assert "received" in seen
    assert "2 process notes" not in seen
    assert page_of(client, manager, "detail", note.pk).status_code == 404
    # Twice changes nothing.
    assert receive_transfer(transfer=transfer, actor=custodian) == 0


def test_custodian_reads_after_breaking_the_seal_and_never_writes(
    note: ProcessNote, therapist: User, custodian: User, manager: User, clinic: Clinic, client: Client
) -> None:
    leave(therapist)
    receive_transfer(transfer=hand_over(therapist, custodian, clinic, manager), actor=custodian)
    note.refresh_from_db()
    client.force_login(custodian)
    url = reverse("process_notes:open", kwargs={"pk": note.pk})
    assert client.post(url, {"ground": "curiosity", "detail": "x"}).status_code == 422
    assert client.post(url, {"ground": "law", "detail": " "}).status_code == 422
    assert is_sealed_for(note, custodian)
    blocked = client.post(reverse("process_notes:addendum", kwargs={"pk": note.pk}), {"text": "Mine."})
    assert TEXT not in blocked.content.decode()
    for _ in range(2):
        assert client.post(url, {"ground": "law", "detail": "court order 12"}).status_code == 302
    assert note.openings.count() == 1
    assert TEXT in page_of(client, custodian, "detail", note.pk).content.decode()
    with pytest.raises(Refused):
        add_addendum(note=note, text="Mine.", actor=custodian)
    with pytest.raises(Refused):
        save_note(note=note, version=1, about_on=note.about_on, text="Mine.", actor=custodian)


def test_custodian_releases_unopened_and_author_who_comes_back_does_not_hold_it(
    note: ProcessNote,
    therapist: User,
    custodian: User,
    manager: User,
    prescriber: User,
    clinic: Clinic,
    client: Client,
) -> None:
    leave(therapist)
    receive_transfer(transfer=hand_over(therapist, custodian, clinic, manager), actor=custodian)
    note.refresh_from_db()
    released = release(note, prescriber)
    assert read_released(release=released, actor=prescriber)[0].text == TEXT
    assert is_sealed_for(note, custodian)
    Membership.objects.create(clinic=clinic, user=therapist, role=Role.THERAPIST)
    assert page_of(client, therapist, "detail", note.pk).status_code == 404


def test_transfer_is_refused_while_the_author_works_here_or_into_own_hands(
    therapist: User, custodian: User, manager: User, nurse: User, clinic: Clinic
) -> None:
    cases = [
        (therapist, custodian, manager, {"still-here"}),
        (nurse, custodian, manager, {"no-author"}),
    ]
    for author, receiver, starter, expected in cases:
        with pytest.raises(Refused) as refused:
            hand_over(author, receiver, clinic, starter)
        assert codes(refused) == expected
    leave(therapist)
    for receiver, starter, expected in (
        (nurse, manager, {"no-therapist"}),
        (custodian, custodian, {"own-hands"}),
        (therapist, manager, {"no-therapist", "same-person"}),
    ):
        with pytest.raises(Refused) as refused:
            hand_over(therapist, receiver, clinic, starter)
        assert codes(refused) == expected


def test_clinic_with_one_therapist_has_a_custodian_in_another_role(
    note: ProcessNote,
    therapist: User,
    nurse: User,
    prescriber: User,
    manager: User,
    clinic: Clinic,
    client: Client,
) -> None:
    leave(therapist)
    client.force_login(manager)
    factories.prove(client, manager)
    with pytest.raises(Refused):
        hand_over(therapist, manager, clinic, manager)
    sent = {"author": therapist.pk, "custodian": nurse.pk, "reason": "left in May"}
    assert client.post(reverse("process_notes:transfers"), sent).status_code == 302
    transfer = ProcessNoteTransfer.objects.get()
    assert page_of(client, nurse, "detail", note.pk).status_code == 404, "not before it is received"
    factories.prove(client, nurse)
    client.post(reverse("process_notes:transfer-receive", kwargs={"pk": transfer.pk}))
    page = page_of(client, nurse, "detail", note.pk)
    assert page.status_code == 200
    assert TEXT not in page.content.decode(), "it came sealed"
    assert page_of(client, prescriber, "detail", note.pk).status_code == 404
    # While the custodian works here nothing is handed on; then it is, and to a therapist where there is one by now.
    with pytest.raises(Refused) as refused:
        hand_over(nurse, prescriber, clinic, manager)
    assert codes(refused) == {"still-here"}
    leave(nurse)
    new = factories.make_member(clinic, Role.THERAPIST)
    with pytest.raises(Refused) as refused:
        hand_over(nurse, prescriber, clinic, manager)
    assert codes(refused) == {"no-therapist"}
    assert receive_transfer(transfer=hand_over(nurse, new, clinic, manager), actor=new) == 1


def test_transfer_is_one_at_a_time_and_can_be_taken_back_until_it_is_received(
    note: ProcessNote, therapist: User, custodian: User, manager: User, clinic: Clinic
) -> None:
    leave(therapist)
    first = hand_over(therapist, custodian, clinic, manager)
    assert hand_over(therapist, custodian, clinic, manager) == first
    other = factories.make_member(clinic, Role.THERAPIST)
    with pytest.raises(Refused) as refused:
        hand_over(therapist, other, clinic, manager)
    assert codes(refused) == {"waiting"}
    assert withdraw_transfer(transfer=first, actor=manager).state == TransferState.WITHDRAWN
    with pytest.raises(Refused):
        receive_transfer(transfer=first, actor=custodian)
    second = hand_over(therapist, other, clinic, manager)
    with pytest.raises(Refused):
        receive_transfer(transfer=second, actor=custodian)
    assert receive_transfer(transfer=second, actor=other) == 1
    with pytest.raises(Refused):
        withdraw_transfer(transfer=second, actor=manager)


def test_transfer_moves_nothing_when_the_author_is_back(
    note: ProcessNote, therapist: User, custodian: User, manager: User, clinic: Clinic
) -> None:
    leave(therapist)
    transfer = hand_over(therapist, custodian, clinic, manager)
    Membership.objects.create(clinic=clinic, user=therapist, role=Role.THERAPIST)
    with pytest.raises(Refused) as refused:
        receive_transfer(transfer=transfer, actor=custodian)
    assert codes(refused) == {"back"}
    note.refresh_from_db()
    assert note.holder_id == therapist.pk


def test_notes_of_another_clinic_stay_when_the_author_leaves_one(
    note: ProcessNote, therapist: User, custodian: User, manager: User, clinic: Clinic, other_clinic: Clinic
) -> None:
    Membership.objects.create(clinic=other_clinic, user=therapist, role=Role.THERAPIST)
    elsewhere = write(factories.make_episode(factories.make_patient(other_clinic)), therapist)
    Membership.objects.filter(user=therapist, clinic=clinic).update(ended_at=timezone.now())
    transfer = start_transfer(
        clinic=clinic, author=therapist, custodian=custodian, reason="left", actor=manager
    )
    assert receive_transfer(transfer=transfer, actor=custodian) == 1
    elsewhere.refresh_from_db()
    assert elsewhere.holder_id == therapist.pk
    note.refresh_from_db()
    with pytest.raises(Refused):
        open_note(note=elsewhere, ground="law", detail="x", actor=custodian)
