"""Opening, ending and reviewing an emergency access, and writing down what was read under it."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from episodes.models import Patient
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role, User, current_members
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.breakglass.clinical_settings import MINUTES, REVIEW_HOURS
from kapclinic.breakglass.models import EmergencyAccess, EmergencyReading, Verdict
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.clinics.services import settings_for
from kapclinic.jobs.services import enqueue
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, notify, open_task

REVIEW_TASK = "emergency-access-review"
WATCH_REVIEW = "watch_emergency_review"
# A review that is owed is called for again as often.
REMIND_EVERY = timedelta(hours=24)


def _key(access: EmergencyAccess) -> str:
    return f"{REVIEW_TASK}:{access.pk}"


def _url(access: EmergencyAccess) -> str:
    return reverse("breakglass:review", kwargs={"pk": access.pk})


def _managers(clinic: Clinic) -> list[User]:
    return list(current_members(clinic, Role.MANAGER))


def break_glass(
    *, patient: Patient, reason: str, actor: Actor, now: datetime | None = None
) -> EmergencyAccess:
    """Let the actor read this patient's record for the clinic's set minutes; the managers hear of it in the same transaction.

    Pressing twice opens one. Raises Refused without a reason, for a patient whose chart the actor may read anyway, and while an
    access to another patient is open.
    """
    now = now or timezone.now()
    clinic, reason = actor.clinic, reason.strip()
    refuse_if(_reasons_against(patient, reason, actor))
    chosen = settings_for(clinic, MINUTES, REVIEW_HOURS)
    review_by = now + timedelta(hours=chosen[REVIEW_HOURS])
    with transaction.atomic():
        # One after the other for one person, so that the second of two presses finds the first.
        User.objects.select_for_update(no_key=True).get(pk=actor.user.pk)
        mine = EmergencyAccess.objects.open_at(now).filter(clinic=clinic, user=actor.user, patient=patient)
        known = mine.first()
        if known is not None:
            return known
        try:
            with transaction.atomic():
                access = EmergencyAccess.objects.create(
                    clinic=clinic, user=actor.user, patient=patient, reason=reason, opened_at=now,
                    until=now + timedelta(minutes=chosen[MINUTES]), created_at=now, created_by=actor.user,
                )  # fmt: skip
        except IntegrityError as error:
            raise Refused(
                Reason("one-at-a-time", "You have an emergency access open: end it before you open another.")
            ) from error
        notify(
            clinic=clinic,
            receivers=_managers(clinic),
            key=_key(access),
            title=f"Emergency access opened by {actor.user.name}",
            url=_url(access),
            urgency=Urgency.NOW,
            now=now,
        )
        open_task(
            clinic=clinic,
            key=_key(access),
            kind=REVIEW_TASK,
            title=f"Review the emergency access of {actor.user.name}",
            role=Role.MANAGER,
            urgency=Urgency.TODAY,
            due_at=review_by,
            url=_url(access),
            actor=actor.user,
            now=now,
        )
        enqueue(
            kind=WATCH_REVIEW, key=_key(access), payload={"access": str(access.pk)}, clinic=clinic, due_at=review_by, now=now,
        )  # fmt: skip
    return access


def _reasons_against(patient: Patient, reason: str, actor: Actor) -> list[Reason]:
    reasons = []
    if not reason:
        reasons.append(Reason("no-reason", "Say why you need to see this record now.", field="reason"))
    relation = policy.relation_for(actor, "chart.view", patient)
    if relation is not None and relation is not Relation.GLASS:
        reasons.append(
            Reason("has-access", "You may read this patient's record as it is: open it from your patients.")
        )
    return reasons


def end_access(*, access: EmergencyAccess, actor: User, now: datetime | None = None) -> bool:
    """End it now, by its person or a manager; False when it was over already (pressing twice changes nothing)."""
    now = now or timezone.now()
    changed = EmergencyAccess.objects.open_at(now).filter(pk=access.pk).update(until=now, ended_by=actor)
    return bool(changed)


def review_access(
    *, access: EmergencyAccess, verdict: Verdict | str, comment: str, actor: User, now: datetime | None = None
) -> EmergencyAccess:
    """Close the review with a verdict and a comment; the person is told.

    Raises Refused while the access is open, without a comment, after another verdict, and for one's own access while the
    clinic has another manager. The same verdict of the same manager again changes nothing.
    """
    now = now or timezone.now()
    comment = comment.strip()
    with transaction.atomic():
        access = (
            EmergencyAccess.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=access.pk)
        )
        if access.reviewed_at is not None:
            if (access.reviewed_by_id, access.verdict, access.comment) == (actor.pk, verdict, comment):
                return access
            raise Refused(Reason("reviewed", "This access has been reviewed in the meantime."))
        refuse_if(_reasons_not_to_review(access, verdict, comment, actor, now))
        access.reviewed_at, access.reviewed_by = now, actor
        access.verdict, access.comment = verdict, comment
        access.save(update_fields=["reviewed_at", "reviewed_by", "verdict", "comment"])
        close_task(key=_key(access), actor=actor, outcome=str(Verdict(verdict).label), now=now)
        notify(
            clinic=access.clinic,
            receivers=[access.user],
            key=f"{_key(access)}:verdict",
            title=f"Your emergency access was reviewed: {Verdict(verdict).label.lower()}",
            url=reverse("breakglass:mine", kwargs={"pk": access.pk}),
            now=now,
        )
        return access


def _reasons_not_to_review(
    access: EmergencyAccess, verdict: str, comment: str, actor: User, now: datetime
) -> list[Reason]:
    reasons = []
    if access.is_open_at(now):
        reasons.append(Reason("still-open", "It is still open: end it first, then review what was read."))
    if verdict not in Verdict.values:
        reasons.append(Reason("no-verdict", "Say whether it was justified.", field="verdict"))
    if not comment:
        reasons.append(Reason("no-comment", "Write what you found.", field="comment"))
    if access.user_id == actor.pk and any(other.pk != actor.pk for other in _managers(access.clinic)):
        reasons.append(Reason("own-access", "This access was yours: another manager reviews it."))
    return reasons


def call_for_review(*, access: EmergencyAccess, now: datetime) -> datetime | None:
    """The review is overdue: make its task urgent and tell the managers again; gives back when to look next, None when done."""
    with transaction.atomic():
        # A manager may be closing the review at this moment: a task opened after that could never be closed.
        access = (
            EmergencyAccess.objects.select_for_update(of=("self",))
            .select_related("clinic", "user")
            .get(pk=access.pk)
        )
        if access.reviewed_at is not None:
            return None
        days = (now - access.opened_at).days
        open_task(
            clinic=access.clinic,
            key=_key(access),
            kind=REVIEW_TASK,
            title=f"Overdue: review the emergency access of {access.user.name}",
            role=Role.MANAGER,
            urgency=Urgency.NOW,
            due_at=now,
            url=_url(access),
            now=now,
        )
        notify(
            clinic=access.clinic,
            receivers=_managers(access.clinic),
            key=f"{_key(access)}:overdue:{days}",
            title=f"An emergency access of {access.user.name} waits for its review",
            url=_url(access),
            urgency=Urgency.NOW,
            now=now,
        )
    return now + REMIND_EVERY


def note_reading(request: HttpRequest, action: str, subject: Any, relation: Relation) -> None:
    """Write down a page that an emergency access lets in; told of everyone by the gate in front of the pages."""
    if relation is not Relation.GLASS:
        return
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by the middleware
    now = timezone.now()
    access = EmergencyAccess.objects.open_at(now).filter(user=actor.user, clinic=actor.clinic).first()
    if access is None:
        # It ran out between the gate's look and this one: what is read is read under it all the same.
        access = EmergencyAccess.objects.filter(user=actor.user, clinic=actor.clinic)[0]
    match = request.resolver_match
    EmergencyReading.objects.create(
        clinic=actor.clinic,
        access=access,
        action=action,
        page="" if match is None else match.view_name,
        created_at=now,
        created_by=actor.user,
    )
    request.emergency_access = access  # type: ignore[attr-defined]  # read by the banner
