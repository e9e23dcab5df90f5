"""Verbs over the review of the record: find unusual reads, answer one."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from kapclinic.accounts.models import CLINICAL_ROLES, Membership, Role, User
from kapclinic.accounts.policy import Relation
from kapclinic.administration.clinical_settings import MOST_PATIENTS, NIGHT_FROM, NIGHT_UNTIL
from kapclinic.administration.patients import PatientLine, directory
from kapclinic.administration.unusual import Limits, Read, unusual_reads
from kapclinic.audit.models import AccessEvent, ReadReview, UnusualRead, Verdict
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import settings_for

# So many days are looked at again each time, so that a day on which nothing ran is not forgotten.
DAYS_BACK = 7


def find_unusual_reads(*, clinic: Clinic, day: date) -> int:
    """Look at the clinic's last DAYS_BACK whole days before `day`; returns how many findings are new.

    Looking again adds nothing.
    """
    before = UnusualRead.objects.filter(clinic_id=clinic.pk).count()
    for back in range(DAYS_BACK, 0, -1):
        _look_at(clinic, day - timedelta(days=back))
    return UnusualRead.objects.filter(clinic_id=clinic.pk).count() - before


def _look_at(clinic: Clinic, day: date) -> None:
    begin = datetime.combine(day, time(), clinic.zone)
    end = datetime.combine(day + timedelta(days=1), time(), clinic.zone)
    values = settings_for(clinic, NIGHT_FROM, NIGHT_UNTIL, MOST_PATIENTS)
    limits = Limits(values[NIGHT_FROM], values[NIGHT_UNTIL], values[MOST_PATIENTS])
    found = unusual_reads(_reads(clinic, begin, end), day=day, limits=limits, zone=clinic.zone)
    UnusualRead.objects.bulk_create(
        [UnusualRead(clinic_id=clinic.pk, **vars(each)) for each in found], ignore_conflicts=True
    )


def _reads(clinic: Clinic, begin: datetime, end: datetime) -> list[Read]:
    rows = list(
        AccessEvent.objects.reads()
        .filter(clinic_id=clinic.pk, at__gte=begin, at__lt=end, user_id__isnull=False)
        .values_list("user_id", "patient_id", "episode_id", "relation", "at")
    )
    patient_of = directory().patient_of(
        episode for _user, patient, episode, _relation, _at in rows if patient is None and episode
    )
    known = [
        (user, found, relation, at)
        for user, patient, episode, relation, at in rows
        if user and (found := patient or (patient_of.get(episode) if episode else None))
    ]
    patient_ids = {patient for _user, patient, _relation, _at in known}
    lines, spans = directory().lines(patient_ids), directory().team_spans(patient_ids)
    people = _people(clinic, {user for user, *_rest in known})
    return [
        Read(
            user_id=user,
            patient_id=patient,
            at=at,
            is_off_team=people[user][0]
            and relation == Relation.CLINIC.value
            and not any(
                starts_at <= at and (ends_at is None or at < ends_at)
                for starts_at, ends_at in spans.get((user, patient), [])
            ),
            is_of_same_name=_is_of_same_name(people[user][1], lines.get(patient)),
        )
        for user, patient, relation, at in known
        if user in people
    ]


def _people(clinic: Clinic, user_ids: set[Any]) -> dict[Any, tuple[bool, str]]:
    """For each person: whether they are a clinician and nothing that looks after everybody, and their family name."""
    roles: dict[Any, set[Role]] = {user_id: set() for user_id in user_ids}
    for user_id, role in Membership.objects.filter(clinic=clinic, user__in=user_ids).values_list(
        "user_id", "role"
    ):
        roles[user_id].add(Role(role))
    names = dict(User.objects.filter(pk__in=user_ids).values_list("pk", "name"))
    return {
        user_id: (
            bool(held) and held <= CLINICAL_ROLES,
            names[user_id].split()[-1] if names[user_id].split() else "",
        )
        for user_id, held in roles.items()
        if user_id in names
    }


def _is_of_same_name(family_name: str, patient: PatientLine | None) -> bool:
    return (
        bool(family_name) and patient is not None and patient.family_name.casefold() == family_name.casefold()
    )


def review_read(
    *, unusual: UnusualRead, verdict: Verdict, comment: str, actor: User, now: datetime | None = None
) -> ReadReview:
    """A manager's final answer to one unusual read.

    Raises Refused when it is answered already, without a comment, and for one's own reads where there is another manager.
    """
    managers = Membership.objects.current().filter(clinic=unusual.clinic_id, role=Role.MANAGER)
    if unusual.user_id == actor.pk and managers.exclude(user=actor).exists():
        raise Refused(Reason("own-read", "These are your own reads: another manager must look at them."))
    if not comment.strip():
        raise Refused(Reason("no-comment", "Write what you found.", field="comment"))
    try:
        with transaction.atomic():
            return ReadReview.objects.create(
                unusual=unusual,
                verdict=verdict,
                comment=comment.strip(),
                reviewed_by=actor.pk,
                reviewed_at=now or timezone.now(),
            )
    except IntegrityError as error:
        raise Refused(
            Reason("answered", "Somebody has answered this one already; their answer stands.")
        ) from error
