"""Fills a migrated database with many copies of a few made-up patients, by SQL, with every row that the services wrote."""

from dataclasses import dataclass
from datetime import timedelta

import psycopg
from psycopg import sql

# Rows that no page with many episodes reads; leaving them out saves two thirds of the time.
LEFT_OUT = frozenset(
    {
        "dosing_logentry",
        "documents_disclosure",
        "documents_rendition",
        "integration_actionstep",
        "integration_actionstepreview",
        "screening_historyanswer",
    }
)
APPS = ("dosing", "documents", "episodes", "handoffs", "integration", "notices", "scheduling", "screening")
# What one set of staff brings along, before anybody is treated.
HOUSE = (
    "accounts_user",
    "accounts_membership",
    "accounts_licence",
    "accounts_competency",
    "clinics_room",
    "scheduling_workinghours",
)
# Text that must stay unique, and where a copy's number goes.
_SUFFIXED = frozenset({"content_key", "external_id"})
# Text that holds the keys of rows.
_WITH_KEYS = frozenset({"key", "url", "subject"})
_KEY = "[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_UNCHANGED = ("clinics_clinic", "episodes_protocol", "episodes_protocolversion", "episodes_outsideclinician")
_CHUNK = 500
# Keys of copies begin with their number: those of treated patients above those of the houses.
_FIRST_PAST = 0x10000


@dataclass(frozen=True)
class Column:
    """One column as the catalogue tells it; `refers_to` is the table of a foreign key."""

    name: str
    type: str
    refers_to: str | None


class Copier:
    """Copies the seed of one database; the connection is a superuser's, so that no trigger and no foreign key is asked.

    The keys of copy n are the seed's with n in their first 32 bits, so every reference between copied rows holds.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._db = connection
        self._db.execute("SET session_replication_role = replica")
        self._columns = self._read_columns()
        self._tables = self._mark_seed()
        for table in (*HOUSE, *self._tables):
            self._keep_seed(table)

    def houses(self, count: int) -> None:
        """Give the clinic `count` sets of staff and rooms in all, each with a copy of the seed's open episodes."""
        for table in (*HOUSE, *self._tables):
            self._copy(table, past=False, first=1, last=count - 1, houses=0, back=timedelta())

    def past(self, copies: int, *, houses: int, span: timedelta) -> None:
        """Add `copies` of the seed's closed episodes, evenly over the `span` before theirs, to the houses in turn."""
        for table in self._tables:
            for begin in range(0, copies, _CHUNK):
                last = min(begin + _CHUNK, copies) - 1
                self._copy(
                    table, past=True, first=begin + _FIRST_PAST, last=last + _FIRST_PAST, houses=houses,
                    back=span / copies,
                )  # fmt: skip

    def finish(self) -> None:
        """Tell the planner what there is now."""
        self._db.execute("DROP TABLE seed")
        self._db.execute("VACUUM (ANALYZE)")

    def _read_columns(self) -> dict[str, list[Column]]:
        rows = self._db.execute(
            """
            SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
                   (SELECT k.confrelid::regclass::text FROM pg_constraint k
                     WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum])
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE '%history'
               AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY c.relname, a.attnum
            """
        ).fetchall()
        found: dict[str, list[Column]] = {}
        for table, *column in rows:
            found.setdefault(table, []).append(Column(*column))
        return found

    def _mark_seed(self) -> list[str]:
        """Write down every row that belongs to a patient, and whether the episode is closed; gives the tables that hold any."""
        self._db.execute("CREATE TABLE seed (id uuid PRIMARY KEY, is_past boolean NOT NULL)")
        self._db.execute("INSERT INTO seed SELECT id, stage = 'closed' FROM episodes_episode")
        self._db.execute("INSERT INTO seed SELECT patient_id, stage = 'closed' FROM episodes_episode")
        candidates = [
            table
            for table in self._columns
            if table.split("_", 1)[0] in APPS
            and table not in {*LEFT_OUT, *HOUSE, *_UNCHANGED}
            and any(column.name == "id" and column.type == "uuid" for column in self._columns[table])
        ]
        held = {"episodes_episode", "episodes_patient"}
        found = 1
        while found:
            found = 0
            for table in candidates:
                for column in self._columns[table]:
                    if column.refers_to in candidates or (
                        column.name == "subject_id" and column.type == "uuid"
                    ):
                        found += self._mark_through(table, column.name)
        for table in candidates:
            query = sql.SQL("SELECT EXISTS (SELECT FROM {} JOIN seed USING (id))").format(
                sql.Identifier(table)
            )
            row = self._db.execute(query).fetchone()
            if row is not None and row[0]:
                held.add(table)
        return [table for table in candidates if table in held]

    def _keep_seed(self, table: str) -> None:
        """The seed's rows of one table by themselves, so that a copy never searches among the copies."""
        query = "CREATE TEMPORARY TABLE {kept} AS SELECT t.*{past} FROM {table} t{marks}"
        marked = table in self._tables
        self._db.execute(
            sql.SQL(query).format(
                kept=sql.Identifier(f"seed_{table}"), table=sql.Identifier(table),
                past=sql.SQL(", seed.is_past" if marked else ", false AS is_past"),
                marks=sql.SQL(" JOIN seed USING (id)" if marked else ""),
            )
        )  # fmt: skip

    def _mark_through(self, table: str, column: str) -> int:
        query = sql.SQL(
            "INSERT INTO seed SELECT t.id, seed.is_past FROM {table} t JOIN seed ON seed.id = t.{column} ON CONFLICT DO NOTHING"
        )
        return self._db.execute(
            query.format(table=sql.Identifier(table), column=sql.Identifier(column))
        ).rowcount

    def _copy(self, table: str, *, past: bool, first: int, last: int, houses: int, back: timedelta) -> None:
        """Insert copies `first` to `last`, each `back` before the one of the number before it.

        With `houses` they go to the houses in turn, else copy n is house n.
        """
        columns = self._columns[table]
        query = sql.SQL(
            """
            INSERT INTO {table} ({names})
            SELECT {values}
              FROM (SELECT number, lpad(to_hex(number), 8, '0') AS prefix,
                           CASE WHEN %(houses)s = 0 THEN number ELSE number %% greatest(%(houses)s, 1) END AS house,
                           (number - %(zero)s) * %(back)s::interval AS back
                      FROM generate_series(%(first)s::int, %(last)s::int) AS number) AS copy
             CROSS JOIN {seed} AS t WHERE t.is_past = %(past)s
            """
        ).format(
            table=sql.Identifier(table), seed=sql.Identifier(f"seed_{table}"),
            names=sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
            values=sql.SQL(", ").join(self._value(table, column) for column in columns),
        )  # fmt: skip
        values = {
            "first": first,
            "last": last,
            "zero": _FIRST_PAST,
            "houses": houses,
            "back": back,
            "past": past,
        }
        self._db.execute(query, values)

    def _value(self, table: str, column: Column) -> sql.Composable:
        """The expression of one column of a copy."""
        name = sql.Identifier("t", column.name)
        if column.name == "request_key":
            return sql.SQL("NULL")
        if column.type == "uuid":
            return self._key(table, column, name)
        if column.name == "public_id":
            return sql.SQL("substr({0}, 1, 3) || upper(substr(copy.prefix, 4)) || substr({0}, 4, 4)").format(
                name
            )
        if column.type == "timestamp with time zone":
            return sql.SQL("{} - copy.back").format(name)
        if column.type == "date":
            return sql.SQL("({} - copy.back)::date").format(name)
        if table == "accounts_user" and column.name == "email":
            return sql.SQL("copy.number || '.' || {}").format(name)
        if table == "clinics_room" and column.name == "name":
            return sql.SQL("{} || ' of house ' || copy.number").format(name)
        if column.type in {"text", "character varying"} and column.name in _WITH_KEYS:
            return sql.SQL("regexp_replace({}, {}, copy.prefix || '\\1', 'g')").format(name, _KEY)
        if column.type in {"text", "character varying"} and column.name in _SUFFIXED:
            return sql.SQL("CASE WHEN {0} = '' THEN '' ELSE {0} || '~' || copy.number END").format(name)
        return name

    @staticmethod
    def _key(table: str, column: Column, name: sql.Composable) -> sql.Composable:
        if column.refers_to in _UNCHANGED:
            return name
        own_house = column.refers_to in HOUSE or (table in HOUSE and column.name == "id")
        if not own_house:
            return sql.SQL("(copy.prefix || substr({}::text, 9))::uuid").format(name)
        return sql.SQL(
            "CASE WHEN copy.house = 0 THEN {0} ELSE (lpad(to_hex(copy.house), 8, '0') || substr({0}::text, 9))::uuid END"
        ).format(name)
