"""`manage.py verify_audit`: does the record still say what was sealed?"""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from kapclinic.audit import heads
from kapclinic.audit.verifying import Report, verify

# Exit codes beside 0, "the record holds".
DOES_NOT_HOLD = 1
COULD_NOT_LOOK = 2


class Command(BaseCommand):
    """Checks every sealed row, every seal and the heads outside the database.

    Exit 0: the record holds. 1: it does not, and each line says where. 2: it could not be checked.
    """

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--heads", type=Path, help="another file of heads than the configured one")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            known = heads.read_heads(options["heads"]) if options["heads"] else None
            report = verify(known_heads=known)
        except (ImproperlyConfigured, DatabaseError, ValueError, OSError) as error:
            raise CommandError(
                f"The record could not be checked: {error}", returncode=COULD_NOT_LOOK
            ) from error
        seconds = time.monotonic() - started
        if options["json"]:
            self.stdout.write(json.dumps(_as_data(report, seconds)))
        else:
            self._print(report, seconds)
        if not report.holds:
            raise CommandError(
                f"The record does NOT hold: {len(report.findings) + report.more} findings.",
                returncode=DOES_NOT_HOLD,
            )

    def _print(self, report: Report, seconds: float) -> None:
        for finding in report.findings:
            self.stdout.write(str(finding))
        if report.more:
            self.stdout.write(f"and {report.more} more")
        self.stdout.write(
            f"{report.rows:,} sealed rows in {report.seals:,} seals looked at in {seconds:.1f} s; "
            f"{report.heads_in_file:,} heads in the file; {report.unsealed:,} rows wait for the next seal."
        )
        if report.holds:
            self.stdout.write("The record holds.")


def _as_data(report: Report, seconds: float) -> dict[str, Any]:
    findings = [
        {"fault": found.fault.value, "table": found.table, "row": found.row_id, "seal": found.seal}
        for found in report.findings
    ]
    return {
        "holds": report.holds, "rows": report.rows, "seals": report.seals, "unsealed": report.unsealed,
        "heads_in_file": report.heads_in_file, "last_head": report.last_head, "seconds": round(seconds, 1),
        "findings": findings, "more": report.more,
    }  # fmt: skip
