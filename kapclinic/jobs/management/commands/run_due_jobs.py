from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from kapclinic.jobs import services
from kapclinic.jobs.models import JobQueue


class Command(BaseCommand):
    """Do all due jobs here and now, without Celery."""

    help = "Does all due jobs here and now, without Celery."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--queue", choices=JobQueue.values, help="only this queue")

    def handle(self, *args: Any, **options: Any) -> None:
        services.ask_for_daily_work(timezone.now())
        count = services.run_due(queue=options["queue"], most=100_000)
        self.stdout.write(f"{count} jobs done")
