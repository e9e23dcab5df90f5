"""Which keys are in use, and putting everything under the newest one while the clinic works.

Every `EncryptedTextField` is found by itself. A room that keeps sealed values elsewhere (inside JSON) registers a store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, models, transaction

from kapclinic.encryption.fields import EncryptedTextField, KeyId
from kapclinic.encryption.ring import DecryptionError, key_ring

BATCH = 200
"""Rows that one transaction locks; a person who saves one of them waits for that long."""


@dataclass(frozen=True)
class Batch:
    """What one step did: `last` is the key to go on behind, None at the end; `unreadable` names rows that do not open."""

    done: int
    last: Any
    unreadable: tuple[str, ...] = ()


class Store(Protocol):
    """One place with sealed values."""

    @property
    def name(self) -> str:
        """Names it for the operator, without any content."""

    def exists(self) -> bool:
        """False before the migration that makes it."""

    def key_ids(self) -> frozenset[str]:
        """The ids of all keys in use, without reading every row."""

    def renew(self, key_id: str, *, after: Any, most: int) -> Batch:
        """Put up to `most` values that are under `key_id` under the newest key, in one transaction."""


@dataclass(frozen=True)
class Column:
    """One encrypted field of one model."""

    field: EncryptedTextField

    @property
    def model(self) -> type[models.Model]:
        """The model that holds it."""
        return self.field.model

    @property
    def name(self) -> str:
        """Table and column."""
        return f"{self.model._meta.db_table}.{self.field.column}"

    def exists(self) -> bool:
        """Whether table and column are there yet."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_attribute"
                " WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped)",
                [connection.ops.quote_name(self.model._meta.db_table), self.field.column],
            )
            return bool(cursor.fetchone()[0])

    def key_ids(self) -> frozenset[str]:
        """Steps through the index from one key id to the next."""
        found: set[str] = set()
        rows = self.model._base_manager.annotate(key_id=KeyId(self.field.name)).order_by("key_id")
        last = ""
        while last := rows.filter(key_id__gt=last).values_list("key_id", flat=True).first() or "":
            found.add(last)
        return frozenset(found)

    def renew(self, key_id: str, *, after: Any, most: int) -> Batch:
        """A row that somebody is saving is waited for, so that nobody's text is overwritten."""
        ring = key_ring()
        unreadable: list[str] = []
        with transaction.atomic():
            rows = self.model._base_manager.annotate(key_id=KeyId(self.field.name)).filter(key_id=key_id)
            if after is not None:
                rows = rows.filter(pk__gt=after)
            taken = list(
                rows.order_by("pk").select_for_update(of=("self",)).only("pk", self.field.attname)[:most]
            )
            for row in taken:
                try:
                    clear = getattr(row, self.field.attname)
                except DecryptionError:
                    unreadable.append(str(row.pk))
                    continue
                sealed = ring.encrypt(clear, bound_to=self.field.binding(row))
                self.model._base_manager.filter(pk=row.pk).update(**{self.field.name: sealed})
        last = taken[-1].pk if len(taken) == most else None
        return Batch(len(taken) - len(unreadable), last, tuple(unreadable))


_others: list[Store] = []


def register_store(store: Store) -> None:
    """A room names a further place with sealed values; called from `AppConfig.ready`."""
    if store not in _others:
        _others.append(store)


def stores() -> list[Store]:
    """Every place with sealed values that this database has."""
    columns: list[Store] = [
        Column(field)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
        if isinstance(field, EncryptedTextField)
    ]
    return [store for store in (*columns, *_others) if store.exists()]


def old_keys(store: Store) -> list[str]:
    """The ids of the keys in use there that are not the newest."""
    return sorted(store.key_ids() - {key_ring().newest})


def renew_all(store: Store, *, batch: int = BATCH) -> Iterator[Batch]:
    """Put every value of `store` under the newest key, batch by batch; stopped anywhere, the next run does the rest."""
    for key_id in old_keys(store):
        after: Any = None
        while True:
            step = store.renew(key_id, after=after, most=batch)
            yield step
            if step.last is None:
                break
            after = step.last


def missing_keys() -> dict[str, list[str]]:
    """Key ids that stored values need and the ring lacks, each with the places that need it."""
    lacking: dict[str, list[str]] = {}
    for store in stores():
        for key_id in sorted(store.key_ids() - key_ring().key_ids):
            lacking.setdefault(key_id, []).append(store.name)
    return lacking


def refuse_missing_keys() -> None:
    """Raise ImproperlyConfigured when a key in use is not in the ring: what it closed could not be read."""
    lacking = missing_keys()
    if lacking:
        needed = "; ".join(f"{key_id} ({', '.join(places)})" for key_id, places in sorted(lacking.items()))
        raise ImproperlyConfigured(
            f"KAP_ENCRYPTION_KEYS lacks keys that stored values need: {needed}. Put them back; see docs/operations.md, 'Keys'"
        )


def end_without_keys() -> None:
    """For a process as it begins: ends it with one line when a key is missing; leaves no connection open.

    A database that does not answer yet stops nothing here: /readyz asks again.
    """
    try:
        refuse_missing_keys()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error
    except OperationalError:
        return
    finally:
        # What follows is forked: no connection is shared with the children.
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # Postgres has it
