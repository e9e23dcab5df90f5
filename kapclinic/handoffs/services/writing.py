"""Writing a handoff: keep a draft, sign it, amend it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.documents.notes import NoteState
from kapclinic.handoffs import prefill
from kapclinic.handoffs.fields import cleaned, missing
from kapclinic.handoffs.models import OF_A_DOSE, Handoff, HandoffKind
from kapclinic.handoffs.selectors import part_of, write_task_key, written_about
from kapclinic.handoffs.services.asking import ask_to_read, look_again, stop_asking
from kapclinic.handoffs.services.issuing import issue, short_words
from kapclinic.notices.services import close_tasks
from sessions.models import DosingSession


def _draft_of(episode: Episode, session: DosingSession | None, kind: str) -> Handoff | None:
    """What stands of a handoff: its draft, else its newest signed edition. Each emergency is a handoff of its own."""
    found = Handoff.objects.standing().filter(episode=episode, session=session, kind=kind)
    if kind == HandoffKind.EMERGENCY:
        found = found.filter(state=NoteState.DRAFT)
    return found.select_for_update(of=("self",)).order_by("-edition").first()


def save_draft(
    *,
    kind: str,
    body: Mapping[str, str],
    version: int,
    actor: User,
    session: DosingSession | None = None,
    episode: Episode | None = None,
    now: datetime | None = None,
) -> Handoff:
    """Keep what was written about a `session`, or about an `episode` where the kind is about the episode.

    `version` is the draft's version that the writer saw, 0 for none yet.

    Raises:
        Refused: somebody else saved in between, it is already signed, or the dose has not been given or called off.
        ValueError: the kind is about a dose and there is no session, or the other way round.
    """
    now = now or timezone.now()
    if (kind in OF_A_DOSE) != (session is not None):
        raise ValueError(
            f"a handoff of kind {kind} is about {'a dose' if kind in OF_A_DOSE else 'the episode'}"
        )
    about = episode if session is None else session.episode
    assert about is not None, "a handoff is about a session or an episode"
    with transaction.atomic():
        locked = lock_episode(about)
        refuse_if(_may_be_written(session, kind))
        draft = _draft_of(locked, session, kind)
        text = cleaned(kind, body)
        if draft is None:
            offered = prefill.suggestions(kind, episode=locked, session=session, now=now)
            return Handoff.objects.create(
                clinic=locked.clinic,
                episode=locked,
                session=session,
                kind=kind,
                body=text,
                sources=prefill.as_stored(offered),
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


def _may_be_written(session: DosingSession | None, kind: str) -> list[Reason]:
    reasons: list[Reason] = []
    if session is None:
        return reasons
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
        if draft.is_struck:
            reasons.append(Reason("struck", "This draft was entered in error: write another one."))
        reasons += _may_be_written(draft.session, draft.kind)
        refuse_if(reasons)
        if draft.kind not in OF_A_DOSE:
            draft.author_part = part_of(episode, actor, now)
        draft.author = actor
        draft.document = issue(draft, episode, actor=actor, now=now)
        draft.apply_signature(signer=actor, signed_at=now)
        draft.save(
            update_fields=[
                "author", "author_part", "document", "state", "signed_by", "signed_at", "content_hash",
            ]
        )  # fmt: skip
        record_event(
            episode=episode,
            kind="handoff.signed",
            summary=f"{short_words(draft)} signed"
            + (f", edition {draft.edition}" if draft.edition > 1 else ""),
            actor=actor,
            at=now,
            now=now,
            subject=draft,
        )
        about = written_about(draft.kind, episode.pk, draft.session_id)
        close_tasks(keys=[write_task_key(about)], actor=actor, outcome="signed", now=now)
        look_again(episode.clinic, now=now)
        if draft.supersedes is not None:
            stop_asking(draft.supersedes, outcome="a newer edition was signed", now=now)
        ask_to_read(draft, episode, now=now)
    return draft


def amend_handoff(*, handoff: Handoff, reason: str, actor: User, now: datetime | None = None) -> Handoff:
    """Start the next edition of a signed handoff from its text. A draft of it that is already there is given back.

    Raises:
        Refused: no reason, not signed yet, or a newer edition was signed.
    """
    now = now or timezone.now()
    with transaction.atomic():
        lock_episode(handoff.episode)
        known = Handoff.objects.select_for_update(of=("self",)).get(pk=handoff.pk)
        newer = Handoff.objects.standing().filter(supersedes=known).first()
        if newer is not None and not newer.is_signed:
            return newer
        reasons: list[Reason] = []
        if not reason.strip():
            reasons.append(Reason("no-reason", "Say why it is amended.", "reason"))
        if newer is not None or known.is_struck:
            reasons.append(Reason("not-newest", "There is a newer edition of this handoff."))
        elif not known.is_signed:
            reasons.append(Reason("not-signed", "It is not signed yet: change the draft."))
        elif known.kind == HandoffKind.EMERGENCY and _draft_of(known.episode, None, known.kind) is not None:
            reasons.append(
                Reason(
                    "other-draft",
                    "Another emergency handoff of this patient is still a draft: sign it first.",
                )
            )
        refuse_if(reasons)
        return Handoff.objects.create(
            clinic=known.clinic,
            episode=known.episode,
            session=known.session,
            kind=known.kind,
            edition=_last_number(known) + 1,
            supersedes=known,
            amendment_reason=reason.strip()[:300],
            body=dict(known.body),
            sources=dict(known.sources),
            author=actor,
            created_at=now,
            created_by=actor,
            updated_at=now,
        )


def _last_number(known: Handoff) -> int:
    """The highest edition there was of a handoff: a struck one keeps its number. Each emergency is a chain of its own."""
    same = Handoff.objects.filter(episode=known.episode_id, session=known.session_id, kind=known.kind)
    if known.kind == HandoffKind.EMERGENCY:
        same = same.filter(Q(pk=known.pk) | Q(supersedes=known))
    return int(same.aggregate(most=Max("edition"))["most"])
