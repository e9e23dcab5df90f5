from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kapclinic.encryption import key_ring, rotation


class Command(BaseCommand):
    """Puts every encrypted value under the newest key of the ring, while the clinic works.

    Stopped anywhere, it goes on where it was when it is run again. Exit code 1 when a value still needs an older key.
    """

    help = "Puts every encrypted value under the newest key, in batches. Run it again after an interruption."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=rotation.BATCH, help="rows locked at a time")
        parser.add_argument("--check", action="store_true", help="only say which keys are in use")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch: at least 1")
        if options["check"]:
            self._say_keys()
            return
        try:
            rotation.refuse_missing_keys()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        unreadable: list[str] = []
        for store in rotation.stores():
            done = 0
            for step in rotation.renew_all(store, batch=options["batch"]):
                done += step.done
                unreadable += [f"{store.name} {row}" for row in step.unreadable]
            self.stdout.write(f"{store.name}: {done} values put under {key_ring().newest}")
        for row in unreadable:
            self.stderr.write(f"{row} does not open: it was altered or moved; restore it from a backup")
        left = {store.name: keys for store in rotation.stores() if (keys := rotation.old_keys(store))}
        if left:
            places = "; ".join(f"{name}: {', '.join(keys)}" for name, keys in left.items())
            raise CommandError(
                f"older keys are still in use ({places}). Restart every process with the new ring first, then run this again"
            )
        self.stdout.write(f"Everything is under {key_ring().newest}; older keys may leave the ring.")

    def _say_keys(self) -> None:
        for store in rotation.stores():
            self.stdout.write(f"{store.name}: {', '.join(sorted(store.key_ids())) or 'empty'}")
