"""Several bookings in one transaction: locks in one order, and clashes judged when all of them stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from kapclinic.clinics.refusals import Reason, Refused

_NEVER_TWICE = "scheduling_person_not_twice, scheduling_room_not_twice, scheduling_patient_not_twice"


@contextmanager
def moving_together() -> Iterator[None]:
    """A transaction in which several appointments change places; whether all of them fit is judged when it ends.

    Raises Refused (`clash`) when someone or something would be booked twice, and then nothing has changed.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS {_NEVER_TWICE} DEFERRED")
            yield
            cursor.execute(f"SET CONSTRAINTS {_NEVER_TWICE} IMMEDIATE")
    except IntegrityError as error:
        if "_not_twice" in str(error):
            raise Refused(Reason("clash", "One of these times has just been taken.")) from error
        raise


def lock_resources(keys: Iterable[UUID | str]) -> None:
    """One lock per person, room and patient, in the order of their keys, until the transaction ends."""
    with connection.cursor() as cursor:
        for key in sorted({str(key) for key in keys}):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
