"""Rows of the record as text, the same at sealing and at verifying, whatever the session's settings and later columns are."""

from collections.abc import Generator, Iterable

from django.db import connection
from django.db.backends.utils import CursorWrapper

from kapclinic.audit.protection import POSITION, sealed_models

# How many rows a server-side cursor brings at once.
_AT_ONCE = 5000
# How Postgres writes times, dates, spans, bytes and floats depends on these.
_FIXED = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
)


def fix_text_form(cursor: CursorWrapper) -> None:
    """Have Postgres write values in one fixed form until the transaction ends."""
    for statement in _FIXED:
        cursor.execute(statement)


def key_columns() -> dict[str, str]:
    """The column of the primary key of every table that the chain covers."""
    return {model._meta.db_table: str(model._meta.pk.column) for model in sealed_models()}


def columns_of(cursor: CursorWrapper) -> dict[str, tuple[str, ...]]:
    """Column names of every table, in the table's own order."""
    cursor.execute(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 "
        "AND NOT a.attisdropped GROUP BY c.relname"
    )
    return {table: tuple(columns) for table, columns in cursor.fetchall()}


def rows_between(
    table: str, key: str, columns: tuple[str, ...], first: int, upto: int
) -> Generator[tuple[int, str, str], None, None]:
    """(position, key, text) of the rows with a position in [first, upto), in sealed order; inside a transaction."""
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f'SELECT {POSITION}, "{key}"::text, ROW({names})::text FROM "{table}" '
            f'WHERE {POSITION} >= %s AND {POSITION} < %s ORDER BY {POSITION}, "{key}"',
            [first, upto],
        )
        while found := cursor.fetchmany(_AT_ONCE):
            yield from found


def lowest_positions(cursor: CursorWrapper, tables: Iterable[str], first: int, upto: int) -> dict[str, int]:
    """The lowest position in [first, upto) of each of `tables` that has one; one statement."""
    queries = (
        f"SELECT '{table}', (SELECT min({POSITION}) FROM \"{table}\" WHERE {POSITION} >= {first:d} AND {POSITION} < {upto:d})"
        for table in tables
    )
    cursor.execute(" UNION ALL ".join(queries))
    return {table: lowest for table, lowest in cursor.fetchall() if lowest is not None}
