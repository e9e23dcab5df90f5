"""What a process loads before it can serve: every start pays for it four times."""

import subprocess
import sys

import pytest

from kapclinic.runtime.bootstrap import ROOT, libraries_load

# Each costs between a fifth of a second and a whole one, and most processes never use it.
HEAVY = ("weasyprint", "fontTools", "fhir", "pypdf")


def test_heavy_libraries_wait_until_they_are_used() -> None:
    """Neither the web nor a worker loads what only a printed document or an import needs."""
    program = (
        "import sys, django; django.setup(); import kapclinic.urls, kapclinic.celery; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("names", "there"), [(("libc.so.6",), True), (("libc.so.6", "libnone.so.0"), False)])
def test_missing_library_is_noticed(names: tuple[str, ...], there: bool) -> None:
    assert libraries_load(names) is there
