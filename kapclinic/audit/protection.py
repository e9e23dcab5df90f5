"""What keeps the record as it was written, made by the owner after every migration, in plain SQL.

- Every history table, the contexts and the record's own tables refuse UPDATE, DELETE and TRUNCATE, whoever asks; tracked
  tables refuse TRUNCATE, which no row trigger would see.
- History is written by triggers that run with the owner's rights, and the application may not write it itself.
- `pgtrigger.ignore()` has no effect: the function that it steers answers "no" to everybody.
- Every row of the record carries its position (the transaction that wrote it, in the order of kapclinic/audit/sealing.py) and
  the role that was signed in to the database, so that a change by hand, without a request, has a name too.

None of it stands in Django's models: a new tracked model gets it with its first migration, without a line of its own.
"""

from collections.abc import Iterator
from typing import Any

import pghistory.trigger
import pgtrigger
from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.utils import CursorWrapper
from pghistory.models import Context, Event

from kapclinic.audit.models import AppendOnly, Seal, SealPart

POSITION = "pgh_position"
ROLE = "pgh_role"

_REFUSE = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the record is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_STAMP = f"""
CREATE OR REPLACE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.{POSITION} := audit_position();
    NEW.{ROLE} := session_user;
    RETURN NEW;
END $$
"""
# A request's context is written once; rows of the record are never changed, this one neither.
_ATTACH_CONTEXT = """
CREATE OR REPLACE FUNCTION _pgh_attach_context() RETURNS pghistory_context.id%TYPE LANGUAGE plpgsql AS $$
DECLARE
    _id uuid := NULLIF(current_setting('pghistory.context_id', true), '')::uuid;
    _metadata jsonb := NULLIF(current_setting('pghistory.context_metadata', true), '')::jsonb;
BEGIN
    IF _id IS NULL OR _metadata IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO pghistory_context (id, metadata, created_at, updated_at) VALUES (_id, _metadata, now(), now())
        ON CONFLICT (id) DO NOTHING;
    RETURN _id;
END $$
"""
_NEVER_IGNORE = """
CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE sql IMMUTABLE AS 'SELECT false'
"""


def history_models() -> list[type[models.Model]]:
    """The history of every tracked model."""
    return [model for model in apps.get_models() if issubclass(model, Event)]


def sealed_models() -> list[type[models.Model]]:
    """Every table whose rows the chain covers: histories, their contexts, and what was reached for."""
    own = [
        model
        for model in apps.get_app_config("audit").get_models()
        if issubclass(model, AppendOnly) and model is not SealPart
    ]
    return sorted([*history_models(), Context, *own], key=lambda model: model._meta.db_table)


def protect_record(using: str = "default", **_kwargs: Any) -> None:
    """Put all of it in place, as the owner, in one transaction; harmless when it is there already."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        existing = {row[0] for row in cursor.fetchall()}
        sealed = [model for model in sealed_models() if model._meta.db_table in existing]
        _make_functions(cursor, existing, sealed)
        _stamp_rows(cursor, sealed)
        _refuse_changes(cursor, existing, sealed)
        _own_the_writing(cursor, existing)


def _make_functions(cursor: CursorWrapper, existing: set[str], sealed: list[type[models.Model]]) -> None:
    for statement in (_REFUSE, _NEVER_IGNORE):
        cursor.execute(statement)
    if Context._meta.db_table in existing:
        cursor.execute(_ATTACH_CONTEXT)
    _make_clock(cursor, _offset(cursor, existing, sealed))
    cursor.execute(_STAMP)


def _make_clock(cursor: CursorWrapper, offset: int) -> None:
    """Positions are transaction numbers, moved up by what another cluster had counted to when the database came from there."""
    for name, number in (
        ("audit_position", "pg_current_xact_id()"),
        ("audit_horizon", "pg_snapshot_xmin(pg_current_snapshot())"),
    ):
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS bigint LANGUAGE sql VOLATILE "
            f"AS 'SELECT {number}::text::bigint + {offset:d}'"
        )


def _offset(cursor: CursorWrapper, existing: set[str], sealed: list[type[models.Model]]) -> int:
    """What must be added to this cluster's transaction numbers so that positions go on from where they were."""
    cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'audit_position'")
    row = cursor.fetchone()
    if row is None:
        return 0
    offset = int(row[0].rpartition("+")[2])
    reached = 0
    with_position = _tables_with(cursor, POSITION)
    queries = [
        f'SELECT max({POSITION}) FROM "{model._meta.db_table}"'
        for model in sealed
        if model._meta.db_table in with_position
    ]
    if Seal._meta.db_table in existing:
        queries.append(f'SELECT max(upto_position) - 1 FROM "{Seal._meta.db_table}"')
    if queries:
        cursor.execute(f"SELECT max(reached) FROM ({' UNION ALL '.join(queries)}) AS every(reached)")
        reached = cursor.fetchone()[0] or 0
    # Asked for after the rows were looked at: no committed row of this cluster can be beyond it.
    cursor.execute("SELECT pg_current_xact_id()::text::bigint")
    here = cursor.fetchone()[0]
    return offset if here + offset > reached else reached + 1 - here


def _tables_with(cursor: CursorWrapper, column: str) -> set[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attname = %s AND NOT a.attisdropped",
        [column],
    )
    return {row[0] for row in cursor.fetchall()}


def _stamp_rows(cursor: CursorWrapper, sealed: list[type[models.Model]]) -> None:
    stamped = _tables_with(cursor, POSITION)
    for model in sealed:
        table = model._meta.db_table
        if table in stamped:
            continue
        # Rows from before have the position of this migration, and nobody knows their role any more.
        cursor.execute("SELECT audit_position()")
        now_at = cursor.fetchone()[0]
        cursor.execute(
            f'ALTER TABLE "{table}" ADD COLUMN {POSITION} bigint NOT NULL DEFAULT {now_at:d}, ADD COLUMN {ROLE} text'
        )
        cursor.execute(
            f'ALTER TABLE "{table}" ALTER COLUMN {POSITION} SET DEFAULT audit_position(), '
            f"ALTER COLUMN {ROLE} SET DEFAULT session_user"
        )
        cursor.execute(f'CREATE INDEX ON "{table}" ({POSITION})')
        if issubclass(model, AppendOnly):
            # The application adds these rows itself: what it says of position and role does not count.
            cursor.execute(
                f'CREATE TRIGGER audit_stamp BEFORE INSERT ON "{table}" FOR EACH ROW EXECUTE FUNCTION audit_stamp()'
            )


def _refuse_changes(cursor: CursorWrapper, existing: set[str], sealed: list[type[models.Model]]) -> None:
    cursor.execute(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'audit_refuse' AND NOT tgisinternal"
    )
    refusing = {row[0].strip('"') for row in cursor.fetchall()}
    wanted = dict.fromkeys((model._meta.db_table for model in sealed), "UPDATE OR DELETE OR TRUNCATE")
    for seals in (Seal, SealPart):
        wanted[seals._meta.db_table] = "UPDATE OR DELETE OR TRUNCATE"
    for model in history_models():
        wanted[model.pgh_tracked_model._meta.db_table] = "TRUNCATE"  # type: ignore[attr-defined]  # set by pghistory
    for table, operations in sorted(wanted.items()):
        if table in existing and table not in refusing:
            cursor.execute(
                f'CREATE TRIGGER audit_refuse BEFORE {operations} ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
            )


def _own_the_writing(cursor: CursorWrapper, existing: set[str]) -> None:
    cursor.execute("SELECT proname FROM pg_proc WHERE prosecdef AND proname LIKE 'pgtrigger\\_%'")
    owned = {row[0] for row in cursor.fetchall()}
    for name in _writers(existing):
        if name not in owned:
            cursor.execute(f'ALTER FUNCTION "{name}"() SECURITY DEFINER SET search_path = public, pg_temp')


def _writers(existing: set[str]) -> Iterator[str]:
    """Names of the functions that write history."""
    for model, trigger in pgtrigger.registered():
        if isinstance(trigger, pghistory.trigger.Event) and model._meta.db_table in existing:
            yield trigger.get_pgid(model)
