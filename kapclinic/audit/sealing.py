"""Sealing the record: what was committed since the last seal becomes the next link of the chain.

Writers are never slowed or blocked. A row's position is the number of the transaction that wrote it. Below
`audit_horizon()`, the oldest transaction still under way, every transaction has ended for good, so the rows between the last
seal's end and the horizon are complete: none can appear there later, and none is skipped.
"""

import secrets
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from kapclinic.audit import heads, rows
from kapclinic.audit.chain import Link, Part, head_of, row_code
from kapclinic.audit.keys import chain_keys
from kapclinic.audit.models import Seal, SealPart

# Any number that nothing else locks: one process seals at a time.
_LOCK = 7_305_811_442_061
# The most positions in one link, so that a long pause is caught up with in steps.
MOST_POSITIONS = 20_000


class ClockWentBack(Exception):
    """Positions are below what is sealed: the database came from another cluster and was not prepared since."""


def seal_all(*, now: datetime | None = None) -> list[Seal]:
    """Seal everything that is complete, in as many links as it takes; gives the new ones, oldest first.

    Gives none when another process is sealing. Raises ClockWentBack when `python -m kapclinic.runtime.prepare` has not run
    since a restore, and ImproperlyConfigured without a key.
    """
    made: list[Seal] = []
    while True:
        seal, is_more = _seal_once(now=now or timezone.now())
        if seal is not None:
            made.append(seal)
        if not is_more:
            break
    write_heads()
    return made


def write_heads() -> None:
    """Bring the file of heads up to the last seal; also after a time in which it could not be written."""
    first = Seal.objects.filter(number=1).first()
    if first is None:
        return
    chain = heads.chain_name(first.previous_head)
    path = heads.heads_file()
    known = max((head.number for head in heads.read_heads(path) if head.chain == chain), default=0)
    missing = Seal.objects.filter(number__gt=known)
    if missing.exists():
        heads.append_heads(path, chain, missing)


def _seal_once(*, now: datetime) -> tuple[Seal | None, bool]:
    """One link, if there is anything to seal, and whether more waits behind it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return None, False
        last = Seal.objects.order_by("-number").first()
        first = last.upto_position if last is not None else 0
        cursor.execute("SELECT audit_horizon()")
        horizon = cursor.fetchone()[0]
        if horizon < first:
            raise ClockWentBack(
                "the database counts transactions from before the last seal: run python -m kapclinic.runtime.prepare"
            )
        lowest = rows.lowest_positions(cursor, rows.key_columns(), first, horizon)
        if not lowest:
            return None, False
        upto = min(horizon, min(lowest.values()) + MOST_POSITIONS)
        rows.fix_text_form(cursor)
        key_id, key = chain_keys()[0]
        parts = _parts(cursor, key, [table for table in lowest if lowest[table] < upto], first, upto)
        return _write(parts, last, now, first, upto, key_id, key), upto < horizon


def _parts(cursor: CursorWrapper, key: bytes, tables: list[str], first: int, upto: int) -> list[Part]:
    keys = rows.key_columns()
    columns = rows.columns_of(cursor)
    parts = []
    for table in sorted(tables):
        row_ids, codes = [], []
        for _position, row_id, text in rows.rows_between(table, keys[table], columns[table], first, upto):
            row_ids.append(row_id)
            codes.append(row_code(key, table, text))
        parts.append(Part(table, columns[table], tuple(row_ids), b"".join(codes)))
    return parts


def _write(
    parts: list[Part], last: Seal | None, now: datetime, first: int, upto: int, key_id: str, key: bytes
) -> Seal:
    link = Link(
        number=1 if last is None else last.number + 1,
        sealed_at=now,
        from_position=first,
        upto_position=upto,
        row_count=sum(len(part.row_ids) for part in parts),
        key_id=key_id,
        previous_head=secrets.token_hex(32) if last is None else last.head,
    )
    seal = Seal.objects.create(**vars(link), head=head_of(key, link, parts))
    SealPart.objects.bulk_create(
        SealPart(
            seal=seal, table=part.table, columns=",".join(part.columns), row_ids=",".join(part.row_ids), codes=part.codes
        )
        for part in parts
    )  # fmt: skip
    return seal
