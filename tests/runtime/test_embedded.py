"""The embedded servers keep their data, survive kills and explain what is wrong in one line."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from kapclinic.embedded import SUPERUSER, Postgres, Valkey
from kapclinic.embedded import postgres as postgres_module
from kapclinic.runtime import roles
from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import is_alive, wait_until_gone

pytestmark = pytest.mark.xdist_group("embedded")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    cluster = Postgres(tmp_path_factory.mktemp("pg") / "postgres", say=lambda _line: None, throw_away=True)
    cluster.start()
    yield cluster
    cluster.remove()


def superuser(cluster: Postgres) -> psycopg.Connection:
    return psycopg.connect(cluster.url(SUPERUSER, "postgres"), autocommit=True)


def remember(cluster: Postgres) -> None:
    with superuser(cluster) as connection:
        connection.execute("CREATE TABLE remembered AS SELECT 42 AS answer")


def recall(cluster: Postgres) -> int:
    with superuser(cluster) as connection:
        row = connection.execute("SELECT answer FROM remembered").fetchone()
    assert row is not None
    return int(row[0])


def test_data_are_kept_when_the_server_starts_again(cluster):
    remember(cluster)
    cluster.stop()
    again = Postgres(cluster.folder, say=lambda _line: None, throw_away=True)
    again.start()
    assert recall(again) == 42
    again.stop()


def test_committed_data_are_there_when_the_server_was_killed(tmp_path_factory):
    cluster = Postgres(tmp_path_factory.mktemp("pg") / "postgres", say=lambda _line: None)
    cluster.start()
    try:
        remember(cluster)
        cluster.process.kill()
        cluster.process.wait()
        assert not cluster.running
        cluster.restart()
        assert recall(cluster) == 42
    finally:
        cluster.remove()


def test_stale_lock_file_does_not_hinder_when_its_number_belongs_to_a_stranger(cluster):
    cluster.stop()
    lock = cluster.data / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{cluster.data}\n0\n5432\n\n\n")
    cluster.start()
    assert cluster.running


def test_server_left_behind_is_ended_when_the_next_one_starts(cluster):
    remember(cluster)
    cluster.stop()
    user = cluster.data.owner()
    command = [str(cluster.bin / "pg_ctl"), "start", "--wait", "-D", str(cluster.data), "-o"]
    command += [f"-k {cluster.url('x', 'y').partition('host=')[2]} -c listen_addresses=", "-l", "/dev/null"]
    subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, user=user, group=user)
    left_behind = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
    cluster.start()
    assert cluster.process.pid != left_behind
    assert not is_alive(left_behind)
    assert recall(cluster) == 42


def test_server_ends_when_its_program_is_killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pg") / "postgres"
    program = (
        "import sys, time; from pathlib import Path; from kapclinic.embedded import Postgres\n"
        "cluster = Postgres(Path(sys.argv[1]), say=lambda line: None, throw_away=True); cluster.start()\n"
        "print(cluster.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until_gone(pid, 20)


def test_socket_folder_admits_its_user_alone(cluster):
    socket_folder = Path(cluster.url("x", "y").partition("host=")[2])
    assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        assert socket_folder.owner() == postgres_module.SERVER_USER


@pytest.mark.parametrize("name", ["n" * 120, "a b, 'c' é"], ids=["long", "odd"])
def test_any_path_of_a_clone_works(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("pg") / name / "postgres"
    cluster = Postgres(folder, say=lambda _line: None, throw_away=True)
    cluster.start()
    try:
        remember(cluster)
        url = cluster.url(SUPERUSER, "postgres")
        cluster.stop()
        cluster.start()
        assert recall(cluster) == 42
        # The short folder is noted and used again.
        assert cluster.url(SUPERUSER, "postgres") == url
        assert "host=/tmp/kapclinic-" in url
    finally:
        cluster.remove()
    assert not Path(url.partition("host=")[2]).exists()


def test_data_of_another_version_are_refused_in_one_line(cluster):
    cluster.stop()
    (cluster.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(SetupProblem, match=r"made by PostgreSQL 12 .* brings 18") as caught:
        cluster.start()
    assert "\n" not in str(caught.value)
    (cluster.data / "PG_VERSION").write_text("18\n")


def test_missing_database_is_refused_in_one_line(cluster):
    cluster.stop()
    (cluster.data / "PG_VERSION").unlink()
    with pytest.raises(SetupProblem, match="holds no database"):
        cluster.start()


def test_broken_database_is_told_in_one_line(cluster):
    cluster.stop()
    (cluster.data / "global" / "pg_control").unlink()
    with pytest.raises(SetupProblem, match="does not start: could not find the database system") as caught:
        cluster.start()
    assert "\n" not in str(caught.value)


def test_roles_have_no_more_than_they_need(cluster):
    with superuser(cluster) as connection:
        for _twice in range(2):
            roles.ensure_roles(connection)
            roles.ensure_database(connection)
        rows = connection.execute(
            "SELECT rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles"
            " WHERE rolname IN ('kap_owner', 'kap_app', 'kapclinic_app') ORDER BY rolname"
        ).fetchall()
    assert rows == [
        ("kap_app", True, False, False, False),
        ("kap_owner", True, False, True, True),
        ("kapclinic_app", False, False, False, False),
    ]
    with (
        psycopg.connect(cluster.url(roles.APP, roles.DATABASE)) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("CREATE TABLE mine (id int)")


def test_broker_asks_for_its_password_and_comes_back_on_its_port(tmp_path):
    broker = Valkey(tmp_path / "valkey")
    broker.start()
    try:
        assert Redis.from_url(broker.url).ping()
        with pytest.raises(AuthenticationError):
            Redis.from_url(f"redis://127.0.0.1:{broker.port}/0").ping()
        assert Redis.from_url(broker.url).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        url, first = broker.url, broker.process.pid
        broker.process.kill()
        broker.process.wait()
        assert not broker.running
        broker.restart()
        assert broker.url == url
        assert broker.process.pid != first
        assert Redis.from_url(url).ping()
    finally:
        broker.stop()
    assert not broker.running


def test_password_of_the_broker_stands_in_no_argument(tmp_path):
    broker = Valkey(tmp_path / "valkey", password="a-secret-of-the-broker")
    broker.start()
    try:
        arguments = Path(f"/proc/{broker.process.pid}/cmdline").read_bytes()
        assert b"a-secret-of-the-broker" not in arguments
        assert is_alive(broker.process.pid)
    finally:
        broker.stop()


def test_waiting_for_a_living_process_ends_in_time():
    started = time.monotonic()
    assert not wait_until_gone(os.getpid(), 0.2)
    assert time.monotonic() - started < 2
