from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kapclinic.clinics.models import Clinic
from kapclinic.desk.demo.load import NAME, load_demo
from kapclinic.desk.demo.staff import PASSWORD, STAFF


class Command(BaseCommand):
    """Load the demo clinic with made-up people, or print how to sign in to it."""

    help = "Loads the demo clinic (made-up people only); an interrupted load is taken up again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing where another clinic is at work"
        )
        parser.add_argument("--show-sign-ins", action="store_true", help="only print the demo's sign-ins")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The passwords of the demo's people are public: load it with KAP_MODE=demo alone."
            )
        if options["show_sign_ins"]:
            for person in STAFF:
                roles = ", ".join(role.label.lower() for role in person.roles)
                self.stdout.write(f"  {person.email:28} {PASSWORD}   {roles}")
            return
        if Clinic.objects.exclude(name=NAME).exists():
            if options["if_empty"]:
                return
            raise CommandError("There is a real clinic in this database; the demo is for an empty one.")
        added = load_demo(say=self.stdout.write)
        self.stdout.write(f"The demo clinic is ready: {added} made-up patients added.")
