"""The secrets of second steps, for the change of keys (`manage.py rotate_keys`)."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import connection, models, transaction
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from kapclinic.accounts.second_step import SEALED, seal, unseal
from kapclinic.encryption import DecryptionError, KeyId
from kapclinic.encryption.rotation import Batch


class SealedSteps:
    """Sealed values inside the JSON of django-allauth's rows: one a row, or one list, by the kind of the row."""

    name = "mfa_authenticator.data"

    def exists(self) -> bool:
        """False before the migration that makes the table."""
        return Authenticator._meta.db_table in connection.introspection.table_names()

    def key_ids(self) -> frozenset[str]:
        """The ids of all keys in use; people are few, so every row is looked at."""
        found: set[str] = set()
        for kind, place in SEALED:
            found.update(self._rows(kind, place).values_list("key_id", flat=True))
        return frozenset(found)

    def renew(self, key_id: str, *, after: Any, most: int) -> Batch:
        """Put up to `most` secrets that are under `key_id` under the newest key; `after` is the last row's key."""
        unreadable: list[str] = []
        with transaction.atomic():
            rows = Authenticator.objects.filter(
                pk__in=[
                    key
                    for kind, place in SEALED
                    for key in self._rows(kind, place).filter(key_id=key_id).values_list("pk", flat=True)
                ],
                pk__gt=after or 0,
            )
            taken = list(rows.order_by("pk").select_for_update()[:most])
            for row in taken:
                try:
                    row.data |= _sealed_anew(row)
                except DecryptionError:
                    unreadable.append(str(row.pk))
                    continue
                row.save(update_fields=["data"])
        last = taken[-1].pk if len(taken) == most else None
        return Batch(len(taken) - len(unreadable), last, tuple(unreadable))

    def _rows(self, kind: str, place: str) -> models.QuerySet[Any]:
        sealed = Coalesce(KT(f"data__{place}__0"), KT(f"data__{place}"))
        rows = Authenticator.objects.filter(type=kind).annotate(sealed=Cast(sealed, models.TextField()))
        # Codes that were all used leave an empty list.
        there = rows.filter(sealed__isnull=False).exclude(sealed="[]")
        return there.annotate(key_id=KeyId("sealed"))


def _sealed_anew(row: Authenticator) -> dict[str, Any]:
    """What is sealed in the row, under the newest key; raises DecryptionError."""

    def anew(stored: str) -> str:
        return seal(unseal(stored, user_id=row.user_id), user_id=row.user_id)

    places = [place for kind, place in SEALED if kind == row.type and row.data.get(place)]
    stored = {place: row.data[place] for place in places}
    return {
        place: [anew(each) for each in value] if isinstance(value, list) else anew(value)
        for place, value in stored.items()
    }
