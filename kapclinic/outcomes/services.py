"""Issuing the outcome report as a document."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.policy import Actor
from kapclinic.documents import kinds, snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.kinds import DocumentKind
from kapclinic.documents.models import Document
from kapclinic.documents.services import issue_document
from kapclinic.outcomes.report import COLUMNS, Report, build_report, rows_of

KIND = "outcome-report"


def register_kind() -> None:
    """Make the report known as a kind of document; called once at start."""
    from django.urls import reverse

    kinds.register(
        DocumentKind(
            key=KIND,
            label="Outcome report",
            file_word="outcome-report",
            action="outcomes.export",
            home=lambda _document: reverse("outcomes:overview"),
        )
    )


def issue_report(*, actor: Actor, period: str, now: datetime | None = None) -> Document:
    """Freeze the clinic's report as of now and have its PDF made; the same figures again give the document that is there."""
    now = now or timezone.now()
    report = build_report(actor, is_clinic=True, period=period, now=now)
    snapshot = _snapshot(report, actor)
    with transaction.atomic():
        same = Document.objects.standing().filter(
            clinic=actor.clinic, kind=KIND, subject_id=actor.clinic.pk, snapshot=snapshot
        )
        known = same.first()
        if known is not None:
            return known
        return issue_document(
            clinic=actor.clinic,
            kind=KIND,
            subject_id=actor.clinic.pk,
            title=f"Outcome report: {report.period_words.lower()}",
            snapshot=snapshot,
            actor=actor.user,
            now=now,
        )


def _snapshot(report: Report, actor: Actor) -> dict:
    clinic = actor.clinic
    local = report.at.astimezone(actor.zone)
    header = tuple(column.capitalize() for column in COLUMNS)
    everyone = [row for row in rows_of(report) if row[1] == "All"]
    parts = [row for row in rows_of(report) if row[1] != "All"]
    sections = [
        snapshots.section(
            "figures",
            "Figures",
            ConsentCategory.SCORES,
            [snapshots.table("Figures of the whole group", header, everyone)],
        )
    ]
    if parts:
        sections.append(
            snapshots.section(
                "parts",
                "By protocol, reason and grade",
                ConsentCategory.SCORES,
                [snapshots.table("Figures of its parts", header, parts)],
            )
        )
    sections.append(
        snapshots.section(
            "method", "How it was counted", ConsentCategory.SCORES, [snapshots.items(method(report))]
        )
    )
    return snapshots.snapshot(
        heading="Outcome report",
        subheading=report.period_words,
        letterhead=snapshots.Letterhead(
            clinic=clinic.name,
            address=clinic.address,
            phone=clinic.phone,
            after_hours_phone=clinic.after_hours_phone,
            is_demo=clinic.is_demo,
        ),
        patient=None,
        facts_on_top=[
            ("Counted", f"{local.day} {local:%B %Y, %H:%M %Z}"),
            ("Episodes with a dose", report.dosed_text),
        ],
        sections=sections,
        closing_note="Counts alone: no person, no date of a person, no free text (45 CFR 164.514(b)(2)).",
    )


def method(report: Report) -> list[str]:
    """What the figures mean and do not mean, one sentence each."""
    lines = [
        "Response: the score at least halved, from a baseline of 10 or more (PCL-5: at least 5 points lower).",
        "Remission range: a score below 5, from a baseline of 5 or more. It is not the same as being well for two months.",
        f"Follow-up: the latest complete questionnaire from {report.follow_up_from_days} days after the first dose.",
        "A questionnaire with a blank has no total and counts as missing; nothing is estimated or carried forward.",
        "In-window rate: integration sessions held wholly inside their window over all windows that have closed.",
        "A change after treatment is not proof that the treatment caused it: there is no comparison group.",
    ]
    if report.hide_below:
        lines.append(
            f"Counts from 1 to {report.hide_below - 1} are hidden, and with them what would give them away."
        )
    return lines
