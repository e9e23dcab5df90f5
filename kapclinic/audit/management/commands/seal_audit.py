"""`manage.py seal_audit`: seal now, without waiting for the next turn."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from kapclinic.audit.sealing import ClockWentBack, seal_all


class Command(BaseCommand):
    """Seals what was committed since the last seal, as beat has it done every AUDIT_SEAL_SECONDS."""

    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            made = seal_all()
        except (ImproperlyConfigured, ClockWentBack, OSError) as error:
            raise CommandError(str(error)) from error
        rows = sum(seal.row_count for seal in made)
        self.stdout.write(f"{rows:,} rows in {len(made)} new seals.")
