"""A real Postgres and a real Valkey in a folder of ours, for machines that have neither.

The servers come from wheels and run as children of the program that starts them: they end with it, even when it is killed.
"""

from kapclinic.embedded.postgres import SUPERUSER, Postgres
from kapclinic.embedded.valkey import Valkey

__all__ = ["SUPERUSER", "Postgres", "Valkey"]
