"""The supervisor restarts what ends, and ends everything when it is told to."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kapclinic.runtime.processes import is_alive
from kapclinic.runtime.supervisor import BACKOFF_SECONDS, Program, Server, Supervisor, _backoff, programs_of

ENVIRONMENT = {"PATH": os.environ["PATH"], "GREETING": "hello"}


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    started: list[Supervisor] = []

    def start(*, servers: tuple[Server, ...] = (), **commands: str) -> Supervisor:
        programs = [Program(name, command, ENVIRONMENT) for name, command in commands.items()]
        supervisor = Supervisor(programs, folder=tmp_path, servers=servers)
        started.append(supervisor)
        supervisor.tick()
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop(seconds=1)


def tick_until(supervisor: Supervisor, condition: Callable[[], object], *, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        supervisor.tick()
        time.sleep(0.02)


def pid_of(supervisor: Supervisor, name: str) -> int:
    process = supervisor.process(name)
    assert process is not None
    return process.pid


def test_killed_program_is_started_again_and_the_others_go_on(supervise, capsys):
    supervisor = supervise(worker="sleep 60", web="sleep 60")
    worker, web = pid_of(supervisor, "worker"), pid_of(supervisor, "web")
    os.kill(worker, signal.SIGKILL)
    tick_until(supervisor, lambda: supervisor.process("worker") is None)
    tick_until(supervisor, lambda: supervisor.process("worker") is not None)
    assert pid_of(supervisor, "worker") != worker
    assert pid_of(supervisor, "web") == web
    assert "worker was killed by SIGKILL; starting it again in 1 s" in capsys.readouterr().out


def test_what_a_killed_program_started_ends_with_it(supervise, tmp_path):
    supervisor = supervise(worker="sh -c 'sleep 60 & echo $! > child; wait'")
    tick_until(supervisor, lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip())
    child = int((tmp_path / "child").read_text())
    os.kill(pid_of(supervisor, "worker"), signal.SIGKILL)
    tick_until(supervisor, lambda: not is_alive(child) or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_output_is_prefixed_with_the_programs_name(supervise, capsys):
    supervisor = supervise(web="sh -c 'echo $GREETING; sleep 60'")
    heard: list[str] = []

    def greeted() -> bool:
        heard.append(capsys.readouterr().out)
        return "hello" in "".join(heard)

    tick_until(supervisor, greeted)
    assert "web    | hello" in "".join(heard)


def test_a_program_that_never_comes_up_is_named(supervise):
    supervisor = supervise(web="sh -c 'exit 3'")
    tick_until(supervisor, lambda: supervisor.failing(2) == "web")


def test_stop_kills_what_ignores_sigterm(supervise):
    supervisor = supervise(stubborn="sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'")
    pid = pid_of(supervisor, "stubborn")
    time.sleep(0.3)
    started = time.monotonic()
    supervisor.stop(seconds=0.5)
    assert time.monotonic() - started < 3
    assert not is_alive(pid)


def test_ended_server_is_started_again(supervise, capsys):
    state = {"running": True, "restarts": 0}

    def restart() -> None:
        state["running"] = True
        state["restarts"] += 1

    supervisor = supervise(servers=(Server("postgres", lambda: bool(state["running"]), restart),))
    supervisor.tick()
    assert state["restarts"] == 0
    state["running"] = False
    tick_until(supervisor, lambda: state["restarts"] == 1)
    assert "postgres runs again" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("quick_ends", "ran", "wait", "count"),
    [(0, 0.1, 1, 1), (1, 0.1, 2, 2), (5, 59.9, 30, 6), (6, 60.0, 1, 1), (40, 0.1, BACKOFF_SECONDS[-1], 41)],
)
def test_waits_grow_until_a_program_was_healthy(quick_ends, ran, wait, count):
    assert _backoff(quick_ends, ran=ran) == (wait, count)


def test_procfile_names_the_four_programs():
    root = Path(__file__).resolve().parents[2]
    assert [program.name for program in programs_of(root / "Procfile", {})] == [
        "web",
        "worker",
        "documents",
        "beat",
    ]
