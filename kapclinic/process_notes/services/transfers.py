"""When an author leaves: their notes go to a named custodian, unopened."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import CLINICAL_ROLES, Membership, Role, User, current_members
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.notices.services import notify
from kapclinic.process_notes.models import (
    OpeningGround,
    ProcessNote,
    ProcessNoteOpening,
    ProcessNoteTransfer,
    TransferState,
)
from kapclinic.process_notes.services.notes import locked


def custodians_of(clinic: Clinic, *, starter: User) -> QuerySet[User]:
    """Who may be named: therapists of the clinic; where it has no other, its nurses and prescribers. Never who starts it.

    POLICY: notes stay among therapists while there is one; a practice with one therapist has a custodian all the same.
    """
    therapists = current_members(clinic, Role.THERAPIST).exclude(pk=starter.pk)
    if therapists.exists():
        return therapists
    held = Membership.objects.current().filter(clinic=clinic, role__in=CLINICAL_ROLES)
    return User.objects.filter(pk__in=held.values("user")).exclude(pk=starter.pk)


def authors_of(clinic: Clinic) -> QuerySet[User]:
    """Whose notes may go to a custodian: therapists who left, and custodians who left after them."""
    held = Membership.objects.filter(clinic=clinic)
    received = ProcessNoteTransfer.objects.filter(clinic=clinic, state=TransferState.RECEIVED)
    are_here = held.current()
    wrote = Q(pk__in=held.filter(role=Role.THERAPIST).values("user"))
    kept = Q(pk__in=received.values("custodian")) & ~Q(
        pk__in=are_here.filter(role__in=CLINICAL_ROLES).values("user")
    )
    return User.objects.filter(wrote | kept).exclude(
        pk__in=are_here.filter(role=Role.THERAPIST).values("user")
    )


def _keeps_notes_here(person: User, clinic: Clinic) -> bool:
    """Whether they work here and may keep what they wrote or received."""
    here = Membership.objects.current().filter(clinic=clinic, user=person, role__in=CLINICAL_ROLES)
    roles = set(here.values_list("role", flat=True))
    was_therapist = Membership.objects.filter(clinic=clinic, user=person, role=Role.THERAPIST).exists()
    return Role.THERAPIST in roles or (bool(roles) and not was_therapist)


def _reasons(clinic: Clinic, author: User, custodian: User, reason: str, actor: User) -> list[Reason]:
    found: list[Reason] = []
    kept_here = (
        Membership.objects.filter(clinic=clinic, user=author, role=Role.THERAPIST).exists()
        or ProcessNoteTransfer.objects.filter(
            clinic=clinic, custodian=author, state=TransferState.RECEIVED
        ).exists()
    )
    if not kept_here:
        found.append(Reason("no-author", "They never kept process notes here.", field="author"))
    elif _keeps_notes_here(author, clinic):
        found.append(
            Reason("still-here", "They still work here: what they keep stays with them.", field="author")
        )
    if custodian.pk != actor.pk and not custodians_of(clinic, starter=actor).filter(pk=custodian.pk).exists():
        found.append(
            Reason(
                "no-therapist",
                "A custodian is a therapist of this clinic; where it has no other, a nurse or prescriber of it.",
                field="custodian",
            )
        )
    if custodian.pk == author.pk:
        found.append(Reason("same-person", "Choose another person.", field="custodian"))
    if custodian.pk == actor.pk:
        found.append(
            Reason("own-hands", "Whoever starts a transfer cannot be the custodian.", field="custodian")
        )
    if not reason.strip():
        found.append(Reason("no-reason", "Say why.", field="reason"))
    return found


def start_transfer(
    *, clinic: Clinic, author: User, custodian: User, reason: str, actor: User, now: datetime | None = None
) -> ProcessNoteTransfer:
    """Name a custodian for whatever process notes `author` left. Pressing twice makes one transfer.

    Raises Refused while the author still works here, and for a custodian who may not be one (`custodians_of`) or who starts it.
    """
    now = now or timezone.now()
    with transaction.atomic():
        # One at a time: the clinic's row stands for the transfers of its people.
        clinic = Clinic.objects.select_for_update().get(pk=clinic.pk)
        refuse_if(_reasons(clinic, author, custodian, reason, actor))
        waiting = ProcessNoteTransfer.objects.filter(
            clinic=clinic, author=author, state=TransferState.STARTED
        ).first()
        if waiting is not None:
            if waiting.custodian_id == custodian.pk:
                return waiting
            raise Refused(
                Reason("waiting", "Another custodian has been named: take that back first.", field="author")
            )
        transfer = ProcessNoteTransfer.objects.create(
            clinic=clinic,
            author=author,
            custodian=custodian,
            reason=reason.strip(),
            created_at=now,
            created_by=actor,
        )
        notify(
            clinic=clinic,
            receivers=[custodian],
            key=f"process-note-transfer:{transfer.pk}",
            title=f"You are named custodian of the process notes of {author.name}",
            url=reverse("process_notes:mine"),
            now=now,
        )
        return transfer


def _locked(transfer: ProcessNoteTransfer) -> ProcessNoteTransfer:
    return (
        ProcessNoteTransfer.objects.select_for_update(of=("self",))
        .select_related("clinic", "author")
        .get(pk=transfer.pk)
    )


def withdraw_transfer(
    *, transfer: ProcessNoteTransfer, actor: User, now: datetime | None = None
) -> ProcessNoteTransfer:
    """Take back a transfer that nobody received yet; raises Refused for a received one. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        transfer = _locked(transfer)
        if transfer.state == TransferState.RECEIVED:
            raise Refused(Reason("received", "The custodian has received it already."))
        if transfer.state == TransferState.STARTED:
            transfer.state, transfer.ended_at = TransferState.WITHDRAWN, now
            transfer.save(update_fields=["state", "ended_at"])
        return transfer


def receive_transfer(*, transfer: ProcessNoteTransfer, actor: User, now: datetime | None = None) -> int:
    """The custodian takes the notes, still sealed; returns how many came. Twice changes nothing and returns 0.

    Raises Refused when the author is back, or when it was taken back.
    """
    now = now or timezone.now()
    with transaction.atomic():
        transfer = _locked(transfer)
        if transfer.custodian_id != actor.pk or transfer.state == TransferState.WITHDRAWN:
            raise Refused(Reason("not-yours", "This transfer is not for you any more."))
        if transfer.state == TransferState.RECEIVED:
            return 0
        if _keeps_notes_here(transfer.author, transfer.clinic):
            raise Refused(Reason("back", "Their author works here again: the notes stay with them."))
        notes = ProcessNote.objects.held_by(transfer.author).filter(clinic=transfer.clinic_id)
        keys = list(notes.order_by("pk").select_for_update().values_list("pk", flat=True))
        ProcessNote.objects.filter(pk__in=keys).update(holder=actor)
        transfer.state, transfer.ended_at = TransferState.RECEIVED, now
        transfer.save(update_fields=["state", "ended_at"])
        return len(keys)


def is_sealed_for(note: ProcessNote, person: User) -> bool:
    """True while a custodian, who did not write the note, has not opened it."""
    return note.created_by_id != person.pk and not note.openings.filter(created_by=person).exists()


def open_note(
    *, note: ProcessNote, ground: str, detail: str, actor: User, now: datetime | None = None
) -> ProcessNoteOpening:
    """A custodian breaks the seal of one note on a ground of 45 CFR 164.508(a)(2). Twice changes nothing."""
    now = now or timezone.now()
    reasons: list[Reason] = []
    if ground not in OpeningGround.values:
        reasons.append(Reason("no-ground", "Choose a ground.", field="ground"))
    if not detail.strip():
        reasons.append(Reason("no-detail", "Say which paper or order it stands on.", field="detail"))
    refuse_if(reasons)
    with transaction.atomic():
        note = locked(note)
        if note.holder_id != actor.pk or note.created_by_id == actor.pk:
            raise Refused(Reason("not-yours", "Only its custodian breaks a note's seal."))
        opening, _ = ProcessNoteOpening.objects.get_or_create(
            note=note,
            created_by=actor,
            defaults={"clinic": note.clinic, "ground": ground, "detail": detail.strip(), "created_at": now},
        )
        return opening
