"""Licences, training and competencies of people at a clinic."""

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from kapclinic.accounts.models import (
    Competency,
    CompetencyKind,
    Licence,
    LicenceKind,
    TrainingHours,
    TrainingKind,
    User,
)
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused


def add_licence(
    *,
    user: User,
    clinic: Clinic,
    kind: LicenceKind | str,
    number: str,
    state: str,
    expires_on: date,
    actor: User,
    now: datetime | None = None,
) -> Licence:
    """Put a licence on file, also an expired one; raises Refused when the same one is there already."""
    try:
        with transaction.atomic():
            return Licence.objects.create(
                clinic=clinic, user=user, kind=kind, number=number.strip(), state=state, expires_on=expires_on,
                created_at=now or timezone.now(), created_by=actor,
            )  # fmt: skip
    except IntegrityError as error:
        raise Refused(
            Reason("licence-on-file", "This licence is on file: renew it in the list above.", field="number")
        ) from error


def renew_licence(*, licence: Licence, expires_on: date) -> Licence:
    """Give a licence its new day of expiry; the history keeps the old one. A withdrawn licence is valid again by it."""
    with transaction.atomic():
        licence = Licence.objects.select_for_update(of=("self",)).get(pk=licence.pk)
        if expires_on < licence.expires_on:
            raise Refused(
                Reason(
                    "expires-earlier",
                    f"The licence runs until {licence.expires_on:%d %b %Y}: a renewal ends later.",
                    field="expires_on",
                )
            )
        licence.expires_on = expires_on
        licence.is_withdrawn = False
        licence.save(update_fields=["expires_on", "is_withdrawn"])
        return licence


def withdraw_licence(*, licence: Licence) -> None:
    """Note that a licence was withdrawn, suspended or filed in error: it counts no longer."""
    Licence.objects.filter(pk=licence.pk, is_withdrawn=False).update(is_withdrawn=True)


def record_training(
    *,
    user: User,
    clinic: Clinic,
    kind: TrainingKind | str,
    hours: Decimal,
    completed_on: date,
    actor: User,
    provider: str = "",
    now: datetime | None = None,
) -> TrainingHours:
    """Write down hours of training; raises Refused for a day that has not come yet."""
    now = now or timezone.now()
    if completed_on > now.astimezone(clinic.zone).date():
        raise Refused(Reason("in-the-future", "Enter a day that has passed.", field="completed_on"))
    return TrainingHours.objects.create(
        clinic=clinic, user=user, kind=kind, hours=hours, completed_on=completed_on, provider=provider, created_at=now,
        created_by=actor,
    )  # fmt: skip


def strike_training(
    *, training: TrainingHours, reason: str, actor: User, now: datetime | None = None
) -> None:
    """Mark hours as entered in error; they stay visible and count no longer."""
    if not reason.strip():
        raise Refused(Reason("no-reason", "Say what was wrong with the entry.", field="reason"))
    TrainingHours.objects.standing().filter(pk=training.pk).update(
        entered_in_error_at=now or timezone.now(),
        entered_in_error_by=actor,
        entered_in_error_reason=reason.strip(),
    )


def record_competency(
    *,
    user: User,
    clinic: Clinic,
    kind: CompetencyKind | str,
    basis: str,
    since: date,
    actor: User,
    now: datetime | None = None,
) -> Competency:
    """Write down a competency and what it rests on; raises Refused when the person has it already."""
    try:
        with transaction.atomic():
            return Competency.objects.create(
                clinic=clinic, user=user, kind=kind, basis=basis, since=since, created_at=now or timezone.now(),
                created_by=actor,
            )  # fmt: skip
    except IntegrityError as error:
        raise Refused(
            Reason(
                "competency-on-file",
                "This competency is on file: end it before a new one begins.",
                field="kind",
            )
        ) from error


def end_competency(*, competency: Competency, now: datetime | None = None) -> None:
    """End a competency today (never before it began)."""
    today = (now or timezone.now()).astimezone(competency.clinic.zone).date()
    Competency.objects.filter(pk=competency.pk, ended_on__isnull=True).update(
        ended_on=max(today, competency.since)
    )
