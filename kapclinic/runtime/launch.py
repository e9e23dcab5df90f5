"""`bin/run` inside `.venv`: databases, keys, migrations, demo clinic, and the processes until somebody ends them."""

import fcntl
import http.client
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import psycopg
from celery import Celery
from kombu.exceptions import OperationalError

from kapclinic.embedded import SUPERUSER, Postgres, Valkey
from kapclinic.runtime import keys, roles
from kapclinic.runtime.bootstrap import ROOT, run_arguments
from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import dies_with_parent, port_is_taken
from kapclinic.runtime.supervisor import Server, Supervisor, programs_of

# The longest a document may take to finish when the clinic is stopped.
STOP_SECONDS = 25
READY_SECONDS = 120
# A program that ends this often in a row before the clinic was ever ready will not come up by itself.
HOPELESS_AFTER = 4


class StopAsked(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived."""


def say(line: str) -> None:
    """One line of progress, at once."""
    print(line, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run the clinic; gives back the exit code: 0 when it was asked to end, 1 with one clear line when it cannot run."""
    options = run_arguments(arguments)
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, _on_stop)
    try:
        with ExitStack() as stack:
            _run(stack, fresh=options.fresh, sure=options.yes)
    except StopAsked:
        say("The clinic has ended. Its data are kept.")
        return 0
    except SetupProblem as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1
    return 0


def _on_stop(_sign: int, _frame: FrameType | None) -> None:
    # From here on the way down is the only way: a second signal must not interrupt it half-way.
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    raise StopAsked


def _run(stack: ExitStack, *, fresh: bool, sure: bool) -> None:
    port = _port()
    folder = Path(os.environ.get("KAP_VAR") or ROOT / "var").resolve()
    stack.enter_context(alone_in(folder))
    if port_is_taken(port):
        raise SetupProblem(
            f"Port {port} is taken by another program. End it, or choose another one: PORT={port + 1} ./bin/run"
        )
    if fresh:
        start_over(folder, sure=sure)
    environment = {
        "KAP_MODE": "demo",
        **os.environ,
        "KAP_VAR": str(folder),
        "PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "kapclinic.settings",
    }
    for name in ("mail", "beat", "static"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # Said once here, in place of five lines from each worker at each start.
        say("Running as root: fine for a try; in production let a user of its own run the clinic.")
        environment["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser privileges"
    environment |= own_keys(folder, environment)
    servers = _start_servers(stack, folder, environment)
    _step(
        [sys.executable, "-m", "kapclinic.runtime.prepare"],
        {**environment, "KAP_DATABASE_ROLE": "owner"},
        "Migrating",
    )
    sign_ins = _demo_clinic(folder, environment) if environment["KAP_MODE"] == "demo" else ""
    _supervise(environment, port, servers, sign_ins)


def _port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise SetupProblem(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the clinic's folder: two clinics on the same data would damage them. Raises SetupProblem when it is held."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "running", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SetupProblem(
            f"{folder} cannot be written: {error.strerror}. KAP_VAR names another folder."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode() or "unknown"
            raise SetupProblem(
                f"The clinic already runs from {folder} (process {holder}): end it first."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def start_over(folder: Path, *, sure: bool) -> None:
    """Remove everything the clinic keeps in `folder`, after asking; raises SetupProblem when that may not be."""
    if os.environ.get("DATABASE_URL"):
        raise SetupProblem(
            "--fresh removes the clinic's own database only, and DATABASE_URL names another one."
        )
    kept = sorted(path for path in folder.iterdir() if path.name != "running")
    if not kept:
        return
    if not sure:
        if not sys.stdin.isatty():
            raise SetupProblem(
                "--fresh removes all data of this clinic; without a terminal to ask, add --yes."
            )
        answer = input(f"Remove all data of the clinic in {folder} (database, keys, mail)? Type yes: ")
        if answer.strip().lower() != "yes":
            raise SetupProblem("Nothing was removed.")
    for path in kept:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    say("The clinic starts over: all its data were removed.")


def own_keys(folder: Path, environment: dict[str, str]) -> dict[str, str]:
    """Keys that the environment does not give, from `folder`/secrets, made the first time."""
    found: dict[str, str] = {}
    if "SECRET_KEY" not in environment and "SECRET_KEY_FILE" not in environment:
        found["SECRET_KEY"] = keys.kept(folder / "secrets" / "secret_key", keys.django_secret)
    if "KAP_ENCRYPTION_KEYS" not in environment and "KAP_ENCRYPTION_KEYS_FILE" not in environment:
        found["KAP_ENCRYPTION_KEYS"] = keys.kept(folder / "secrets" / "encryption_keys", keys.encryption_key)
    if "KAP_AUDIT_KEYS" not in environment and "KAP_AUDIT_KEYS_FILE" not in environment:
        found["KAP_AUDIT_KEYS"] = keys.kept(folder / "secrets" / "audit_keys", keys.encryption_key)
    return found


def _start_servers(stack: ExitStack, folder: Path, environment: dict[str, str]) -> list[Server]:
    """Start the databases that the environment does not name, and put their URLs into it."""
    servers: list[Server] = []
    if "DATABASE_URL" in environment or "DATABASE_URL_FILE" in environment:
        if "DATABASE_OWNER_URL" not in environment and "DATABASE_OWNER_URL_FILE" not in environment:
            raise SetupProblem(
                "DATABASE_URL is set and DATABASE_OWNER_URL is not: the owner migrates (docs/operations.md, Database roles)."
            )
    else:
        postgres = Postgres(folder / "postgres", say=say)
        stack.callback(postgres.stop)
        postgres.start()
        with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            roles.ensure_roles(connection)
            roles.ensure_database(connection)
        environment["DATABASE_URL"] = postgres.url(roles.APP, roles.DATABASE)
        environment["DATABASE_OWNER_URL"] = postgres.url(roles.OWNER, roles.DATABASE)
        servers.append(Server("postgres", lambda: postgres.running, postgres.restart))
    if "REDIS_URL" not in environment and "REDIS_URL_FILE" not in environment:
        valkey = Valkey(folder / "valkey")
        stack.callback(valkey.stop)
        valkey.start()
        environment["REDIS_URL"] = valkey.url
        servers.append(Server("valkey", lambda: valkey.running, valkey.restart))
    return servers


def _step(command: list[str], environment: dict[str, str], title: str, *, wanted: bool = False) -> str:
    """Run one step of the start; a line tells when it takes long. Its output when `wanted`; raises SetupProblem."""
    late = threading.Timer(2, say, [f"{title}…"])
    late.daemon = True
    late.start()
    try:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if wanted else None,
            text=True,
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )
        try:
            output, _ = process.communicate()
        except StopAsked:
            process.kill()
            process.wait()
            raise
    finally:
        late.cancel()
    if process.returncode != 0:
        raise SetupProblem(f"{title} failed; the reason stands above.")
    return output or ""


def _demo_clinic(folder: Path, environment: dict[str, str]) -> str:
    """Load the demo clinic into an empty database; gives back its sign-ins."""
    own_database = "DATABASE_URL" not in os.environ and "DATABASE_URL_FILE" not in os.environ
    loaded = folder / "demo-sign-ins"
    if own_database and loaded.exists():
        return loaded.read_text(encoding="utf-8")
    command = [sys.executable, str(ROOT / "manage.py"), "load_demo"]
    _step([*command, "--if-empty"], environment, "Loading the demo clinic (once; made-up people only)")
    sign_ins = _step([*command, "--show-sign-ins"], environment, "Reading the demo's sign-ins", wanted=True)
    if own_database:
        # The passwords of the demo are public; the file says that this folder's database holds it.
        loaded.write_text(sign_ins, encoding="utf-8")
    return sign_ins


def _supervise(environment: dict[str, str], port: int, servers: list[Server], sign_ins: str) -> None:
    """Run the Procfile until a signal raises StopAsked."""
    supervisor = Supervisor(programs_of(ROOT / "Procfile", environment), folder=ROOT, servers=servers)
    ready = threading.Event()
    try:
        workers = sum(
            " worker " in program.command for program in programs_of(ROOT / "Procfile", environment)
        )
        watcher = threading.Thread(target=_watch, args=(ready, environment, port, workers), daemon=True)
        supervisor.tick()
        watcher.start()
        started = time.monotonic()
        announced = False
        while True:
            supervisor.tick()
            if ready.is_set() and not announced:
                announced = True
                say(f"KAP Clinic is ready at http://localhost:{port}")
                if sign_ins.strip():
                    say(sign_ins.rstrip())
            if not announced:
                hopeless = supervisor.failing(HOPELESS_AFTER)
                if hopeless:
                    raise SetupProblem(f"{hopeless} does not start; its last lines stand above.")
                if time.monotonic() - started > READY_SECONDS:
                    raise SetupProblem(
                        f"The clinic is not ready after {READY_SECONDS} s; the lines above say why."
                    )
            time.sleep(0.1)
    finally:
        supervisor.stop(seconds=STOP_SECONDS)


def _watch(ready: threading.Event, environment: dict[str, str], port: int, workers: int) -> None:
    """Set `ready` when the web answers /readyz with 200 and every worker answers a ping."""
    while not web_is_ready(port, environment):
        time.sleep(0.2)
    while answering_workers(environment, expected=workers) < workers:
        time.sleep(0.2)
    ready.set()


def web_is_ready(port: int, environment: dict[str, str]) -> bool:
    """True when /readyz on this machine says 200."""
    hosts = [host for host in environment.get("ALLOWED_HOSTS", "").split(",") if host.strip(". *")]
    host = hosts[0].strip().lstrip(".") if hosts else "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answering_workers(environment: dict[str, str], *, expected: int) -> int:
    """How many Celery workers answer a ping within a second; it stops listening after `expected` of them."""
    app = Celery(broker=_broker_url(environment), set_as_current=False)
    try:
        # `limit` ends the waiting with the last expected answer; a plain ping always waits for the whole second.
        replies = app.control.broadcast("ping", reply=True, timeout=1, limit=expected)
        return len(replies or ())
    except (OSError, OperationalError):
        return 0
    finally:
        app.close()


def _broker_url(environment: dict[str, str]) -> str:
    if "REDIS_URL_FILE" in environment:
        return Path(environment["REDIS_URL_FILE"]).read_text(encoding="utf-8").strip()
    return environment["REDIS_URL"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
