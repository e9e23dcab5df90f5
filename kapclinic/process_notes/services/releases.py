"""Releasing one note to one person, as the patient's own authorization for it says."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import CLINICAL_ROLES, Membership, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.notices.services import notify
from kapclinic.process_notes.models import ProcessNote, ProcessNoteAddendum, ProcessNoteRelease
from kapclinic.process_notes.services.notes import locked


def _reasons(note: ProcessNote, details: dict[str, Any], receiver: User, today: date) -> list[Reason]:
    found: list[Reason] = []
    if not note.is_signed:
        found.append(Reason("draft", "Sign the note first: a draft is not released."))
    if note.is_struck:
        found.append(Reason("struck", "It was entered in error."))
    if receiver.pk in {note.created_by_id, note.holder_id}:
        found.append(Reason("own", "They have this note already.", field="receiver"))
    elif not (
        Membership.objects.current()
        .filter(clinic=note.clinic_id, user=receiver, role__in=CLINICAL_ROLES)
        .exists()
    ):
        found.append(Reason("no-clinician", "Choose a clinician of this clinic.", field="receiver"))
    # Core elements of an authorization: 45 CFR 164.508(c)(1).
    for field, text in (
        ("purpose", "Name the purpose."),
        ("authorized_by_name", "Name who signed the authorization."),
    ):
        if not details[field].strip():
            found.append(Reason(f"no-{field}", text, field=field))
    if not details["is_separate"]:
        found.append(
            Reason(
                "combined",
                "An authorization for psychotherapy notes cannot be part of another one.",
                field="is_separate",
            )
        )
    if details["authorized_on"] > today:
        found.append(Reason("signed-later", "The date of signing lies in the future.", field="authorized_on"))
    if details["expires_on"] < max(today, details["authorized_on"]):
        found.append(Reason("expired", "It has expired already.", field="expires_on"))
    return found


def release_note(
    *,
    note: ProcessNote,
    receiver: User,
    details: dict[str, Any],
    actor: User,
    request_key: UUID | None = None,
    now: datetime | None = None,
) -> ProcessNoteRelease:
    """Show one signed note to `receiver` while the authorization holds; raises Refused with all that is missing.

    `details`: purpose, authorized_on and expires_on (days of the clinic's, the last one included), authorized_by_name,
    representative_authority, is_separate. The same `request_key` again releases nothing twice.
    """
    now = now or timezone.now()
    with transaction.atomic():
        note = locked(note)
        if note.holder_id != actor.pk:
            raise Refused(Reason("not-yours", "Only who holds a process note releases it."))
        if request_key is not None:
            known = ProcessNoteRelease.objects.filter(note=note, request_key=request_key).first()
            if known is not None:
                return known
        refuse_if(_reasons(note, details, receiver, now.astimezone(note.clinic.zone).date()))
        release = ProcessNoteRelease.objects.create(
            clinic=note.clinic, note=note, receiver=receiver, created_at=now, created_by=actor, request_key=request_key,
            **details,
        )  # fmt: skip
        notify(
            clinic=note.clinic,
            receivers=[receiver],
            key=f"process-note-release:{release.pk}",
            title="A process note was released to you",
            url=reverse("process_notes:released", kwargs={"pk": release.pk}),
            now=now,
        )
        return release


def revoke_release(
    *, release: ProcessNoteRelease, how: str, actor: User, now: datetime | None = None
) -> ProcessNoteRelease:
    """The patient revoked the authorization: the receiver sees nothing from the next request on. Twice changes nothing."""
    now = now or timezone.now()
    if not how.strip():
        raise Refused(Reason("no-how", "Say how the patient revoked it.", field="how"))
    with transaction.atomic():
        note = locked(release.note)
        release = ProcessNoteRelease.objects.select_for_update(of=("self",)).get(pk=release.pk)
        if note.holder_id != actor.pk:
            raise Refused(Reason("not-yours", "Only who holds a process note takes a release back."))
        if release.revoked_at is None:
            release.revoked_at, release.revoked_by, release.revoked_how = now, actor, how.strip()
            release.save(update_fields=["revoked_at", "revoked_by", "revoked_how"])
        return release


def read_released(
    *, release: ProcessNoteRelease, actor: User, now: datetime | None = None
) -> tuple[ProcessNote, list[ProcessNoteAddendum]]:
    """The released note as its receiver may read it now: with the addenda that were there when it was released.

    Raises Refused when the authorization is over. The first reading is written down.
    """
    now = now or timezone.now()
    with transaction.atomic():
        release = (
            ProcessNoteRelease.objects.select_for_update(of=("self",))
            .select_related("note", "clinic")
            .get(pk=release.pk)
        )
        today = now.astimezone(release.clinic.zone).date()
        if release.receiver_id != actor.pk or not release.is_open_on(today):
            raise Refused(Reason("over", "The authorization is over: this note is no longer shown."))
        if release.first_read_at is None:
            release.first_read_at = now
            release.save(update_fields=["first_read_at"])
    addenda = release.note.addenda.filter(created_at__lte=release.created_at)
    return release.note, list(addenda)
