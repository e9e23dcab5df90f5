"""Celery's side of the record. Sealing is due again at every beat, so a lost message only makes the next seal longer."""

from celery import shared_task

from kapclinic.audit.sealing import seal_all


@shared_task(name="kapclinic.audit.tasks.seal")
def seal() -> None:
    """Seal what was committed since the last seal."""
    seal_all()
