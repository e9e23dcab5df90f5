"""bin/run says in one line what is wrong, keeps its keys, and ends cleanly."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kapclinic.encryption import KeyRing
from kapclinic.runtime import keys, launch
from kapclinic.runtime.bootstrap import run_arguments
from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import free_port, is_alive
from tests import databases
from tests.databases import ROOT

Launch = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_clinic(tmp_path: Path) -> Iterator[Launch]:
    """Starts what bin/run becomes, on a folder of its own; the environment names no database unless the test does."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        ours = ("DATABASE_", "REDIS_", "SECRET_KEY", "KAP_", "PORT", "ALLOWED_HOSTS", "SITE_URL")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        process = subprocess.Popen(
            [sys.executable, "-m", "kapclinic.runtime.launch", *arguments],
            cwd=ROOT,
            env={
                **inherited,
                "PATH": path,
                "KAP_VAR": str(tmp_path / "var"),
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def refusal(process: subprocess.Popen[str]) -> str:
    """The one line with which the start was refused."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    lines = errors.strip().splitlines()
    assert len(lines) == 1, errors
    return lines[0]


def test_taken_port_is_one_clear_line(start_clinic: Launch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refusal(start_clinic(PORT=str(port)))
    assert line.startswith(f"Port {port} is taken by another program.")
    assert f"PORT={port + 1} ./bin/run" in line


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_impossible_port_is_one_clear_line(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SetupProblem, match="PORT must be a number from 1 to 65535"):
        launch._port()


def test_owner_url_is_asked_for_when_only_the_applications_is_given(start_clinic: Launch):
    line = refusal(start_clinic(DATABASE_URL="postgresql://kap_app@localhost/clinic", PORT=str(free_port())))
    assert line.startswith("DATABASE_URL is set and DATABASE_OWNER_URL is not")


def test_missing_database_is_one_clear_line(start_clinic: Launch):
    environment = {
        "DATABASE_URL": databases.app_url("kaptest_no_such_database"),
        "DATABASE_OWNER_URL": databases.owner_url("kaptest_no_such_database"),
        "PORT": str(free_port()),
    }
    process = start_clinic(**environment)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    first, last = errors.strip().splitlines()
    assert first.startswith("The database does not answer:")
    assert 'database "kaptest_no_such_database" does not exist' in first
    assert last == "Migrating failed; the reason stands above."


def test_second_clinic_on_the_same_folder_is_refused(tmp_path):
    with (
        launch.alone_in(tmp_path),
        pytest.raises(SetupProblem, match=f"already runs from .* \\(process {os.getpid()}\\)"),
        launch.alone_in(tmp_path),
    ):
        pass
    with launch.alone_in(tmp_path):
        pass


def test_fresh_asks_and_is_refused_without_a_terminal(start_clinic: Launch, tmp_path):
    kept = tmp_path / "var" / "mail" / "letter"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept")
    line = refusal(start_clinic("--fresh", PORT=str(free_port())))
    assert line.endswith("without a terminal to ask, add --yes.")
    assert kept.read_text() == "kept"


def test_fresh_never_touches_a_database_of_somebody_else(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://kap_app@db/clinic")
    (tmp_path / "mail").mkdir()
    with pytest.raises(SetupProblem, match="DATABASE_URL names another one"):
        launch.start_over(tmp_path, sure=True)
    assert (tmp_path / "mail").exists()


def test_fresh_removes_everything_when_sure(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name in ("postgres", "secrets", "mail"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    (tmp_path / "running").write_text("1")
    launch.start_over(tmp_path, sure=True)
    assert [path.name for path in tmp_path.iterdir()] == ["running"]
    assert "starts over" in capsys.readouterr().out


def test_yes_without_fresh_is_refused(capsys):
    with pytest.raises(SystemExit):
        run_arguments(["--yes"])
    assert "--fresh" in capsys.readouterr().err


def test_keys_are_made_once_and_readable_by_their_owner_alone(tmp_path):
    first = launch.own_keys(tmp_path, {})
    assert launch.own_keys(tmp_path, {}) == first
    assert len(first["SECRET_KEY"]) >= 50
    assert KeyRing.from_pairs([first["KAP_ENCRYPTION_KEYS"]])
    assert KeyRing.from_pairs([first["KAP_AUDIT_KEYS"]])
    for name in ("secret_key", "encryption_keys", "audit_keys"):
        assert stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_keys_of_the_environment_are_not_replaced(tmp_path):
    assert (
        launch.own_keys(
            tmp_path, {"SECRET_KEY": "x", "KAP_ENCRYPTION_KEYS_FILE": "/keys", "KAP_AUDIT_KEYS": "y"}
        )
        == {}
    )
    assert not (tmp_path / "secrets").exists()


def test_emptied_key_file_is_never_replaced_by_a_new_key(tmp_path):
    launch.own_keys(tmp_path, {})
    (tmp_path / "secrets" / "encryption_keys").write_text("")
    with pytest.raises(SetupProblem, match="put the key back from your backup"):
        keys.kept(tmp_path / "secrets" / "encryption_keys", keys.encryption_key)


def test_clinic_becomes_ready_and_ends_cleanly_when_asked(start_clinic: Launch, migrated_template, tmp_path):
    name = f"{databases.PREFIX}_{os.environ['KAP_TEST_RUN']}_launch"
    databases.clone(migrated_template, name)
    port = free_port()
    process = start_clinic(
        KAP_MODE="production",
        ALLOWED_HOSTS="localhost,127.0.0.1",
        SITE_URL=f"https://localhost:{port}",
        DATABASE_URL=databases.app_url(name),
        DATABASE_OWNER_URL=databases.owner_url(name),
        PORT=str(port),
    )
    try:
        lines = _lines_until(process, f"KAP Clinic is ready at http://localhost:{port}", seconds=180)
        for host in ("localhost", "127.0.0.1"):
            assert _status(host, port, "/livez") == 200
        children = _children_of(process.pid)
        # gunicorn, two workers, beat and the broker; the database is somebody else's.
        assert len(children) == 5, lines
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert output.rstrip().endswith("The clinic has ended. Its data are kept.")
        assert [pid for pid in children if is_alive(pid)] == []
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        databases.drop(name)
    with psycopg.connect(databases.owner_url("postgres")) as connection:
        found = connection.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
    assert found is None


def _lines_until(process: subprocess.Popen[str], wanted: str, *, seconds: float) -> str:
    assert process.stdout is not None
    until = time.monotonic() + seconds
    lines = ""
    for line in process.stdout:
        lines += line
        if wanted in line:
            return lines
        assert time.monotonic() < until, lines
    raise AssertionError(f"it ended before it was ready:\n{lines}")


def _status(host: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def _children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
