"""A Postgres and a broker for one run, in a temporary folder that goes with them."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from kapclinic.embedded import SUPERUSER, Postgres, Valkey
from kapclinic.runtime import keys, roles


def start_servers(stack: ExitStack, *, prefix: str) -> tuple[Postgres, dict[str, str]]:
    """Start both until `stack` ends; gives the Postgres, and the environment that leads to them and to new keys alone."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    postgres = Postgres(folder / "postgres", say=_quiet, throw_away=True)
    stack.callback(postgres.remove)
    postgres.start()
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        roles.ensure_roles(connection)
        roles.ensure_database(connection)
    valkey = Valkey(folder / "valkey")
    stack.callback(valkey.stop)
    valkey.start()
    return postgres, {
        "KAP_MODE": "demo",
        "KAP_VAR": str(folder / "var"),
        "SECRET_KEY": keys.django_secret(),
        "KAP_ENCRYPTION_KEYS": keys.encryption_key(),
        "KAP_AUDIT_KEYS": keys.encryption_key(),
        "DATABASE_URL": postgres.url(roles.APP, roles.DATABASE),
        "DATABASE_OWNER_URL": postgres.url(roles.OWNER, roles.DATABASE),
        "REDIS_URL": valkey.url,
        "DJANGO_SETTINGS_MODULE": "kapclinic.settings",
    }


def _quiet(_line: str) -> None:
    """The servers have nothing to tell."""
