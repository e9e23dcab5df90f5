"""Writing down what reached whom."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.documents.models import Disclosure, DisclosureBasis, Document, Medium, Rendition
from kapclinic.documents.reading import Reading, categories_of


def list_reading(
    *,
    document: Document,
    reading: Reading,
    receiver: User,
    medium: Medium,
    now: datetime,
    rendition: Rendition | None = None,
) -> Disclosure | None:
    """Put the reading of a document by one of the clinic's people on the list, once for each consent state and medium.

    None when it belongs on no list.
    """
    return record_disclosure(
        clinic=document.clinic,
        subject_id=document.subject_id,
        what=document.title,
        about=str(document.pk),
        categories=categories_of(document.snapshot),
        reading=reading,
        receiver=receiver,
        medium=medium,
        document=document,
        rendition=rendition,
        now=now,
    )


def record_disclosure(
    *,
    clinic: Clinic,
    subject_id: uuid.UUID,
    what: str,
    about: str,
    categories: Iterable[str],
    reading: Reading,
    receiver: User,
    medium: Medium,
    now: datetime,
    document: Document | None = None,
    rendition: Rendition | None = None,
) -> Disclosure | None:
    """Put on the list that `receiver` saw `what` of the episode `subject_id`; `about` is the key of the thing that was read.

    The same thing in the same consent state is listed once for each medium. None when the reading belongs on no list.
    """
    if not reading.is_listed:
        return None
    held = frozenset(categories)
    shown = sorted(held.difference(reading.withheld))
    row, _ = Disclosure.objects.get_or_create(
        receiver=receiver,
        medium=medium,
        state_key=reading.state_key(about),
        defaults={
            "clinic": clinic,
            "subject_id": subject_id,
            "what": what[:200],
            "document": document,
            "rendition": rendition,
            "receiver_name": receiver.full_name[:300],
            "receiver_part": reading.audience,
            "shown": shown,
            "withheld": sorted(held.intersection(reading.withheld)),
            "basis": reading.basis_of(shown) if shown else DisclosureBasis.TREATMENT,
            "consents": sorted(reading.consents),
            "reason": reading.reason,
            "at": now,
            "created_at": now,
            "created_by": receiver,
        },
    )
    return row
