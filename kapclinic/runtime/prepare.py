"""Makes the database of this release ready, in one process: waiting migrations, then the static files when they are collected.

Runs as `python -m kapclinic.runtime.prepare` with KAP_DATABASE_ROLE=owner.
"""

import io
import os
import sys

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, OperationalError, connection

from kapclinic.encryption.rotation import refuse_missing_keys


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def main() -> int:
    """Exit code 0 when everything is ready, 1 with one clear line when not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kapclinic.settings")
    try:
        django.setup()
        # Only what is wrong is worth a line, and that is raised.
        call_command("check", stdout=io.StringIO(), stderr=io.StringIO())
        connection.ensure_connection()
        call_command("migrate", interactive=False, verbosity=0)
        refuse_missing_keys()
        if settings.PRODUCTION:
            call_command("collectstatic", interactive=False, verbosity=0)
    except OperationalError as error:
        return _fail(f"The database does not answer: {_one_line(error)}")
    except (ImproperlyConfigured, CommandError, RuntimeError) as error:
        return _fail(f"The clinic cannot start: {_one_line(error)}")
    except SystemCheckError as error:
        return _fail(str(error))
    except DatabaseError as error:
        return _fail(f"The database could not be migrated: {_one_line(error)}")
    return 0


def _fail(line: str) -> int:
    print(line, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
