"""First step of `bin/run` and `bin/test`: what the machine and `.venv` lack, then the real command inside `.venv`.

Runs on the system's Python before anything is installed, so it uses the standard library alone.
"""

import argparse
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# What WeasyPrint loads at run time (its documentation, "First Steps", Debian).
PANGO_PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
PANGO_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def say(line: str) -> None:
    """One line of progress, at once."""
    print(line, flush=True)


def refuse(line: str) -> NoReturn:
    """Say in one line what a person must do, and end with 1."""
    print(line, file=sys.stderr, flush=True)
    sys.exit(1)


def run_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Options of `bin/run`."""
    parser = argparse.ArgumentParser(
        prog="bin/run",
        description="Run the clinic at http://localhost:8000 (PORT chooses another port). Ctrl-C ends it; the data stay.",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="remove the clinic's data in var/ first, after asking"
    )
    parser.add_argument("--yes", action="store_true", help="with --fresh: do not ask")
    options = parser.parse_args(list(arguments))
    if options.yes and not options.fresh:
        parser.error("--yes means something only together with --fresh")
    return options


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock on the checkout, so that two commands do not install into the same `.venv` at once."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another bin/run or bin/test that is installing…")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _apt_prefix() -> list[str] | None:
    """How apt may be called here: directly as root, through sudo without a password, or not at all."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def apt_install(packages: Sequence[str], *, purpose: str) -> None:
    """Install Debian packages when that is allowed here; else one exact line of what to type, and exit 1."""
    by_hand = f"{purpose} is missing. Type: sudo apt-get install -y {' '.join(packages)}"
    prefix = _apt_prefix()
    if prefix is None:
        refuse(by_hand)
    say(f"Installing {' '.join(packages)} with apt: {purpose} is missing…")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*prefix, "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    # The package lists of a fresh machine are empty or old: renew them, and go on with what is there if that fails.
    subprocess.run([*prefix, "apt-get", "update", "-q"], env=quiet, capture_output=True)
    done = subprocess.run(install, env=quiet, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["apt-get failed"]
        refuse(f"{by_hand} (apt-get said: {reason[0]})")


def _python_makes_environments() -> bool:
    return (
        subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0
    )


def ensure_venv() -> None:
    """Make `.venv` when there is none that works from this very place with a Python of at least 3.11."""
    home = VENV / "home-of-this-environment"
    if VENV_PYTHON.exists():
        works = [str(VENV_PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
        moved = home.exists() and home.read_text(encoding="utf-8") != str(ROOT)
        if not moved and subprocess.run(works, capture_output=True).returncode == 0:
            return
        say("Making .venv anew: the old one was made elsewhere or by another Python…")
    else:
        say("Making .venv…")
    if not _python_makes_environments():
        apt_install([f"python3.{sys.version_info.minor}-venv"], purpose="Python's venv module")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True
    )
    if made.returncode != 0:
        reason = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:] or ["unknown reason"]
        refuse(f".venv could not be made: {reason[0]}")
    home.write_text(str(ROOT), encoding="utf-8")


def ensure_packages(lock: Path) -> None:
    """Install the locked packages with their hashes checked, only when `lock` changed since the last time."""
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f"installed-{lock.stem}.sha256"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    count = len(re.findall(r"^[A-Za-z0-9][^=\s]*==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    say(
        f"Installing {count} locked packages from {lock.relative_to(ROOT)} (the first time takes a minute or two)…"
    )
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "-r", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        errors = _follow_pip(pip.stdout, count)
    if pip.returncode != 0:
        reason = errors[-1] if errors else "see pip's own message by running it"
        refuse(f"The locked packages could not be installed: {reason}")
    stamp.write_text(wanted, encoding="utf-8")


def _follow_pip(lines: Iterator[str], count: int) -> list[str]:
    """Turn pip's output into a count every few seconds; gives back its error lines."""
    errors: list[str] = []
    seen = 0
    told = time.monotonic()
    for line in lines:
        text = line.strip()
        if text.startswith(("Collecting ", "Requirement already satisfied")):
            seen += 1
        elif text.startswith("ERROR"):
            errors.append(text.removeprefix("ERROR:").strip())
        elif text.startswith("Installing collected packages"):
            say("  unpacking and compiling…")
        if time.monotonic() - told > 5:
            told = time.monotonic()
            say(f"  {min(seen, count)} of {count} fetched")
    return errors


def libraries_load(names: Sequence[str]) -> bool:
    """True when the machine's linker finds every one of these libraries."""
    try:
        for name in names:
            ctypes.CDLL(name)
    except OSError:
        return False
    return True


def ensure_pdf_libraries() -> None:
    """Bring the libraries that WeasyPrint loads; where one was missing, the proof is that it really imports then."""
    if libraries_load(PANGO_LIBRARIES):
        return
    probe = [str(VENV_PYTHON), "-c", "import weasyprint.text.ffi"]
    if subprocess.run(probe, capture_output=True).returncode == 0:
        return
    apt_install(PANGO_PACKAGES, purpose="Pango, which WeasyPrint needs to make PDFs,")
    second = subprocess.run(probe, capture_output=True, text=True)
    if second.returncode != 0:
        reason = second.stderr.strip().splitlines()[-1:] or ["no reason given"]
        refuse(f"WeasyPrint still does not load after Pango was installed: {reason[0]}")


def ensure_chromium() -> str:
    """Path of a Chromium for the browser tests: KAP_CHROMIUM, the system's own, or Debian's through apt."""
    chosen = os.environ.get("KAP_CHROMIUM")
    if chosen:
        if not os.access(chosen, os.X_OK):
            refuse(f"KAP_CHROMIUM is {chosen}, and no program stands there.")
        return chosen
    for attempt in ("as it is", "after apt"):
        for name in CHROMIUM_NAMES:
            found = shutil.which(name)
            if found:
                return found
        if attempt == "as it is":
            apt_install(["chromium"], purpose="Chromium, which the browser tests drive,")
    refuse("Chromium is missing. Type: sudo apt-get install -y chromium")


@dataclass(frozen=True)
class Command:
    """One of the commands: its locked packages, the module that goes on inside `.venv`, and what that is told first."""

    lock: Path
    module: str
    arguments: tuple[str, ...] = ()


COMMANDS = {
    "run": Command(ROOT / "requirements" / "base.txt", "kapclinic.runtime.launch"),
    "backup": Command(ROOT / "requirements" / "base.txt", "kapclinic.runtime.backup", ("backup",)),
    "restore": Command(ROOT / "requirements" / "base.txt", "kapclinic.runtime.backup", ("restore",)),
    "test": Command(ROOT / "requirements" / "test.txt", "kapclinic.runtime.verify"),
}


def main(arguments: Sequence[str]) -> NoReturn:
    """Set up what `bin/<name>` needs and become it; `arguments` are the name and what follows."""
    name, *rest = arguments
    if name == "run":
        run_arguments(rest)
    command = COMMANDS[name]
    os.environ["KAP_CALLED_FROM"] = os.getcwd()
    os.chdir(ROOT)
    try:
        with one_at_a_time(ROOT):
            ensure_venv()
            ensure_packages(command.lock)
            ensure_pdf_libraries()
        if name == "test":
            os.environ["KAP_CHROMIUM"] = ensure_chromium()
    except KeyboardInterrupt:
        refuse("Stopped during set-up; the next start goes on where it was.")
    except OSError as error:
        refuse(f"Set-up failed: {error.strerror}: {error.filename}")
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", command.module, *command.arguments, *rest])


if __name__ == "__main__":
    main(sys.argv[1:])
