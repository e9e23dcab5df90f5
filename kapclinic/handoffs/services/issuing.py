"""The document of a signed handoff: what is frozen, and in which words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from episodes.models import Episode
from episodes.sharing import Discipline
from kapclinic.accounts.models import User
from kapclinic.documents import snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.kinds import DocumentKind
from kapclinic.documents.models import Document
from kapclinic.documents.parts import letterhead_of, local_time, patient_block, signature_of
from kapclinic.documents.services import issue_document
from kapclinic.handoffs import prefill, record
from kapclinic.handoffs.changes import field_changes
from kapclinic.handoffs.claims import divergences_of
from kapclinic.handoffs.fields import PRESCRIBER, written
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.selectors import ROLE_OF_PART, receiver_name
from sessions.models import DosingSession
from sessions.selectors import dose_number


def document_home(document: Document) -> str:
    """The page of the handoff that a document prints."""
    handoff = Handoff.objects.filter(document=document).first()
    return reverse("handoffs:detail", args=[handoff.pk]) if handoff else ""


_LABELS = {
    HandoffKind.COORDINATION: "First coordination",
    HandoffKind.TO_PRESCRIBER: "Handoff to the prescriber",
    HandoffKind.TO_THERAPIST: "Handoff to the therapist",
    HandoffKind.EMERGENCY: "Emergency handoff",
}
# Between whose words and their reader a sharing consent stands; the others are drawn together from the record.
_ORIGINS = {HandoffKind.TO_PRESCRIBER: Discipline.THERAPY, HandoffKind.TO_THERAPIST: Discipline.MEDICAL}
KINDS = {
    kind: DocumentKind(
        f"handoff-{kind}",
        label,
        f"handoff-{kind}",
        "handoff.read",
        home=document_home,
        origin=_ORIGINS.get(kind, ""),
    )
    for kind, label in _LABELS.items()
}


def direction(part: str) -> str:
    """To whom, in words."""
    return "to the prescriber" if part == PRESCRIBER else "to the therapist"


def short_words(handoff: Handoff) -> str:
    """The handoff in a few words for logs and tasks: no health data."""
    if handoff.session is not None:
        return f"Handoff {direction(handoff.reader_part)}, dose {dose_number(handoff.session)}"
    if handoff.kind == HandoffKind.COORDINATION:
        return "First coordination"
    return f"Emergency handoff {direction(handoff.reader_part)}"


def _heading(draft: Handoff) -> str:
    if draft.session is None:
        return short_words(draft)
    number = dose_number(draft.session)
    when = "before" if draft.kind == HandoffKind.TO_PRESCRIBER else "after"
    return f"Handoff {direction(draft.reader_part)} {when} dose {number}"


def issue(draft: Handoff, episode: Episode, *, actor: User, now: datetime) -> Document:
    """Freeze a draft that `actor` signs, in the caller's transaction, and have its PDF made."""
    zone = draft.clinic.zone
    heading = _heading(draft)
    role = ROLE_OF_PART[draft.written_by_part].label
    top = [
        ("From", f"{actor.full_name}, {role.lower()}"),
        ("To", receiver_name(episode, draft.reader_part, now)),
    ]
    if draft.session is not None:
        top.append(("Dosing session", local_time(draft.session.planned_at, zone)))
    if draft.kind == HandoffKind.COORDINATION:
        top.append(("Agreed", "In force once both have confirmed this edition"))
    if draft.amendment_reason:
        top.append(("Why it was amended", draft.amendment_reason))
    if draft.supersedes is not None:
        changed = [change.title for change in field_changes(draft.kind, draft.supersedes.body, draft.body)]
        top.append(("Changed in this edition", ", ".join(changed) or "No field"))
    whole = snapshots.snapshot(
        heading=heading,
        subheading=draft.get_kind_display(),
        letterhead=letterhead_of(draft.clinic),
        patient=patient_block(episode.patient),
        facts_on_top=top,
        sections=_sections(draft, episode, now),
        signature=signature_of(person=actor, role=role, at=now, zone=zone, version=draft.edition),
    )
    return issue_document(
        clinic=draft.clinic,
        kind=KINDS[HandoffKind(draft.kind)].key,
        subject_id=episode.pk,
        title=heading,
        snapshot=whole,
        actor=actor,
        supersedes=_document_before(draft),
        now=now,
    )


def _document_before(draft: Handoff) -> Document | None:
    """The last document of the editions before, those entered in error included: versions are counted on."""
    found = draft.supersedes.document if draft.supersedes is not None else None
    while found is not None:
        newer = Document.objects.filter(supersedes=found).first()
        if newer is None:
            break
        found = newer
    return found


def preview_sections(kind: str, episode: Episode, session: DosingSession | None) -> list[dict[str, Any]]:
    """What will be printed from the record beside the written text, as it stands now."""
    parts = [snapshots.section("safety", "Safety", ConsentCategory.SAFETY, record.safety_blocks(episode))]
    if kind == HandoffKind.TO_THERAPIST and session is not None:
        parts.append(
            snapshots.section("dose", "Dose and route", ConsentCategory.DOSE, record.dose_blocks(session))
        )
        events = record.event_blocks(session)
        if events:
            parts.append(
                snapshots.section("events", "Adverse events", ConsentCategory.ADVERSE_EVENTS, events)
            )
    if kind != HandoffKind.EMERGENCY:
        parts.append(
            snapshots.section("scores", "Scores", ConsentCategory.SCORES, record.score_blocks(episode))
        )
    return list(snapshots.shown_sections({"sections": parts}))


def _sections(draft: Handoff, episode: Episode, now: datetime) -> list[dict[str, Any]]:
    """What differs between the two disciplines, the written fields in their order, each with what the record says of it; then
    safety and scores."""
    recorded: dict[str, list[snapshots.Block]] = {}
    if draft.kind == HandoffKind.TO_THERAPIST and draft.session is not None:
        recorded = {
            "dose": record.dose_blocks(draft.session),
            "adverse_events": record.event_blocks(draft.session),
        }
    parts = _divergence_sections(draft, episode, now)
    sources = prefill.from_stored(draft.sources)
    words: dict[ConsentCategory, list[tuple[str, str]]] = {}
    for field, text in written(draft.kind, draft.body):
        if field.choices:
            if text:
                words.setdefault(field.category, []).append((field.title, text))
            continue
        blocks = ([snapshots.prose(text)] if text else []) + recorded.get(field.key, [])
        if blocks or field.is_required:
            found_in = ", ".join(source.words for source in sources.get(field.key, ()))
            source = f"Begun from: {found_in}" if found_in else ""
            parts.append(snapshots.section(field.key, field.title, field.category, blocks, source=source))
    for category, rows in words.items():
        key = f"in-one-word-{category.value}"
        # A section for each consent category; the second would have the first one's title.
        title = "In one word" if category is ConsentCategory.SAFETY else f"{rows[0][0]}, in one word"
        parts.append(snapshots.section(key, title, category, [snapshots.facts(rows)]))
    parts.append(
        snapshots.section("recorded-safety", "Safety", ConsentCategory.SAFETY, record.safety_blocks(episode))
    )
    if draft.kind != HandoffKind.EMERGENCY:
        parts.append(
            snapshots.section(
                "scores", "Outcome scores", ConsentCategory.SCORES, record.score_blocks(episode)
            )
        )
    return parts


def _divergence_sections(draft: Handoff, episode: Episode, now: datetime) -> list[dict[str, Any]]:
    """One section for each consent category in which therapist and prescriber recorded different things."""
    zone = draft.clinic.zone
    rows: dict[ConsentCategory, list[tuple[str, ...]]] = {}
    for each in divergences_of(episode, now, besides=draft):
        for claim in each.sides:
            cells = (
                each.title,
                claim.part.capitalize(),
                claim.words,
                f"{claim.source}, {local_time(claim.at, zone)}",
            )
            rows.setdefault(each.category, []).append(cells)
    columns = ("Question", "Who", "Recorded", "Where and when")
    return [
        snapshots.section(
            f"divergence-{category.value}",
            "Recorded differently, when this was signed",
            category,
            [
                snapshots.notice("Settle this between the two of you before the next dose."),
                snapshots.table("What each recorded last", columns, found),
            ],
        )
        for category, found in rows.items()
    ]
