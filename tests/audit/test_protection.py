"""What keeps the record as it was written, tried with plain SQL as the application and as the owner."""

from collections.abc import Iterator

import pghistory
import psycopg
import pytest
from django.apps import apps
from django.db import connection
from pghistory.models import Event

from kapclinic.audit.models import AccessEvent, Outcome, Seal, SealPart
from kapclinic.audit.protection import POSITION, history_models, sealed_models
from kapclinic.clinics.models import Clinic, Room
from tests import databases, factories

ROOM_HISTORY = Room.history.rel.related_model._meta.db_table  # type: ignore[attr-defined]  # made by pghistory
RECORD = [*sealed_models(), Seal, SealPart]


@pytest.fixture
def owner(shared_db: str) -> Iterator[psycopg.Connection]:
    """The owner's connection to the module's database, in autocommit."""
    with psycopg.connect(databases.owner_url(shared_db), autocommit=True) as connection:
        yield connection


def _as_application(name: str) -> psycopg.Connection:
    return psycopg.connect(databases.app_url(name), autocommit=True)


def _event() -> AccessEvent:
    return AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)


def test_every_table_of_the_record_refuses_change_when_the_owner_tries(
    owner: psycopg.Connection,
) -> None:
    for model in RECORD:
        table = model._meta.db_table
        for statement in (
            f'UPDATE "{table}" SET "{model._meta.pk.column}" = "{model._meta.pk.column}"',
            f'DELETE FROM "{table}"',
            f'TRUNCATE "{table}" CASCADE',
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="is refused"):
                owner.execute(statement)


def test_tracked_tables_refuse_truncate_when_the_owner_tries(owner: psycopg.Connection) -> None:
    for history in history_models():
        table = history.pgh_tracked_model._meta.db_table  # type: ignore[attr-defined]  # set by pghistory
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="is refused"):
            owner.execute(f'TRUNCATE "{table}" CASCADE')


def test_application_has_no_right_to_change_or_write_history_when_it_tries(shared_db: str) -> None:
    factories.make_clinic()
    _event()
    with _as_application(shared_db) as other:
        for model in RECORD:
            table, key = model._meta.db_table, model._meta.pk.column
            for statement in (
                f'UPDATE "{table}" SET "{key}" = "{key}"',
                f'DELETE FROM "{table}"',
                f'TRUNCATE "{table}"',
                f'ALTER TABLE "{table}" DISABLE TRIGGER audit_refuse',
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    other.execute(statement)
        for table in (ROOM_HISTORY, "pghistory_context"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(f'INSERT INTO "{table}" DEFAULT VALUES')
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute(
                "CREATE OR REPLACE FUNCTION audit_position() RETURNS bigint LANGUAGE sql AS 'SELECT 1'"
            )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute("SET session_replication_role = replica")


def test_history_is_written_when_triggers_are_asked_to_be_ignored(shared_db: str) -> None:
    room = Room.objects.filter(clinic=factories.make_clinic())[0]
    with _as_application(shared_db) as other:
        names = other.execute(
            "SELECT array_agg(tgname::text) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            [Room._meta.db_table],
        ).fetchone()
        assert names is not None
        other.execute("SELECT set_config('pgtrigger.ignore', %s, false)", ["{" + ",".join(names[0]) + "}"])
        other.execute(f'UPDATE "{Room._meta.db_table}" SET name = %s WHERE id = %s', ["Silent", room.pk])
    assert room.history.filter(name="Silent").count() == 1


def test_change_by_hand_carries_the_role_when_no_request_made_it(
    shared_db: str, owner: psycopg.Connection
) -> None:
    room = Room.objects.filter(clinic=factories.make_clinic())[0]
    change = f'UPDATE "{Room._meta.db_table}" SET name = %s WHERE id = %s'
    with _as_application(shared_db) as other:
        other.execute(change, ["By the application", room.pk])
    owner.execute(change, ["By the owner", room.pk])
    found = owner.execute(
        f'SELECT name, pgh_role, pgh_context_id FROM "{ROOM_HISTORY}" WHERE id = %s AND pgh_label = %s ORDER BY pgh_id',
        [room.pk, "update"],
    ).fetchall()
    app, owner = (
        databases.urlsplit(url(shared_db)).username for url in (databases.app_url, databases.owner_url)
    )
    assert found == [("By the application", app, None), ("By the owner", owner, None)]


def test_events_keep_their_own_position_and_role_when_others_are_given(shared_db: str) -> None:
    with _as_application(shared_db) as other:
        other.execute(
            "INSERT INTO audit_accessevent (at, action, outcome, relation, object_type, object_id, url_name, method, request,"
            f" {POSITION}, pgh_role) VALUES (now(), 'chart.view', 'allowed', '', '', '', '', '', '', 1, 'somebody else')"
        )
        row = other.execute(
            f"SELECT {POSITION} > 1, pgh_role = session_user FROM audit_accessevent"
        ).fetchone()
    assert row == (True, True)


def test_context_stays_as_first_written_when_a_request_says_more(clinic: Clinic) -> None:
    with pghistory.context(request="r", route="first"):
        room = Room.objects.create(clinic=clinic, name="A", kind="dosing")
        with pghistory.context(route="second"):
            Room.objects.filter(pk=room.pk).update(name="B")
    contexts = {entry.pgh_context.metadata["route"] for entry in room.history.select_related("pgh_context")}
    assert contexts == {"first"}


def test_every_table_with_history_is_covered_by_the_chain_when_it_exists(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '%history' "
            "AND relnamespace = 'public'::regnamespace"
        )
        histories = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
                       "WHERE a.attname = %s AND c.relkind = 'r'", [POSITION])  # fmt: skip
        stamped = {row[0] for row in cursor.fetchall()}
    assert histories
    assert histories <= stamped
    assert {model._meta.db_table for model in sealed_models()} == stamped
    assert apps.get_model("audit", "AccessEvent") in sealed_models()


def test_every_writer_of_history_runs_as_the_owner_when_it_exists(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE p.prosecdef AND p.proconfig IS NOT NULL) "
            "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND p.prosrc LIKE %s",
            ['%INSERT INTO "%history"%'],
        )
        written, owned = cursor.fetchone()
    assert owned == written >= 3 * len(history_models())


# What is no clinical fact: work under way, sign-ins, the framework's own. Everything else has a history.
UNTRACKED_APPS = frozenset(
    # "mfa" and "socialaccount" hold how people sign in, which is on the record as access events.
    {"auth", "contenttypes", "sessions", "account", "mfa", "socialaccount", "pghistory", "audit", "jobs"}
)
UNTRACKED = frozenset({"accounts.CachedValue", "accounts.SignIn", "desk.Draft", "screening.ImportChunk"})


def test_every_table_of_ours_has_a_history_when_it_is_not_named_here() -> None:
    tracked = {history.pgh_tracked_model for history in history_models()}  # type: ignore[attr-defined]  # set by pghistory
    bare = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model not in tracked
        and not issubclass(model, Event)
        and model._meta.app_label not in UNTRACKED_APPS
        and model._meta.managed
    }
    assert bare == UNTRACKED, "put @tracked on it (kapclinic/audit/history.py)"
