"""A whole clinic for tests: a database of its own, a broker of its own, and the Procfile's real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kapclinic.embedded import Valkey
from kapclinic.runtime.launch import answering_workers, web_is_ready
from kapclinic.runtime.processes import end, free_port, signal_group
from kapclinic.runtime.supervisor import Program, programs_of, start_program
from tests.databases import ROOT, app_url, owner_url

# A cold start of four Python processes on a busy machine with two cores.
READY_SECONDS = 90


class LiveClinic:
    """gunicorn, the workers and beat on `database`, connected as the application's role.

    `base_url` is where it answers; `folder` is its var/ with one log a program. `only` names the programs that a test needs,
    where it needs fewer; `environment` holds names that differ from every other live clinic's.
    """

    def __init__(
        self,
        *,
        database: str,
        folder: Path,
        only: tuple[str, ...] = ("web", "worker", "documents", "beat"),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.database = database
        self.folder = folder
        self.port = free_port()
        self.base_url = f"http://localhost:{self.port}"
        self.broker = Valkey(folder / "valkey")
        self.environment: dict[str, str] = {}
        self._only = only
        self._more = environment or {}
        self._programs: dict[str, Program] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start everything and wait until the web and both workers answer; raises AssertionError with the logs if not."""
        for name in ("mail", "beat"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.broker.start()
        self.environment = {
            **os.environ,
            "KAP_MODE": "demo",
            "KAP_VAR": str(self.folder),
            "PORT": str(self.port),
            "DATABASE_URL": app_url(self.database),
            "DATABASE_OWNER_URL": owner_url(self.database),
            "REDIS_URL": self.broker.url,
            "DJANGO_SETTINGS_MODULE": "kapclinic.settings",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "WEB_CONCURRENCY": "1",
            "KAP_WORKERS": "1",
            **self._more,
        }
        self.environment.pop("KAP_DATABASE_ROLE", None)
        self._programs = {
            program.name: program for program in programs_of(ROOT / "Procfile", self.environment)
        }
        for name in self._only:
            self.start_program(name)
        self.wait_for(self.web_answers, "the web answers", seconds=READY_SECONDS)
        workers = len({"worker", "documents"} & set(self._only))
        if workers:
            self.wait_for(
                lambda: answering_workers(self.environment, expected=workers) == workers,
                "the workers answer",
                seconds=READY_SECONDS,
            )

    def stop(self) -> None:
        """End every program and the broker."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            end(process, seconds=10)
        self._processes.clear()
        self.broker.stop()

    def start_program(self, name: str) -> None:
        """Start one program of the Procfile (web, worker, documents, beat); its output goes to its log."""
        with self.log_path(name).open("ab") as log:
            self._processes[name] = start_program(self._programs[name], folder=ROOT, output=log.fileno())

    def start_another(self, name: str) -> str:
        """Start a program a second time, with a var/ of its own for its files; gives back the name of the second one."""
        folder = self.folder / f"another-{name}"
        (folder / "beat").mkdir(parents=True, exist_ok=True)
        program = self._programs[name]
        other = Program(f"another-{name}", program.command, {**program.environment, "KAP_VAR": str(folder)})
        self._programs[other.name] = other
        self.start_program(other.name)
        return other.name

    def end_another(self, name: str) -> None:
        """End a program that `start_another` started."""
        self.kill(name)
        del self._programs[name]

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """One program stands still meanwhile, as on a machine that is out of breath."""
        process = self._processes[name]
        signal_group(process, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_group(process, signal.SIGCONT)

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """End one program and everything it started, at once."""
        process = self._processes.pop(name)
        signal_group(process, sign)
        process.wait()

    def web_answers(self) -> bool:
        """True when /readyz says 200."""
        return web_is_ready(self.port, self.environment)

    def log_path(self, name: str) -> Path:
        """File with the output of one program."""
        return self.folder / f"{name}.log"

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` on this clinic's database as the application's role; gives back what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def wait_for(self, condition: Callable[[], object], what: str, *, seconds: float = 20) -> None:
        """Wait until `condition()` is true; raises AssertionError with the tail of every log when it is not in time."""
        until = time.monotonic() + seconds
        while not condition():
            ended = [name for name, process in self._processes.items() if process.poll() is not None]
            if time.monotonic() > until or ended:
                logs = "".join(f"\n--- {name}\n{self._tail(name)}" for name in self._programs)
                raise AssertionError(f"after {seconds} s not true: {what}; ended: {ended or 'none'}{logs}")
            time.sleep(0.1)

    def _tail(self, name: str) -> str:
        path = self.log_path(name)
        return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""
