"""Runs the Procfile's programs, prefixes their output, and starts again what ends by itself."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from honcho.colour import get_colours
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import dies_with_parent, signal_group

# Waiting time before a start after the n-th quick end in a row, in seconds.
BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30)
# A program that ran this long was healthy: the next wait is the first one again.
HEALTHY_AFTER_SECONDS = 60


@dataclass(frozen=True)
class Program:
    """A line of the Procfile: its name, its shell command and its environment."""

    name: str
    command: str
    environment: Mapping[str, str]


def programs_of(procfile: Path, environment: Mapping[str, str]) -> list[Program]:
    """The programs that a Procfile names, in its order."""
    lines = parse_procfile(procfile.read_text(encoding="utf-8"))
    return [Program(name, command, environment) for name, command in lines.processes.items()]


def start_program(program: Program, *, folder: Path, output: int) -> subprocess.Popen[bytes]:
    """Start one program in a process group of its own; it gets SIGTERM when we die. Call from the main thread."""
    return subprocess.Popen(
        ["/bin/sh", "-c", f"exec {program.command}"],
        cwd=folder,
        env=dict(program.environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    )


@dataclass
class _Child:
    program: Program
    colour: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_ends: int = 0
    start_at: float | None = 0.0
    reader: threading.Thread | None = field(default=None, repr=False)


@dataclass
class Server:
    """A database or broker that the supervisor watches beside the programs."""

    name: str
    running: Callable[[], bool]
    restart: Callable[[], None]
    quick_ends: int = 0
    start_at: float | None = None
    started: float = field(default_factory=time.monotonic)


class Supervisor:
    """Keeps programs and servers running until `stop`; `tick` is called again and again by the main thread."""

    def __init__(self, programs: Iterable[Program], *, folder: Path, servers: Iterable[Server] = ()) -> None:
        self._folder = folder
        colours = get_colours()
        self._children = [_Child(program, next(colours)) for program in programs]
        self._servers = list(servers)
        names = [child.program.name for child in self._children] + [server.name for server in self._servers]
        self._printer = Printer(sys.stdout, width=max(len(name) for name in [*names, "clinic"]))
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """Names of the supervised programs."""
        return [child.program.name for child in self._children]

    def say(self, line: str, *, name: str = "clinic", colour: str | None = None) -> None:
        """Print one prefixed line."""
        with self._lock:
            self._printer.write(Message("line", line, datetime.now().astimezone(), name, colour))

    def failing(self, times: int) -> str | None:
        """Name of a program that ended right after its start at least `times` times in a row."""
        return next((child.program.name for child in self._children if child.quick_ends >= times), None)

    def process(self, name: str) -> subprocess.Popen[bytes] | None:
        """The running process of a program, None between two runs."""
        return next(child.process for child in self._children if child.program.name == name)

    def tick(self) -> None:
        """Start what is due, and notice what ended."""
        now = time.monotonic()
        for server in self._servers:
            self._watch_server(server, now)
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._note_end(child, now)
            if child.process is None and child.start_at is not None and now >= child.start_at:
                self._start(child, now)

    def stop(self, *, seconds: float) -> None:
        """End every program: SIGTERM, and after `seconds` SIGKILL to it and everything it started."""
        running = [child for child in self._children if child.process is not None]
        for child in self._children:
            child.start_at = None
        for child in running:
            assert child.process is not None
            with suppress(ProcessLookupError):
                child.process.terminate()
        until = time.monotonic() + seconds
        for child in running:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{child.program.name} did not end in time and is killed")
            signal_group(child.process, signal.SIGKILL)
            child.process.wait()
            if child.reader is not None:
                child.reader.join(2)
            child.process = None

    def _start(self, child: _Child, now: float) -> None:
        reading, writing = os.pipe()
        try:
            child.process = start_program(child.program, folder=self._folder, output=writing)
        finally:
            os.close(writing)
        child.started = now
        child.start_at = None
        child.reader = threading.Thread(target=self._read, args=(child, reading), daemon=True)
        child.reader.start()

    def _read(self, child: _Child, reading: int) -> None:
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip()
                self.say(text, name=child.program.name, colour=child.colour)

    def _note_end(self, child: _Child, now: float) -> None:
        assert child.process is not None
        # What it started must not go on without it.
        signal_group(child.process, signal.SIGKILL)
        wait, child.quick_ends = _backoff(child.quick_ends, ran=now - child.started)
        self.say(
            f"{child.program.name} {how_it_ended(child.process.returncode)}; starting it again in {wait} s"
        )
        child.process = None
        child.start_at = now + wait

    def _watch_server(self, server: Server, now: float) -> None:
        if server.start_at is None:
            if server.running():
                return
            wait, server.quick_ends = _backoff(server.quick_ends, ran=now - server.started)
            self.say(f"{server.name} has ended by itself; starting it again in {wait} s")
            server.start_at = now + wait
        if now >= server.start_at:
            server.start_at = None
            server.started = now
            try:
                server.restart()
            except SetupProblem as problem:
                self.say(str(problem), name=server.name)
            else:
                self.say(f"{server.name} runs again")


def _backoff(quick_ends: int, *, ran: float) -> tuple[int, int]:
    """Seconds to wait after a program ended that `ran` so long, and its new count of quick ends."""
    count = 1 if ran >= HEALTHY_AFTER_SECONDS else quick_ends + 1
    return BACKOFF_SECONDS[min(count, len(BACKOFF_SECONDS)) - 1], count


def how_it_ended(code: int) -> str:
    """A process's return code in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
