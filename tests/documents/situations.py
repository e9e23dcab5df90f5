"""Situations of documents: kinds of every shelf, small snapshots, and issuing them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.documents import kinds, snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.kinds import DocumentKind
from kapclinic.documents.models import Document
from kapclinic.documents.services import issue_document
from kapclinic.documents.snapshots import Letterhead, PatientBlock, Signature

# In the past, so that work asked for at this moment is due.
NOW = datetime(2026, 3, 20, 21, 20, tzinfo=UTC)
DENVER = ZoneInfo("America/Denver")


def kinds_of_every_shelf() -> Iterator[None]:
    """While it runs, there is a kind for every shelf, beside those of the apps."""
    before = dict(kinds._kinds)
    for action in ("document.read", "document.instructions", "outcomes.export", "handoff.read"):
        kinds.register(
            DocumentKind(f"test:{action}", "Test document", "test-document", action, origin="therapy")
        )
    yield
    kinds._kinds.clear()
    kinds._kinds.update(before)


def make_snapshot(
    name: str = "Demo, Mei", text: str = "She asked for help.", **changes: Any
) -> dict[str, Any]:
    """A small snapshot with one section of every important category."""
    fields: dict[str, Any] = {
        "heading": "Test handoff",
        "subheading": "after dose 5",
        "letterhead": Letterhead(
            "Demo Clinic", "1200 Sample Street\nDenver, CO", "+1 303 555 0100", is_demo=True
        ),
        "patient": PatientBlock(name, "14 Mar 1987", "KC-7Q4M", "she/her"),
        "facts_on_top": [("From", "Demo Therapist, LCSW")],
        "sections": [
            snapshots.section(
                "themes", "Themes", ConsentCategory.THEMES, [snapshots.prose(text)], "Integration note"
            ),
            snapshots.section("trauma", "Trauma", ConsentCategory.TRAUMA, [snapshots.prose("Hidden words.")]),
            snapshots.section(
                "safety", "Safety", ConsentCategory.SAFETY, [snapshots.facts([("Allergies", "latex")])]
            ),
            snapshots.section("empty", "Medication", ConsentCategory.MEDICATION, []),
        ],
        "signature": Signature("Demo Therapist, LCSW", "Therapist", "22 Nov 2026, 14:20 MST", 1),
        **changes,
    }
    return snapshots.snapshot(**fields)


def issuer(episode: Episode, therapist: User) -> Callable[..., Document]:
    """Issues documents about the episode; `action` picks the shelf."""

    def make(action: str = "document.read", **changes: Any) -> Document:
        fields: dict[str, Any] = {
            "clinic": episode.clinic,
            "kind": f"test:{action}",
            "subject_id": episode.pk,
            "title": "Test handoff",
            "snapshot": make_snapshot(),
            "actor": therapist,
            "now": NOW,
            **changes,
        }
        return issue_document(**fields)

    return make
