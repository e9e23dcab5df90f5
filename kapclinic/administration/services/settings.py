"""Changing a clinical setting: a manager proposes with a reason, the medical director decides."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic, ClinicalSetting, SettingState
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import setting
from kapclinic.clinics.settings_registry import spec_of
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, notify, open_task

PROPOSAL_TASK = "setting-proposal"
ended_by_work(PROPOSAL_TASK)
# A proposal waits for the medical director this long before it turns overdue (POLICY).
_DECIDE_WITHIN = timedelta(days=7)


def _lock_clinic(clinic_id: uuid.UUID) -> Clinic:
    # Proposals and decisions of one clinic happen one after another.
    return Clinic.objects.select_for_update(no_key=True).get(pk=clinic_id)


def medical_directors(clinic: Clinic) -> list[User]:
    """Prescribers who are marked as medical director now."""
    rows = Membership.objects.current().filter(clinic=clinic, role=Role.PRESCRIBER, is_medical_director=True)
    return [membership.user for membership in rows.select_related("user")]


def is_alone(user: User, clinic: Clinic) -> bool:
    """True when nobody else could propose or approve: `user` is the only manager and the only medical director."""
    managers = set(
        Membership.objects.current()
        .filter(clinic=clinic, role=Role.MANAGER)
        .values_list("user_id", flat=True)
    )
    return managers == {user.pk} == {director.pk for director in medical_directors(clinic)}


def propose_setting(
    *, clinic: Clinic, key: str, value: Any, reason: str, actor: User, now: datetime | None = None
) -> ClinicalSetting:
    """Propose a clinic's own value for a declared setting.

    Raises Refused for a value out of bounds, without a reason, for the value in force, or while another proposal is open;
    the same proposal again is the one that is there. KeyError for an undeclared key.
    """
    now = now or timezone.now()
    spec = spec_of(key)
    try:
        value = spec.parse(value)
    except ValueError as error:
        raise Refused(Reason("value", str(error), field="value")) from error
    if not reason.strip():
        raise Refused(Reason("no-reason", "Say why: it stays beside the value.", field="reason"))
    with transaction.atomic():
        clinic = _lock_clinic(clinic.pk)
        waiting = ClinicalSetting.objects.filter(clinic=clinic, key=key, state=SettingState.PROPOSED).first()
        if waiting is not None:
            if waiting.value == value and waiting.created_by_id == actor.pk:
                return waiting
            raise Refused(
                Reason("proposal-open", "Another value is proposed: it must be decided or withdrawn first.")
            )
        if setting(clinic, key) == value:
            raise Refused(Reason("in-force", "This value is in force already.", field="value"))
        proposal = ClinicalSetting.objects.create(
            clinic=clinic, key=key, value=value, reason=reason.strip(), created_at=now, created_by=actor
        )
        for director in medical_directors(clinic):
            open_task(
                clinic=clinic, key=_task_key(proposal, director), kind=PROPOSAL_TASK, person=director,
                title=f"Decide on a clinical setting: {spec.label}"[:200], role=Role.PRESCRIBER, urgency=Urgency.ROUTINE,
                due_at=now + _DECIDE_WITHIN, url=reverse("administration:setting", kwargs={"key": key}), actor=actor, now=now,
            )  # fmt: skip
        return proposal


def _task_key(proposal: ClinicalSetting, director: User) -> str:
    return f"{PROPOSAL_TASK}:{proposal.pk}:{director.pk}"


def decide_setting(
    *, proposal: ClinicalSetting, approve: bool, actor: User, note: str = "", now: datetime | None = None
) -> ClinicalSetting:
    """Put a proposed value in force, or decline it with a note; the value before it becomes history.

    Raises Refused for anyone but a medical director, for the proposer (unless nobody else could), for a value that the
    program no longer allows, and when it was decided otherwise in the meantime. The same decision again changes nothing.
    """
    now = now or timezone.now()
    state = SettingState.APPROVED if approve else SettingState.DECLINED
    with transaction.atomic():
        clinic = _lock_clinic(proposal.clinic_id)
        proposal = (
            ClinicalSetting.objects.select_for_update(of=("self",))
            .select_related("created_by")
            .get(pk=proposal.pk)
        )
        if proposal.state == state and proposal.decided_by_id == actor.pk:
            return proposal
        reasons = _decision_reasons(proposal, clinic, actor)
        if not approve and not note.strip():
            reasons.append(Reason("no-note", "Say why it is declined.", field="note"))
        if reasons:
            raise Refused(reasons)
        if approve:
            in_force = ClinicalSetting.objects.filter(
                clinic=clinic, key=proposal.key, state=SettingState.APPROVED
            )
            in_force.update(state=SettingState.SUPERSEDED)
        _close(proposal, state, actor, note, now)
        return proposal


def _decision_reasons(proposal: ClinicalSetting, clinic: Clinic, actor: User) -> list[Reason]:
    reasons = []
    if proposal.state != SettingState.PROPOSED:
        reasons.append(Reason("decided", "This proposal was decided in the meantime."))
    if actor.pk not in {director.pk for director in medical_directors(clinic)}:
        reasons.append(Reason("not-director", "Only the medical director decides on clinical settings."))
    elif proposal.created_by_id == actor.pk and not is_alone(actor, clinic):
        reasons.append(Reason("own-proposal", "Somebody else must decide on your own proposal."))
    try:
        spec_of(proposal.key).parse(proposal.value)
    except ValueError as error:
        reasons.append(Reason("value", str(error)))
    return reasons


def withdraw_proposal(
    *, proposal: ClinicalSetting, actor: User, now: datetime | None = None
) -> ClinicalSetting:
    """A manager takes a proposal back before it is decided."""
    now = now or timezone.now()
    with transaction.atomic():
        _lock_clinic(proposal.clinic_id)
        proposal = ClinicalSetting.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
        if proposal.state == SettingState.WITHDRAWN:
            return proposal
        if proposal.state != SettingState.PROPOSED:
            raise Refused(Reason("decided", "This proposal was decided in the meantime."))
        _close(proposal, SettingState.WITHDRAWN, actor, "", now)
        return proposal


def _close(proposal: ClinicalSetting, state: SettingState, actor: User, note: str, now: datetime) -> None:
    proposal.state = state
    proposal.decided_at = now
    proposal.decided_by = actor
    proposal.decision_note = note.strip()
    proposal.save(update_fields=["state", "decided_at", "decided_by", "decision_note"])
    for director in medical_directors(proposal.clinic):
        decided = actor if state != SettingState.WITHDRAWN else None
        close_task(
            key=_task_key(proposal, director), actor=decided, outcome=str(SettingState(state).label), now=now
        )
    if proposal.created_by is not None and proposal.created_by_id != actor.pk:
        notify(
            clinic=proposal.clinic,
            receivers=[proposal.created_by],
            key=f"setting-decided:{proposal.pk}",
            title=f"{SettingState(state).label}: {spec_of(proposal.key).label}"[:200],
            url=reverse("administration:setting", kwargs={"key": proposal.key}),
            now=now,
        )
