"""The patient's list of what was disclosed, as a document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Consent, ConsentKind, Episode
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.documents import snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import day_label
from kapclinic.documents.kinds import DocumentKind
from kapclinic.documents.models import Disclosure, Document
from kapclinic.documents.parts import letterhead_of, local_time, patient_block
from kapclinic.documents.selectors import current_document
from kapclinic.documents.services import issue_document

LIST_KIND = "disclosure-list"


def _home(document: Document) -> str:
    public_id = Episode.objects.filter(pk=document.subject_id).values_list("public_id", flat=True).first()
    return reverse("episodes:disclosures", args=[public_id]) if public_id else ""


DISCLOSURE_LIST = DocumentKind(LIST_KIND, "List of disclosures", "disclosures", "disclosure.list", home=_home)


def issue_disclosure_list(*, episode: Episode, actor: User, now: datetime | None = None) -> Document:
    """The list of what was disclosed, for the patient (45 CFR 164.528, 42 CFR 2.25); nothing new gives the same document."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        zone = episode.clinic.zone
        rows = list(Disclosure.objects.filter(subject_id=episode.pk).order_by("at", "pk"))
        consents = list(
            Consent.objects.filter(episode=episode, kind=ConsentKind.SHARING).standing().order_by("signed_on")
        )
        admin = ConsentCategory.ADMINISTRATIVE
        listed = snapshots.table(
            "Disclosures, the earliest first",
            ("When", "What", "To whom, and how", "Why"),
            [
                (
                    local_time(row.at, zone),
                    f"{row.what}: {_labels(row.shown)}"
                    + (f"; withheld: {_labels(row.withheld)}" if row.withheld else ""),
                    f"{row.receiver_name} ({row.receiver_part.lower()}): {_in_a_sentence(row.get_medium_display())}",
                    ". ".join(filter(None, (row.get_basis_display(), row.purpose, row.reason))),
                )
                for row in rows
            ],
        )
        on_file = snapshots.table(
            "Sharing consents on file",
            ("Signed", "Covers", "To whom", "For what", "Until"),
            [
                (
                    day_label(consent.signed_on),
                    _labels(consent.categories),
                    consent.recipient,
                    consent.purpose,
                    f"revoked {local_time(consent.revoked_at, zone)}"
                    if consent.revoked_at
                    else day_label(consent.expires_on)
                    if consent.expires_on
                    else "no expiry: not in force",
                )
                for consent in consents
            ],
        )
        whole = snapshots.snapshot(
            heading="List of disclosures",
            subheading="Who received what of your record, when, and on what ground",
            letterhead=letterhead_of(episode.clinic),
            patient=patient_block(episode.patient),
            sections=[
                snapshots.section("disclosures", "Disclosures", admin, [listed] if rows else [
                    snapshots.absent("Nothing was disclosed.")
                ]),
                snapshots.section("consents", "Consents", admin, [on_file] if consents else [
                    snapshots.absent("No sharing consent is on file.")
                ]),
                snapshots.section("rights", "Your rights", admin, [
                    snapshots.prose(
                        "You may revoke a sharing consent in writing at any time. It works from then on; what was shared "
                        "before stays on this list. Those who treat you with medicines always see what keeps you safe: "
                        "medication, allergies, findings, risk, adverse events and doses."
                    )
                ]),
            ],
        )  # fmt: skip
        return issue_document(
            clinic=episode.clinic,
            kind=LIST_KIND,
            subject_id=episode.pk,
            title="List of disclosures",
            snapshot=whole,
            actor=actor,
            supersedes=current_document(clinic=episode.clinic, subject_id=episode.pk, kind=LIST_KIND),
            now=now,
        )


def _in_a_sentence(label: str) -> str:
    """A label that does not stand first; an abbreviation keeps its capitals."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _labels(values: Iterable[str]) -> str:
    known = {category.value: str(category.label).lower() for category in ConsentCategory}
    return ", ".join(known.get(value, value) for value in values) or "nothing"
