"""That a handoff was read: by its receiver here, or heard by somebody outside."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, refuse_if
from kapclinic.documents.models import Document
from kapclinic.documents.notes import NoteState
from kapclinic.handoffs.models import Acknowledgement, Handoff, HandoffKind, HeardHow
from kapclinic.handoffs.services.asking import ask_to_read, stop_asking
from kapclinic.handoffs.services.issuing import short_words
from kapclinic.notices.services import mark_read


def acknowledge_handoff(
    *, handoff: Handoff, actor: User, reply: str = "", now: datetime | None = None
) -> Acknowledgement:
    """The receiver has read this edition; of a first coordination: confirms it. A second press gives the first acknowledgement.

    Raises:
        Refused: it is not signed, was struck or amended, or one's own.
    """
    return _acknowledge(handoff, actor=actor, reply=reply, now=now or timezone.now())


def record_heard(
    *,
    handoff: Handoff,
    actor: User,
    heard_by: str,
    how: str,
    heard_at: datetime | None = None,
    reply: str = "",
    now: datetime | None = None,
) -> Acknowledgement:
    """Somebody without an account heard this edition: who, by what way (`HeardHow`), when. A second press gives the first.

    Raises:
        Refused: nobody is named, the time lies before the signature or ahead, it is not signed, was struck or amended.
    """
    now = now or timezone.now()
    at = heard_at or now
    reasons: list[Reason] = []
    if not heard_by.strip():
        reasons.append(Reason("heard-by-nobody", "Say who heard it.", "heard_by"))
    if how not in HeardHow.values:
        reasons.append(Reason("heard-how", "Say by what way.", "how"))
    if at > now:
        reasons.append(Reason("heard-ahead", "That time is still to come.", "heard_at"))
    if handoff.signed_at is not None and at < handoff.signed_at.replace(second=0, microsecond=0):
        reasons.append(Reason("heard-before", "It was signed after that time.", "heard_at"))
    refuse_if(reasons)
    return _acknowledge(
        handoff, actor=actor, reply=reply, now=now, at=at, heard_by=heard_by.strip(), heard_how=how
    )


def _acknowledge(
    handoff: Handoff,
    *,
    actor: User,
    reply: str,
    now: datetime,
    at: datetime | None = None,
    heard_by: str = "",
    heard_how: str = "",
) -> Acknowledgement:
    with transaction.atomic():
        episode = lock_episode(handoff.episode)
        locked = Handoff.objects.select_for_update(of=("self",)).get(pk=handoff.pk)
        known = Acknowledgement.objects.filter(handoff=locked).first()
        if known is not None:
            return known
        reasons: list[Reason] = []
        if locked.state != NoteState.SIGNED or locked.is_struck:
            reasons.append(Reason("not-signed", "Only a signed handoff can be read and acknowledged."))
        newer = Handoff.objects.signed().filter(supersedes=locked).first()
        if newer is not None:
            reasons.append(
                Reason("not-newest", f"Edition {newer.edition} was signed meanwhile: read that one.")
            )
        if locked.signed_by_id == actor.pk and not heard_by:
            reasons.append(Reason("own", "Whoever wrote a handoff cannot acknowledge it."))
        refuse_if(reasons)
        try:
            with transaction.atomic():
                done = Acknowledgement.objects.create(
                    clinic=locked.clinic, handoff=locked, person=actor, at=at or now, reply=reply.strip(), created_at=now,
                    created_by=actor, heard_by=heard_by, heard_how=heard_how,
                )  # fmt: skip
        except IntegrityError:
            return Acknowledgement.objects.get(handoff=locked)
        word = (
            "agreed by both"
            if locked.kind == HandoffKind.COORDINATION
            else "heard outside"
            if heard_by
            else "read"
        )
        record_event(
            episode=episode, kind="handoff.read", summary=f"{short_words(locked)} {word}", actor=actor, at=at or now, now=now,
            subject=locked,
        )  # fmt: skip
        stop_asking(locked, actor=actor, outcome=word, now=now)
        mark_read(
            receiver=actor, clinic=locked.clinic, url=reverse("handoffs:detail", args=[locked.pk]), now=now
        )
    return done


@takes_back(Handoff)
def handoff_was_struck(entry: Handoff, *, actor: User, now: datetime) -> None:
    """A handoff entered in error asks nobody to read it any more, and its paper says so.

    The edition before it is in force again, and whoever has not read that one is asked to.
    """
    stop_asking(entry, outcome="entered in error", now=now)
    if entry.document_id is not None:
        Document.objects.filter(pk=entry.document_id, entered_in_error_at__isnull=True).update(
            entered_in_error_at=now, entered_in_error_by=actor,
            entered_in_error_reason=entry.entered_in_error_reason,
        )  # fmt: skip
    before = entry.supersedes
    while before is not None and before.is_struck:
        before = before.supersedes
    if before is not None and Handoff.objects.unread().filter(pk=before.pk).exists():
        ask_to_read(before, entry.episode, now=now)
