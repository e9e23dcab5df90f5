"""Verbs over handoffs: keep a draft, sign it, amend it, acknowledge it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.documents import snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.kinds import DocumentKind
from kapclinic.documents.models import Document
from kapclinic.documents.notes import NoteState
from kapclinic.documents.parts import letterhead_of, local_time, patient_block, signature_of
from kapclinic.documents.services import issue_document
from kapclinic.handoffs import record
from kapclinic.handoffs.fields import FIELDS, cleaned, missing
from kapclinic.handoffs.models import Acknowledgement, Handoff, HandoffKind
from kapclinic.handoffs.selectors import READ_TASK, READER_ROLE, read_task_key, receiver_name, receiver_of
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.services import close_task, open_task
from sessions.models import DosingSession
from sessions.selectors import dose_number

ended_by_work(READ_TASK)

AUTHOR_ROLE = {HandoffKind.TO_PRESCRIBER: Role.THERAPIST, HandoffKind.TO_THERAPIST: Role.PRESCRIBER}


def document_home(document: Document) -> str:
    """The page of the handoff that a document prints."""
    handoff = Handoff.objects.filter(document=document).first()
    return reverse("handoffs:detail", args=[handoff.pk]) if handoff else ""


KINDS = {
    HandoffKind.TO_PRESCRIBER: DocumentKind(
        "handoff-to-prescriber",
        "Handoff to the prescriber",
        "handoff-to-prescriber",
        "handoff.read",
        home=document_home,
    ),
    HandoffKind.TO_THERAPIST: DocumentKind(
        "handoff-to-therapist",
        "Handoff to the therapist",
        "handoff-to-therapist",
        "handoff.read",
        home=document_home,
    ),
}


def _newest(session: DosingSession, kind: str) -> Handoff | None:
    found = Handoff.objects.standing().filter(session=session, kind=kind)
    return found.select_for_update(of=("self",)).order_by("-edition").first()


def save_draft(
    *,
    session: DosingSession,
    kind: str,
    body: Mapping[str, str],
    version: int,
    actor: User,
    now: datetime | None = None,
) -> Handoff:
    """Keep what was written. `version` is the draft's version that the writer saw, 0 for none yet.

    Raises:
        Refused: somebody else saved in between, it is already signed, or the dose has not been given or called off.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(session.episode)
        refuse_if(_may_be_written(session, kind))
        draft = _newest(session, kind)
        text = cleaned(kind, body)
        if draft is None:
            offered = record.suggestions(session, kind)
            return Handoff.objects.create(
                clinic=session.clinic,
                episode=episode,
                session=session,
                kind=kind,
                body=text,
                sources={key: suggestion.source for key, suggestion in offered.items()},
                author=actor,
                created_at=now,
                created_by=actor,
                updated_at=now,
            )
        if draft.is_signed:
            raise Refused(Reason("signed", "This handoff is signed. Amend it to change it."))
        if draft.body == text:
            return draft
        if draft.version != version:
            raise Refused(
                Reason(
                    "changed-meanwhile",
                    f"{draft.author} saved another text meanwhile; both are shown, nothing is lost.",
                )
            )
        draft.body = text
        draft.version += 1
        draft.author = actor
        draft.updated_at = now
        draft.save(update_fields=["body", "version", "author", "updated_at"])
        return draft


def _may_be_written(session: DosingSession, kind: str) -> list[Reason]:
    reasons: list[Reason] = []
    if session.is_struck or session.is_called_off:
        reasons.append(Reason("dose-called-off", "This dosing session did not take place."))
    if kind == HandoffKind.TO_THERAPIST and session.anchors().d0 is None:
        reasons.append(Reason("dose-not-given", "No dose is recorded in this session yet."))
    return reasons


def sign_handoff(*, handoff: Handoff, version: int, actor: User, now: datetime | None = None) -> Handoff:
    """Sign a draft, freeze its document, have the PDF made and ask its receiver to read it. Twice changes nothing.

    Raises:
        Refused: a required field is empty, or the draft is not the one that was shown.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(handoff.episode)
        draft = (
            Handoff.objects.select_for_update(of=("self",))
            .select_related("session", "supersedes")
            .get(pk=handoff.pk)
        )
        if draft.is_signed:
            return draft
        reasons = [
            Reason(f"empty-{field.key}", f"{field.title}: say it, or write that there is none.", field.key)
            for field in missing(draft.kind, draft.body)
        ]
        if draft.version != version:
            reasons.append(
                Reason(
                    "changed-meanwhile",
                    f"{draft.author} saved another text meanwhile; read it before signing.",
                )
            )
        reasons += _may_be_written(draft.session, draft.kind)
        refuse_if(reasons)
        draft.document = _issue(draft, episode, actor=actor, now=now)
        draft.apply_signature(signer=actor, signed_at=now)
        draft.save(update_fields=["document", "state", "signed_by", "signed_at", "content_hash"])
        number = dose_number(draft.session)
        record_event(
            episode=episode,
            kind="handoff.signed",
            summary=f"Handoff {_direction(draft.kind)} signed, dose {number}"
            + (f", edition {draft.edition}" if draft.edition > 1 else ""),
            actor=actor,
            at=now,
            now=now,
            subject=draft,
        )
        if draft.supersedes is not None:
            close_task(key=read_task_key(draft.supersedes.pk), outcome="a newer edition was signed", now=now)
        receiver = receiver_of(episode, draft.kind, now)
        if receiver is None or receiver.pk != actor.pk:
            open_task(
                clinic=draft.clinic,
                key=read_task_key(draft.pk),
                kind=READ_TASK,
                title=f"Read the handoff {_direction(draft.kind)}, dose {number}",
                role=READER_ROLE[HandoffKind(draft.kind)],
                person=receiver,
                episode=episode,
                url=reverse("handoffs:detail", args=[draft.pk]),
                due_at=draft.session.planned_at if draft.kind == HandoffKind.TO_PRESCRIBER else None,
                actor=actor,
                now=now,
            )
    return draft


def _direction(kind: str) -> str:
    return "to the prescriber" if kind == HandoffKind.TO_PRESCRIBER else "to the therapist"


def _issue(draft: Handoff, episode: Episode, *, actor: User, now: datetime) -> Document:
    zone = draft.clinic.zone
    number = dose_number(draft.session)
    before = draft.kind == HandoffKind.TO_PRESCRIBER
    heading = f"Handoff {_direction(draft.kind)} {'before' if before else 'after'} dose {number}"
    role = AUTHOR_ROLE[HandoffKind(draft.kind)].label
    top = [
        ("From", f"{actor.full_name}, {role.lower()}"),
        ("To", receiver_name(episode, draft.kind, now)),
        ("Dosing session", local_time(draft.session.planned_at, zone)),
    ]
    if draft.amendment_reason:
        top.append(("Why it was amended", draft.amendment_reason))
    whole = snapshots.snapshot(
        heading=heading,
        subheading=draft.get_kind_display(),
        letterhead=letterhead_of(draft.clinic),
        patient=patient_block(episode.patient),
        facts_on_top=top,
        sections=_sections(draft, episode),
        signature=signature_of(person=actor, role=role, at=now, zone=zone, version=draft.edition),
    )
    return issue_document(
        clinic=draft.clinic,
        kind=KINDS[HandoffKind(draft.kind)].key,
        subject_id=episode.pk,
        title=heading,
        snapshot=whole,
        actor=actor,
        supersedes=draft.supersedes.document if draft.supersedes else None,
        now=now,
    )


def preview_sections(session: DosingSession, kind: str) -> list[dict[str, Any]]:
    """What will be printed from the record beside the written text, as it stands now."""
    parts = [
        snapshots.section("safety", "Safety", ConsentCategory.SAFETY, record.safety_blocks(session.episode))
    ]
    if kind == HandoffKind.TO_THERAPIST:
        parts.append(
            snapshots.section("dose", "Dose and route", ConsentCategory.DOSE, record.dose_blocks(session))
        )
        events = record.event_blocks(session)
        if events:
            parts.append(
                snapshots.section("events", "Adverse events", ConsentCategory.ADVERSE_EVENTS, events)
            )
    parts.append(
        snapshots.section("scores", "Scores", ConsentCategory.SCORES, record.score_blocks(session.episode))
    )
    return list(snapshots.shown_sections({"sections": parts}))


def _sections(draft: Handoff, episode: Episode) -> list[dict[str, Any]]:
    """The written fields in their order, each with what the record says of it; then safety and scores."""
    recorded: dict[str, list[snapshots.Block]] = {}
    if draft.kind == HandoffKind.TO_THERAPIST:
        recorded = {
            "dose": record.dose_blocks(draft.session),
            "adverse_events": record.event_blocks(draft.session),
        }
    parts = []
    for field in FIELDS[draft.kind]:
        text = draft.body.get(field.key, "")
        blocks = ([snapshots.prose(text)] if text else []) + recorded.get(field.key, [])
        if blocks or field.is_required:
            parts.append(snapshots.section(field.key, field.title, field.category, blocks))
    parts.append(snapshots.section("safety", "Safety", ConsentCategory.SAFETY, record.safety_blocks(episode)))
    parts.append(
        snapshots.section("scores", "Outcome scores", ConsentCategory.SCORES, record.score_blocks(episode))
    )
    return parts


def amend_handoff(*, handoff: Handoff, reason: str, actor: User, now: datetime | None = None) -> Handoff:
    """Start the next edition of a signed handoff from its text. A draft of it that is already there is given back.

    Raises:
        Refused: no reason, not signed yet, or a newer edition was signed.
    """
    now = now or timezone.now()
    with transaction.atomic():
        lock_episode(handoff.episode)
        newest = _newest(handoff.session, handoff.kind)
        if newest is not None and not newest.is_signed and newest.supersedes_id == handoff.pk:
            return newest
        reasons: list[Reason] = []
        if not reason.strip():
            reasons.append(Reason("no-reason", "Say why it is amended.", "reason"))
        if newest is None or newest.pk != handoff.pk:
            reasons.append(Reason("not-newest", "There is a newer edition of this handoff."))
        elif not newest.is_signed:
            reasons.append(Reason("not-signed", "It is not signed yet: change the draft."))
        refuse_if(reasons)
        return Handoff.objects.create(
            clinic=handoff.clinic,
            episode=handoff.episode,
            session=handoff.session,
            kind=handoff.kind,
            edition=handoff.edition + 1,
            supersedes=handoff,
            amendment_reason=reason.strip()[:300],
            body=dict(handoff.body),
            sources=dict(handoff.sources),
            author=actor,
            created_at=now,
            created_by=actor,
            updated_at=now,
        )


def acknowledge_handoff(
    *, handoff: Handoff, actor: User, reply: str = "", now: datetime | None = None
) -> Acknowledgement:
    """The receiver has read this edition. A second press gives the first acknowledgement.

    Raises:
        Refused: it is not signed, was struck or amended, or one's own.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(handoff.episode)
        locked = Handoff.objects.select_for_update(of=("self",)).get(pk=handoff.pk)
        known = Acknowledgement.objects.filter(handoff=locked).first()
        if known is not None:
            return known
        reasons: list[Reason] = []
        if locked.state != NoteState.SIGNED or locked.is_struck:
            reasons.append(Reason("not-signed", "Only a signed handoff can be read and acknowledged."))
        if Handoff.objects.signed().filter(supersedes=locked).exists():
            reasons.append(Reason("not-newest", "There is a newer edition: read that one."))
        if locked.signed_by_id == actor.pk:
            reasons.append(Reason("own", "Whoever wrote a handoff cannot acknowledge it."))
        refuse_if(reasons)
        try:
            with transaction.atomic():
                done = Acknowledgement.objects.create(
                    clinic=locked.clinic, handoff=locked, person=actor, at=now, reply=reply.strip(), created_at=now,
                    created_by=actor,
                )  # fmt: skip
        except IntegrityError:
            return Acknowledgement.objects.get(handoff=locked)
        record_event(
            episode=episode, kind="handoff.read", summary=f"Handoff {_direction(locked.kind)} read", actor=actor, at=now,
            now=now, subject=locked,
        )  # fmt: skip
        close_task(key=read_task_key(locked.pk), actor=actor, outcome="read", now=now)
    return done


@takes_back(Handoff)
def handoff_was_struck(entry: Handoff, *, actor: User, now: datetime) -> None:
    """A handoff entered in error asks nobody to read it any more."""
    close_task(key=read_task_key(entry.pk), outcome="entered in error", now=now)
