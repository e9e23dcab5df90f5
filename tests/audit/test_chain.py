"""The chain over the record: sealed in commit order, and every kind of tampering found at its place."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pghistory
import psycopg
import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from kapclinic.audit import keys, sealing
from kapclinic.audit.chain import Link, Part, head_of, row_code
from kapclinic.audit.models import AccessEvent, Outcome, Seal, SealPart
from kapclinic.audit.sealing import ClockWentBack, seal_all, write_heads
from kapclinic.audit.verifying import Fault, Finding, verify
from kapclinic.clinics.models import Clinic, Room
from kapclinic.runtime.keys import encryption_key
from tests import databases, factories

ROOM_HISTORY = Room.history.rel.related_model._meta.db_table  # type: ignore[attr-defined]  # made by pghistory
KEY = b"k" * 32


@pytest.fixture(autouse=True)
def heads_file(tmp_path: Path, settings: Settings) -> Path:
    """A file of heads for this test alone."""
    settings.AUDIT_HEADS_FILE = str(tmp_path / "audit" / "heads")
    return tmp_path / "audit" / "heads"


@pytest.fixture
def owner(shared_db: str) -> Iterator[psycopg.Connection]:
    """The owner's connection to the module's database, in autocommit."""
    with psycopg.connect(databases.owner_url(shared_db), autocommit=True) as connection:
        yield connection


@contextmanager
def _triggers_off(owner: psycopg.Connection, table: str) -> Iterator[None]:
    owner.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER'.encode())
    yield
    owner.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER'.encode())


def _put_back(owner: psycopg.Connection, tables: dict[str, list[tuple[object, ...]]]) -> None:
    for table in tables:
        with _triggers_off(owner, table):
            owner.execute(f'DELETE FROM "{table}"'.encode())
    for table, kept in reversed(tables.items()):
        with _triggers_off(owner, table), owner.cursor() as cursor:
            for row in kept:
                cursor.execute(f'INSERT INTO "{table}" SELECT (%s::text::"{table}").*'.encode(), row)


@pytest.fixture
def clinic_with_two_seals(shared_db: str, owner: psycopg.Connection, heads_file: Path) -> Iterator[Clinic]:
    """A clinic, sealed; then a room and three events, sealed again. What the test does to it is put back."""
    clinic = Clinic.objects.first()
    if clinic is None:
        clinic = factories.make_clinic()
        seal_all()
        with pghistory.context(user="somebody"):
            Room.objects.create(clinic=clinic, name="Larch", kind="office")
        for _ in range(3):
            AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
        seal_all()
    else:
        write_heads()
    tables = {
        table: owner.execute(f'SELECT t::text FROM "{table}" t'.encode()).fetchall()
        for table in ("audit_sealpart", "audit_seal", "audit_accessevent", "pghistory_context", ROOM_HISTORY)
    }
    yield clinic
    _put_back(owner, tables)


@pytest.fixture
def tamper(owner: psycopg.Connection) -> Callable[..., None]:
    """Runs SQL as the owner with every trigger of `table` off, as an attacker with the owner's password would."""

    def run(table: str, statement: str, *parameters: object) -> None:
        with _triggers_off(owner, table):
            owner.execute(statement.encode(), parameters)

    return run


def _larch() -> str:
    return str(Room.objects.get(name="Larch").history.get().pgh_id)


def _faults() -> set[tuple[Fault, str, int | None]]:
    return {(found.fault, found.table, found.seal) for found in verify().findings}


def test_record_holds_when_nobody_touched_it(clinic_with_two_seals: Clinic, heads_file: Path) -> None:
    report = verify()
    assert report.holds
    assert report.seals == 2
    assert report.rows == sum(seal.row_count for seal in Seal.objects.all()) > 10
    assert report.unsealed == 0
    assert [json.loads(line)["head"] for line in heads_file.read_text().splitlines()] == list(
        Seal.objects.values_list("head", flat=True)
    )
    assert heads_file.stat().st_mode & 0o077 == 0


def test_nothing_is_sealed_twice_when_nothing_was_written(clinic_with_two_seals: Clinic) -> None:
    assert seal_all() == []
    assert Seal.objects.count() == 2


def test_edited_row_is_named(clinic_with_two_seals: Clinic, tamper: Callable[..., None]) -> None:
    row = _larch()
    tamper(ROOM_HISTORY, f'UPDATE "{ROOM_HISTORY}" SET name = %s WHERE pgh_id = %s', "Forged", row)
    assert verify().findings == [Finding(Fault.EDITED, ROOM_HISTORY, row, 2)]


def test_edited_context_is_named(clinic_with_two_seals: Clinic, tamper: Callable[..., None]) -> None:
    tamper("pghistory_context", 'UPDATE pghistory_context SET metadata = \'{"user": "another"}\'')
    assert _faults() == {(Fault.EDITED, "pghistory_context", 2)}


def test_deleted_row_is_named(clinic_with_two_seals: Clinic, tamper: Callable[..., None]) -> None:
    row = _larch()
    tamper(ROOM_HISTORY, f'DELETE FROM "{ROOM_HISTORY}" WHERE pgh_id = %s', row)
    assert verify().findings == [Finding(Fault.DELETED, ROOM_HISTORY, row, 2)]


def test_truncated_table_is_named(clinic_with_two_seals: Clinic, tamper: Callable[..., None]) -> None:
    tamper("audit_accessevent", "TRUNCATE audit_accessevent CASCADE")
    assert [found.fault for found in verify().findings] == [Fault.DELETED] * 3


def test_row_added_behind_a_seal_is_named(clinic_with_two_seals: Clinic, tamper: Callable[..., None]) -> None:
    tamper(
        "audit_accessevent",
        "INSERT INTO audit_accessevent SELECT (jsonb_populate_record(e, '{\"id\": 900}')).* FROM audit_accessevent e LIMIT 1",
    )
    assert verify().findings == [Finding(Fault.ADDED, "audit_accessevent", "900", 2)]


def test_rows_that_changed_places_are_found(
    clinic_with_two_seals: Clinic, tamper: Callable[..., None]
) -> None:
    first, second = AccessEvent.objects.order_by("id").values_list("pk", flat=True)[:2]
    tamper(
        "audit_accessevent",
        "UPDATE audit_accessevent e SET pgh_position = o.pgh_position FROM audit_accessevent o "
        "WHERE e.id IN (%(a)s, %(b)s) AND o.id IN (%(a)s, %(b)s) AND e.id <> o.id".replace(
            "%(a)s", str(first)
        ).replace("%(b)s", str(second)),
    )
    faults = {found.fault for found in verify().findings}
    assert Fault.EDITED in faults
    assert Fault.REORDERED in faults


@pytest.mark.parametrize("column", ["row_ids", "columns"])
def test_altered_part_of_a_seal_is_found(
    clinic_with_two_seals: Clinic, tamper: Callable[..., None], column: str
) -> None:
    tamper("audit_sealpart", f"UPDATE audit_sealpart SET {column} = {column} || ',pgh_id' WHERE seal_id = 2")
    assert (Fault.LINK_BROKEN, "", 2) in _faults()


def test_altered_seal_is_found(clinic_with_two_seals: Clinic, tamper: Callable[..., None]) -> None:
    tamper("audit_seal", "UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE number = 1")
    assert _faults() == {(Fault.LINK_BROKEN, "", 1)}


def test_removed_seal_in_the_middle_is_found(
    clinic_with_two_seals: Clinic, tamper: Callable[..., None]
) -> None:
    AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    seal_all()
    tamper("audit_sealpart", "DELETE FROM audit_sealpart WHERE seal_id = 2")
    tamper("audit_seal", "DELETE FROM audit_seal WHERE number = 2")
    assert (Fault.LINK_MISSING, "", 2) in _faults()


def test_end_of_the_chain_cut_off_with_its_rows_is_found_by_the_file(
    clinic_with_two_seals: Clinic, tamper: Callable[..., None], heads_file: Path
) -> None:
    tamper("audit_accessevent", "DELETE FROM audit_accessevent")
    tamper(ROOM_HISTORY, f'DELETE FROM "{ROOM_HISTORY}" WHERE pgh_id = %s', _larch())
    tamper("audit_sealpart", "DELETE FROM audit_sealpart WHERE seal_id = 2")
    tamper("audit_seal", "DELETE FROM audit_seal WHERE number = 2")
    assert verify(known_heads=[]).holds, "without the file nobody could know"
    assert _faults() == {(Fault.CHAIN_CUT, "", 2)}
    # Going on afterwards does not hide it.
    AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    seal_all()
    assert _faults() == {(Fault.HEAD_DIFFERS, "", 2)}


def test_another_chain_is_found_by_the_file(
    clinic_with_two_seals: Clinic, tamper: Callable[..., None]
) -> None:
    tamper("audit_sealpart", "TRUNCATE audit_sealpart")
    tamper("audit_seal", "DELETE FROM audit_seal")
    seal_all()
    assert _faults() == {(Fault.CHAIN_CUT, "", 1)}


def test_seals_made_without_the_key_do_not_hold(clinic_with_two_seals: Clinic, settings: Settings) -> None:
    _key_id, _, key = settings.AUDIT_KEYS[0].partition(":")
    settings.AUDIT_KEYS = [f"k2:{key}"]
    assert {fault for fault, _table, _seal in _faults()} == {Fault.KEY_UNKNOWN}
    settings.AUDIT_KEYS = [encryption_key()]
    assert {Fault.LINK_BROKEN, Fault.EDITED} <= {fault for fault, _table, _seal in _faults()}


def test_earlier_seals_hold_when_a_new_key_comes_first(
    clinic_with_two_seals: Clinic, settings: Settings
) -> None:
    settings.AUDIT_KEYS = [encryption_key().replace("k1:", "k2:"), *settings.AUDIT_KEYS]
    AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    (made,) = seal_all()
    assert made.key_id == "k2"
    assert verify().holds


def test_seals_hold_when_a_release_adds_a_column(
    clinic_with_two_seals: Clinic, owner: psycopg.Connection
) -> None:
    owner.execute(f'ALTER TABLE "{ROOM_HISTORY}" ADD COLUMN floor int NOT NULL DEFAULT 1')
    assert verify().holds
    Room.objects.create(clinic=clinic_with_two_seals, name="Alder", kind="office")
    seal_all()
    assert "floor" in SealPart.objects.get(seal_id=3, table=ROOM_HISTORY).columns
    assert verify().holds
    owner.execute(f'ALTER TABLE "{ROOM_HISTORY}" DROP COLUMN floor')
    assert _faults() == {(Fault.TABLE_GONE, ROOM_HISTORY, 3)}


def test_transaction_under_way_is_sealed_later_and_never_skipped(
    clinic_with_two_seals: Clinic, shared_db: str
) -> None:
    insert = (
        "INSERT INTO audit_accessevent (at, action, outcome, relation, object_type, object_id, url_name, method, request)"
        " VALUES (now(), %s, 'allowed', '', '', '', '', '', '')"
    )
    with psycopg.connect(databases.app_url(shared_db)) as slow:
        slow.execute(insert, ["slow"])
        AccessEvent.objects.create(action="quick", outcome=Outcome.ALLOWED)
        seal_all()
        # The quick one is younger than the slow one that is still open: both wait.
        assert verify().unsealed == 1
        slow.commit()
    seal_all()
    report = verify()
    assert report.holds
    assert report.unsealed == 0
    ids = SealPart.objects.filter(table="audit_accessevent").order_by("seal_id").last()
    assert ids is not None
    assert len(ids.row_ids.split(",")) == 2, "both at once, in one later seal"


def test_long_pause_is_caught_up_with_in_steps(
    clinic_with_two_seals: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_POSITIONS", 3)
    for _ in range(8):
        AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    assert len(seal_all()) >= 3
    assert verify().holds


def test_one_process_seals_when_two_try(clinic_with_two_seals: Clinic, shared_db: str) -> None:
    AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    with psycopg.connect(databases.app_url(shared_db)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [sealing._LOCK])
        assert seal_all() == []
    assert len(seal_all()) == 1


def test_sealing_stops_when_the_database_counts_from_before_the_last_seal(
    clinic_with_two_seals: Clinic, owner: psycopg.Connection
) -> None:
    body = owner.execute("SELECT prosrc FROM pg_proc WHERE proname = 'audit_horizon'").fetchone()
    assert body is not None
    define = "CREATE OR REPLACE FUNCTION audit_horizon() RETURNS bigint LANGUAGE sql AS '{}'"
    owner.execute(define.format("SELECT 5::bigint").encode())
    try:
        with pytest.raises(ClockWentBack):
            seal_all()
    finally:
        owner.execute(define.format(body[0]).encode())


def test_missing_heads_are_added_when_the_file_was_away(
    clinic_with_two_seals: Clinic, heads_file: Path
) -> None:
    lines = heads_file.read_text().splitlines()
    heads_file.write_text(lines[0] + "\n")
    AccessEvent.objects.create(action="chart.view", outcome=Outcome.ALLOWED)
    seal_all()
    assert heads_file.read_text().splitlines()[:2] == lines
    assert verify().heads_in_file == 3


def test_command_tells_by_its_exit_code(
    clinic_with_two_seals: Clinic, tamper: Callable[..., None], settings: Settings, heads_file: Path
) -> None:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "The record holds." in out.getvalue()
    row = _larch()
    tamper(ROOM_HISTORY, f'UPDATE "{ROOM_HISTORY}" SET name = %s WHERE pgh_id = %s', "Forged", row)
    out = StringIO()
    with pytest.raises(CommandError, match="does NOT hold: 1") as refused:
        call_command("verify_audit", stdout=out)
    assert refused.value.returncode == 1
    assert f"edited: {ROOM_HISTORY} {row}, seal 2" in out.getvalue()
    heads_file.write_text("not a head\n")
    with pytest.raises(CommandError, match="line 1") as refused:
        call_command("verify_audit")
    assert refused.value.returncode == 2
    settings.AUDIT_KEYS = []
    with pytest.raises(CommandError, match="KAP_AUDIT_KEYS") as refused:
        call_command("verify_audit")
    assert refused.value.returncode == 2


def test_clinic_does_not_start_without_a_key_for_the_chain(settings: Settings) -> None:
    assert keys.check_chain_keys() == []
    settings.AUDIT_KEYS = []
    assert [error.id for error in keys.check_chain_keys()] == ["audit.E001"]


LINK = Link(2, datetime(2026, 1, 5, tzinfo=UTC), 10, 20, 1, "k1", "aa")
PART = Part("t", ("id", "name"), ("1",), b"c" * 32)


@pytest.mark.parametrize(
    ("link", "part"),
    [
        (Link(3, LINK.sealed_at, 10, 20, 1, "k1", "aa"), PART),
        (Link(2, datetime(2026, 1, 6, tzinfo=UTC), 10, 20, 1, "k1", "aa"), PART),
        (Link(2, LINK.sealed_at, 9, 20, 1, "k1", "aa"), PART),
        (Link(2, LINK.sealed_at, 10, 21, 1, "k1", "aa"), PART),
        (Link(2, LINK.sealed_at, 10, 20, 2, "k1", "aa"), PART),
        (Link(2, LINK.sealed_at, 10, 20, 1, "k2", "aa"), PART),
        (Link(2, LINK.sealed_at, 10, 20, 1, "k1", "ab"), PART),
        (LINK, Part("u", ("id", "name"), ("1",), b"c" * 32)),
        (LINK, Part("t", ("id",), ("1",), b"c" * 32)),
        (LINK, Part("t", ("id", "name"), ("2",), b"c" * 32)),
        (LINK, Part("t", ("id", "name"), ("1",), b"d" * 32)),
    ],
)
def test_head_differs_when_anything_it_covers_does(link: Link, part: Part) -> None:
    assert head_of(KEY, link, [part]) != head_of(KEY, LINK, [PART])
    assert head_of(KEY, LINK, [PART]) == head_of(KEY, LINK, [PART])
    assert head_of(b"x" * 32, LINK, [PART]) != head_of(KEY, LINK, [PART])


def test_code_of_a_row_depends_on_its_table_and_key() -> None:
    assert len({row_code(KEY, "a", "x"), row_code(KEY, "b", "x"), row_code(b"x" * 32, "a", "x")}) == 3
