"""Who holds which role at a clinic."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused


def _lock_clinic(clinic_id: uuid.UUID) -> None:
    # Roles of one clinic change one after another, so that two managers cannot end each other at the same moment.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic_id)


def grant_role(
    *, user: User, clinic: Clinic, role: Role | str, actor: User | None, now: datetime | None = None
) -> Membership:
    """Give a person a role; one who has it keeps the one they have."""
    now = now or timezone.now()
    with transaction.atomic():
        _lock_clinic(clinic.pk)
        held = Membership.objects.filter(clinic=clinic, user=user, role=role, ended_at__isnull=True).first()
        if held is not None:
            return held
        return Membership.objects.create(
            clinic=clinic, user=user, role=role, created_at=now, created_by=actor
        )


def end_role(*, membership: Membership, actor: User, now: datetime | None = None) -> Membership:
    """End a role from this moment on, also for a person who is signed in; raises Refused for the last manager."""
    now = now or timezone.now()
    with transaction.atomic():
        _lock_clinic(membership.clinic_id)
        membership = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
        if membership.ended_at is not None:
            return membership
        if membership.role == Role.MANAGER:
            others = Membership.objects.current().filter(clinic_id=membership.clinic_id, role=Role.MANAGER)
            if not others.exclude(pk=membership.pk).exists():
                raise Refused(
                    Reason("last-manager", "A clinic needs a manager: give the role to somebody else first.")
                )
        membership.ended_at = now
        membership.ended_by = actor
        membership.save(update_fields=["ended_at", "ended_by"])
        return membership


def set_medical_director(*, membership: Membership, is_director: bool, actor: User) -> Membership:
    """Mark a prescriber as medical director, or take the mark away; raises Refused for any other role."""
    with transaction.atomic():
        _lock_clinic(membership.clinic_id)
        membership = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
        if membership.role != Role.PRESCRIBER or membership.ended_at is not None:
            raise Refused(
                Reason("not-prescriber", "Only a prescriber of this clinic can be its medical director.")
            )
        if membership.is_medical_director != is_director:
            membership.is_medical_director = is_director
            membership.save(update_fields=["is_medical_director"])
        return membership
