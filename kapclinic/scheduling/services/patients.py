"""When a patient can come, and how. Recording it never fails over bookings; the rooms above are told, and may move holds."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling import hooks
from kapclinic.scheduling.models import HoursPlace, PatientAbsence, PatientPlace, PatientTimes, Wish
from kapclinic.scheduling.services.roster import (
    add_once,
    span_or_refuse,
    take_back,
    weekly_or_refuse,
)


def add_patient_times(
    *,
    patient: Any,
    wish: str,
    weekday: int,
    starts_at: time,
    ends_at: time,
    valid_from: date,
    actor: User,
    valid_until: date | None = None,
    now: datetime | None = None,
) -> PatientTimes:
    """A weekly time on the clinic's clock in which the patient cannot come, or would rather come (`wish`).

    The same again is the one that is there. Raises Refused for a reversed span.
    """
    if wish not in Wish.values:
        raise Refused(Reason("no-wish", "Say whether they cannot come then or would rather.", field="wish"))
    weekly_or_refuse(starts_at, ends_at, valid_from, valid_until)
    row: PatientTimes = _said(
        PatientTimes,
        patient,
        actor=actor,
        now=now,
        wish=wish,
        weekday=weekday,
        starts_at=starts_at,
        ends_at=ends_at,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    return row


def add_patient_absence(
    *, patient: Any, starts_at: datetime, ends_at: datetime, actor: User, now: datetime | None = None
) -> PatientAbsence:
    """A stretch in which the patient cannot come; a time in it that they were told stays until somebody moves it."""
    span_or_refuse(starts_at, ends_at)
    row: PatientAbsence = _said(
        PatientAbsence, patient, actor=actor, now=now, starts_at=starts_at, ends_at=ends_at
    )
    return row


def set_patient_place(
    *, patient: Any, place: str, actor: User, now: datetime | None = None
) -> PatientPlace | None:
    """How the patient can come from now on; the earlier answer is taken back. None: either, as nobody ever asked."""
    now = now or timezone.now()
    if place not in HoursPlace.values:
        raise Refused(Reason("no-place", "Choose how the patient can come.", field="place"))
    with transaction.atomic():
        type(patient).objects.select_for_update().get(pk=patient.pk)
        standing = PatientPlace.objects.standing().filter(patient=patient).first()
        if (HoursPlace.EITHER if standing is None else standing.place) == place:
            return standing
        if standing is not None:
            take_back(standing, actor=actor, now=now)
        row: PatientPlace = _said(PatientPlace, patient, actor=actor, now=now, place=place)
        return row


def withdraw_patient_row(*, row: Any, actor: User, now: datetime | None = None) -> None:
    """Take back what a patient said; it stays in the history. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        take_back(row, actor=actor, now=now)
        hooks.tell_patient_time(row.patient, now)


def _said(model: Any, patient: Any, *, actor: User, now: datetime | None, **what: Any) -> Any:
    now = now or timezone.now()
    with transaction.atomic():
        row = add_once(
            model, lock=patient, actor=actor, now=now, clinic=patient.clinic, patient=patient, **what
        )
        hooks.tell_patient_time(patient, now)
        return row
