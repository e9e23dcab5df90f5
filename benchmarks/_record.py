"""A cluster that keeps what it is told, and a long record in it."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from kapclinic.embedded import SUPERUSER, Postgres
from kapclinic.runtime import roles

A_TRANSACTION = 10
_INSERT = (
    "DO $$ BEGIN FOR n IN 1..{batches} LOOP"
    " INSERT INTO audit_accessevent (at, user_id, clinic_id, action, outcome, relation, patient_id, episode_id,"
    " object_type, object_id, url_name, method, client_address, request)"
    " SELECT now(), gen_random_uuid(), gen_random_uuid(), 'chart.view', 'allowed', 'on the care team, or covering',"
    " gen_random_uuid(), gen_random_uuid(), 'episodes.episode', gen_random_uuid()::text, 'desk:chart', 'GET', '10.0.0.1',"
    " md5(random()::text) FROM generate_series(1, {rows}); COMMIT; END LOOP; END $$"
)


def lasting_postgres(stack: ExitStack) -> Postgres:
    """A cluster with the safe settings of production, in a folder that goes with the benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="kapbench-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    postgres = Postgres(folder / "postgres", say=lambda _line: None)
    stack.callback(postgres.remove)
    postgres.start()
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        roles.ensure_roles(connection)
        roles.ensure_database(connection)
    return postgres


def write_events(url: str, events: int) -> None:
    """Write so many access events in transactions of ten, as the role of `url`."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_INSERT.format(batches=events // A_TRANSACTION, rows=A_TRANSACTION).encode())
