"""`bin/test` inside `.venv`: every check, then pytest, on databases that are thrown away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType

from kapclinic.runtime.bootstrap import ROOT
from kapclinic.runtime.problems import SetupProblem
from kapclinic.runtime.processes import dies_with_parent, end
from kapclinic.runtime.throw_away import start_servers

ONLY_PYTEST = "--only-pytest"


class StopAsked(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived."""


@dataclass(frozen=True)
class Check:
    """One command that must end with 0, and what its environment has besides."""

    title: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def checks() -> list[Check]:
    """Every check besides the tests, the quick ones first."""
    python = sys.executable
    manage = [python, "manage.py"]
    production = {
        "KAP_MODE": "production",
        "ALLOWED_HOSTS": "clinic.example",
        "SITE_URL": "https://clinic.example",
    }
    return [
        Check("ruff check", [python, "-m", "ruff", "check", "--output-format", "concise", "."]),
        Check(
            "ruff format --check",
            [python, "-m", "ruff", "format", "--check", "--output-format", "concise", "."],
        ),
        Check(
            "import-linter",
            [python, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-logo"],
        ),
        Check("djlint", [python, "-m", "djlint", "templates", "--lint", "--quiet"]),
        Check(
            "manage.py check --deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], production
        ),
        Check("manage.py makemigrations --check", [*manage, "makemigrations", "--check", "--dry-run"]),
        Check("mypy", [python, "-m", "mypy"]),
    ]


def main(arguments: Sequence[str]) -> int:
    """Run the checks and pytest with `arguments`; gives back 0 when all of them passed."""
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, _on_stop)
    only_pytest = bool(arguments) and arguments[0] == ONLY_PYTEST
    rest = list(arguments[1:] if only_pytest else arguments)
    try:
        with ExitStack() as stack:
            environment = _throw_away_environment(stack)
            failed = [] if only_pytest else _run_checks(environment)
            if failed:
                environment["KAP_FAILED_CHECKS"] = ", ".join(failed)
            code = _run(
                Check("pytest", [sys.executable, "-m", "pytest", *pytest_arguments(rest)]), environment
            )
    except StopAsked:
        print("The tests were stopped; their databases are gone.", file=sys.stderr, flush=True)
        return 130
    except SetupProblem as problem:
        print(problem, file=sys.stderr, flush=True)
        return 1
    return code or (1 if failed else 0)


def _on_stop(_sign: int, _frame: FrameType | None) -> None:
    # From here on the way down is the only way: a second signal must not interrupt it half-way.
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    raise StopAsked


def pytest_arguments(given: Sequence[str]) -> list[str]:
    """What pytest is called with: three processes unless the caller chose a number or a debugger."""
    own_way = ("-n", "--numprocesses", "--pdb", "--trace", "-p", "--collect-only", "--co", "-s")
    if any(argument.startswith(own_way) for argument in given):
        return list(given)
    # One more than the measure's cores: some tests wait for processes, and a quarter of the time no core had anything to do.
    # Tests of one module share a live clinic, so a module stays on one process; tests/conftest.py puts the long ones first.
    return ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", *given]


def _throw_away_environment(stack: ExitStack) -> dict[str, str]:
    """Servers of the run's own, and an environment that leads to them and to nothing else."""
    _, own = start_servers(stack, prefix="kaptest-")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE_", "REDIS_", "EMAIL_", "SECRET_KEY", "DJANGO_"))
        and name not in {"PORT", "ALLOWED_HOSTS", "SITE_URL", "DEBUG", "KAP_DATABASE_ROLE", "KAP_HOST"}
    }
    return {**inherited, **own}


def _run_checks(environment: Mapping[str, str]) -> list[str]:
    failed = []
    for check in checks():
        started = time.monotonic()
        print(f"\n== {check.title}", flush=True)
        code = _run(check, environment)
        print(f"{'passed' if code == 0 else 'FAILED'} after {time.monotonic() - started:.0f} s", flush=True)
        if code != 0:
            failed.append(check.title)
    print("\n== pytest", flush=True)
    return failed


def _run(check: Check, environment: Mapping[str, str]) -> int:
    process = subprocess.Popen(
        check.command,
        cwd=ROOT,
        env={**environment, **check.environment},
        start_new_session=True,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    )
    try:
        return process.wait()
    except StopAsked:
        end(process, signal.SIGINT, seconds=15)
        raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
