"""Whose a process note is. Everybody else is not told that it exists (404), managers and break-glass included."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import Http404

from kapclinic.accounts import policy
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.process_notes.models import (
    ProcessNote,
    ProcessNoteOpening,
    ProcessNoteQuerySet,
    ProcessNoteRelease,
    ProcessNoteTransfer,
    TransferState,
)

_NOTE_RELATED = ("clinic", "holder", "created_by", "episode__patient", "episode__protocol_version__protocol")


def register_relations() -> None:
    """Tell the policy who owns these rows; called once at start."""
    policy.register_relation(Relation.OWN, ProcessNote, lambda actor, note: note.holder_id == actor.user.pk)
    policy.register_relation(
        Relation.OWN, ProcessNoteRelease, lambda actor, release: release.receiver_id == actor.user.pk
    )
    policy.register_relation(
        Relation.OWN, ProcessNoteTransfer, lambda actor, transfer: transfer.custodian_id == actor.user.pk
    )


def own_notes(actor: Actor) -> ProcessNoteQuerySet:
    """The notes that the actor holds at this clinic, without text; `is_opened`: whether the actor broke their seal."""
    opened = ProcessNoteOpening.objects.filter(note=OuterRef("pk"), created_by=actor.user)
    return (
        ProcessNote.objects.of_clinic(actor.clinic)
        .held_by(actor.user)
        .select_related("episode__patient", "created_by")
        .annotate(is_opened=Exists(opened))
        .defer("text", "seal")
    )


def note_for(actor: Actor, pk: Any) -> ProcessNote:
    """The actor's own note; Http404 for everybody else's."""
    found = ProcessNote.objects.select_related(*_NOTE_RELATED).of_clinic(actor.clinic).held_by(actor.user)
    return _one(found.filter(pk=pk))


def release_of_own_note_for(actor: Actor, pk: Any) -> ProcessNoteRelease:
    """A release of the actor's own note; Http404 for everybody else's."""
    found = ProcessNoteRelease.objects.select_related(
        "clinic",
        "receiver",
        "note__episode__patient",
        "note__episode__protocol_version__protocol",
        "note__holder",
    )
    return _one(found.filter(clinic=actor.clinic, note__holder=actor.user, pk=pk))


def release_to_for(actor: Actor, pk: Any) -> ProcessNoteRelease:
    """A release to the actor, whether it still holds or not; Http404 for everybody else's."""
    found = ProcessNoteRelease.objects.select_related(
        "clinic", "receiver", "note__episode__patient", "note__created_by", "created_by"
    )
    return _one(found.filter(clinic=actor.clinic, receiver=actor.user, pk=pk))


def transfer_to_for(actor: Actor, pk: Any) -> ProcessNoteTransfer:
    """A transfer that names the actor as custodian; Http404 for everybody else's."""
    found = ProcessNoteTransfer.objects.select_related("clinic", "author", "custodian")
    named = ~Q(state=TransferState.WITHDRAWN) & Q(clinic=actor.clinic, custodian=actor.user)
    return _one(found.filter(named, pk=pk))


def transfer_for(actor: Actor, pk: Any) -> ProcessNoteTransfer:
    """A transfer of the clinic; Http404 when there is none."""
    found = ProcessNoteTransfer.objects.select_related("clinic", "author", "custodian")
    return _one(found.filter(clinic=actor.clinic, pk=pk))


def _one(found: Any) -> Any:
    row = found.first()
    if row is None:
        raise Http404
    return row
