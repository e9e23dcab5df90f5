"""Held sessions and their notes: recording them, writing, signing, and the action steps that come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes.models import Consent, ConsentKind, Episode, OutsideClinician
from episodes.services import record_event
from episodes.services.locking import lock_episode
from integration.models import (
    ActionStep,
    ActionStepReview,
    IntegrationAddendum,
    IntegrationSession,
    Modality,
    StepOutcome,
)
from integration.services.needs import reassess_episode
from kapclinic.accounts.models import Competency, CompetencyKind, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.scheduling.models import Appointment, AppointmentState, MeetingPlace
from kapclinic.scheduling.services import complete_appointment
from kapclinic.scheduling.services.appointments import held_time_reasons

# Work that asks for a competency of the therapist (practice guide G0), and for a consent of its own.
COMPETENCY_OF = {
    Modality.TRAUMA: CompetencyKind.TRAUMA,
    Modality.SOMATIC: CompetencyKind.SOMATIC,
    Modality.SPIRITUAL: CompetencyKind.SPIRITUAL,
}


def hold_session(
    *,
    appointment: Appointment,
    held_from: datetime,
    held_until: datetime,
    actor: User,
    now: datetime | None = None,
) -> IntegrationSession:
    """A booked session took place: its recorded start and end decide which windows it meets. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        done = complete_appointment(
            appointment=appointment, held_from=held_from, held_until=held_until, actor=actor, now=now
        )
        if done.state != AppointmentState.COMPLETED:
            raise Refused(Reason("ended", f"It is {done.get_state_display().lower()} already."))
        return IntegrationSession.objects.select_related("episode").get(appointment=done)


def open_note_for(appointment: Appointment, *, actor: User | None, now: datetime) -> IntegrationSession:
    """The draft of a session that a completed appointment stands for; made once."""
    known = IntegrationSession.objects.filter(appointment=appointment).first()
    if known is not None:
        return known
    return _make(
        appointment.episode,
        held_from=appointment.held_from,
        held_until=appointment.held_until,
        place=appointment.place,
        therapist=appointment.lead or actor,
        actor=actor or appointment.lead,
        appointment=appointment,
        now=now,
    )


def record_session(
    *,
    episode: Episode,
    held_from: datetime,
    held_until: datetime,
    actor: User,
    place: str = MeetingPlace.IN_PERSON,
    therapist: User | None = None,
    outside: OutsideClinician | None = None,
    request_key: UUID | None = None,
    now: datetime | None = None,
) -> IntegrationSession:
    """Record a session that was not booked here, as with an outside therapist. What happened is always recorded."""
    now = now or timezone.now()
    refuse_if(held_time_reasons(held_from, held_until, now=now))
    if (therapist is None) == (outside is None):
        raise Refused(Reason("one-clinician", "Choose who held it.", field="held_by"))
    with transaction.atomic():
        episode = lock_episode(episode)
        known = (
            None
            if request_key is None
            else IntegrationSession.objects.filter(request_key=request_key).first()
        )
        if known is not None:
            return known
        return _make(
            episode,
            held_from=held_from,
            held_until=held_until,
            place=place,
            therapist=therapist,
            outside=outside,
            actor=actor,
            request_key=request_key,
            now=now,
        )


def _make(episode: Any, *, actor: User | None, now: datetime, **fields: Any) -> IntegrationSession:
    session = IntegrationSession.objects.create(
        clinic=episode.clinic, episode=episode, created_at=now, created_by=actor, **fields
    )
    record_event(
        episode=episode,
        kind="integration.held",
        summary=f"Integration session held by {session.held_by}",
        actor=actor,
        at=session.held_from,
        now=now,
        subject=session,
    )
    reassess_episode(episode, now=now)
    return session


def save_note(
    *,
    session: IntegrationSession,
    version: int,
    parts: Mapping[str, Mapping[str, Any]],
    modalities: Sequence[str],
    themes: str,
    plan: str,
    steps: Sequence[str],
    reviews: Mapping[str, tuple[str, str]],
    actor: User,
    now: datetime | None = None,
) -> IntegrationSession:
    """Save the draft. `steps` are the new action steps, `reviews` maps an open step's key to (outcome, note).

    Raises Refused when it is signed, when someone saved it meanwhile, or when a part or modality is not the protocol's.
    """
    now = now or timezone.now()
    with transaction.atomic():
        session, episode = _locked(session)
        if session.is_signed:
            raise Refused(Reason("signed", "It is signed; write an addendum."))
        if version != session.version:
            raise Refused(Reason("changed", "Someone saved this note meanwhile. Your text is kept below."))
        known = {part.key for part in episode.protocol.integration_parts}
        reasons = [Reason("part", f"{key} is no part of this protocol.") for key in parts if key not in known]
        reasons += [
            Reason("modality", f"{value} is no modality.", field="modalities")
            for value in modalities
            if value not in Modality.values
        ]
        refuse_if(reasons)
        session.body = {
            "parts": {
                key: {"covered": bool(part.get("covered")), "note": str(part.get("note", "")).strip()}
                for key, part in parts.items()
            }
        }
        session.modalities = [value for value in Modality.values if value in set(modalities)]
        session.themes, session.plan = themes.strip(), plan.strip()
        session.version += 1
        session.save()
        _set_steps(session, episode, steps, actor=actor, now=now)
        _set_reviews(session, reviews, actor=actor, now=now)
        return session


def _set_steps(
    session: IntegrationSession, episode: Any, steps: Sequence[str], *, actor: User, now: datetime
) -> None:
    wanted = list(dict.fromkeys(text.strip()[:300] for text in steps if text.strip()))
    present = {step.text: step for step in session.action_steps.standing()}
    for text, step in present.items():
        if text not in wanted:
            step.entered_in_error_at, step.entered_in_error_by = now, actor
            step.entered_in_error_reason = "Taken out of the draft"
            step.save(update_fields=["entered_in_error_at", "entered_in_error_by", "entered_in_error_reason"])
    for text in wanted:
        if text not in present:
            ActionStep.objects.create(
                clinic=session.clinic,
                episode=episode,
                session=session,
                text=text,
                created_at=now,
                created_by=actor,
            )


def _set_reviews(
    session: IntegrationSession, reviews: Mapping[str, tuple[str, str]], *, actor: User, now: datetime
) -> None:
    earlier = {
        str(step.pk): step
        for step in ActionStep.objects.standing().filter(episode=session.episode_id).exclude(session=session)
    }
    written = {str(review.step_id): review for review in session.step_reviews.standing()}
    for key, (outcome, note) in reviews.items():
        if key not in earlier or outcome not in StepOutcome.values:
            continue
        review = written.get(key)
        if review is None:
            ActionStepReview.objects.create(
                clinic=session.clinic, step=earlier[key], session=session, outcome=outcome, note=note.strip()[:300],
                created_at=now, created_by=actor,
            )  # fmt: skip
        elif (review.outcome, review.note) != (outcome, note.strip()):
            review.outcome, review.note = outcome, note.strip()[:300]
            review.save(update_fields=["outcome", "note"])


def signing_reasons(session: IntegrationSession, *, signer: User, now: datetime) -> list[Reason]:
    """Why it cannot be signed: nothing covered, no modality, or work that the signer or the patient has not agreed on."""
    found: list[Reason] = []
    parts = session.body.get("parts", {})
    if not any(part["covered"] for part in parts.values()):
        found.append(Reason("nothing-covered", "Mark at least one part that was covered.", field="parts"))
    for key, part in parts.items():
        if part["covered"] and not part["note"]:
            label = next(
                (each.label for each in session.episode.protocol.integration_parts if each.key == key), key
            )
            found.append(
                Reason(f"no-note-{key}", f"{label}: covered, but nothing is written.", field=f"note_{key}")
            )
    if not session.modalities:
        found.append(Reason("no-modality", "Choose how you worked.", field="modalities"))
    if session.therapist is not None:
        found += competency_reasons(session, session.modalities, signer=session.therapist, now=now)
    return found


def competency_reasons(
    session: IntegrationSession, modalities: Sequence[str], *, signer: User, now: datetime
) -> list[Reason]:
    """Trauma-focused, somatic and spiritual work ask for a competency; trauma-focused work for the patient's consent too."""
    day = session.held_from.astimezone(session.clinic.zone).date()
    found: list[Reason] = []
    for modality in modalities:
        kind = COMPETENCY_OF.get(Modality(modality))
        if kind is not None and not _has_competency(session, signer, kind, day):
            label = str(Modality(modality).label)
            found.append(
                Reason(
                    f"competency-{modality}",
                    f"{label}: {signer.name} has no recorded competency ({kind.label.lower()}).",
                    field="modalities",
                )
            )
    if Modality.TRAUMA in modalities and not Consent.objects.valid_on(day).filter(
        episode=session.episode_id, kind=ConsentKind.TRAUMA
    ).exists():  # fmt: skip
        found.append(
            Reason(
                "trauma-consent",
                "Trauma-focused work: the patient's consent to it is not on file.",
                field="modalities",
            )
        )
    return found


def _has_competency(session: IntegrationSession, person: User, kind: CompetencyKind, day: Any) -> bool:
    rows = Competency.objects.filter(clinic=session.clinic_id, user=person, kind=kind, since__lte=day)
    return any(row.ended_on is None or day <= row.ended_on for row in rows)


def sign_note(
    *, session: IntegrationSession, version: int, actor: User, now: datetime | None = None
) -> IntegrationSession:
    """Sign what was saved; nothing of it changes afterwards. Raises Refused with all that is missing. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        session, episode = _locked(session)
        if session.is_signed:
            return session
        reasons = signing_reasons(session, signer=actor, now=now)
        if version != session.version:
            reasons.append(
                Reason("changed", "Someone saved this note meanwhile; read it again before you sign.")
            )
        if session.therapist_id is not None and session.therapist_id != actor.pk:
            reasons.append(Reason("not-yours", f"{session.held_by} held this session and signs its note."))
        refuse_if(reasons)
        session.apply_signature(signer=actor, signed_at=now)
        session.save()
        record_event(
            episode=episode,
            kind="integration.signed",
            summary="Integration note signed",
            actor=actor,
            now=now,
            subject=session,
        )
        return session


def add_addendum(
    *,
    session: IntegrationSession,
    text: str,
    actor: User,
    addendum_id: UUID | None = None,
    now: datetime | None = None,
) -> IntegrationAddendum:
    """Add text to a signed note; the same `addendum_id` again is the one that is there."""
    now = now or timezone.now()
    if not text.strip():
        raise Refused(Reason("no-text", "Write the addendum.", field="text"))
    with transaction.atomic():
        session, episode = _locked(session)
        if not session.is_signed:
            raise Refused(Reason("draft", "The note is a draft: change it instead."))
        if addendum_id is not None:
            known = IntegrationAddendum.objects.filter(pk=addendum_id, note=session).first()
            if known is not None:
                return known
        fields: dict[str, Any] = {} if addendum_id is None else {"id": addendum_id}
        try:
            with transaction.atomic():
                addendum = IntegrationAddendum.objects.create(
                    clinic=session.clinic,
                    note=session,
                    text=text.strip(),
                    created_at=now,
                    created_by=actor,
                    **fields,
                )
        except IntegrityError as error:
            raise Refused(Reason("again", "Reload the page and try again.")) from error
        record_event(
            episode=episode,
            kind="integration.addendum",
            summary="Addendum to an integration note",
            actor=actor,
            now=now,
            subject=session,
        )
        return addendum


def _locked(session: IntegrationSession) -> tuple[IntegrationSession, Any]:
    episode = lock_episode(session.episode)
    fresh = (
        IntegrationSession.objects.select_for_update(of=("self",))
        .select_related("clinic", "therapist", "outside")
        .get(pk=session.pk)
    )
    fresh.episode = episode
    return fresh, episode
