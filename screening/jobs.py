"""Work of screening that a worker does."""

import uuid
from datetime import datetime, time
from typing import Any

from episodes.models import Episode
from kapclinic.jobs.registry import daily, handler
from kapclinic.jobs.services import enqueue
from screening.importing.services import JOB_KIND, run_import
from screening.services.findings import refresh_findings

REFRESH_DAILY = "screening.refresh-daily"
REFRESH_EPISODE = "screening.refresh-episode"
# Before the first staff come in, when nobody holds an episode's lock.
_AT_NIGHT = time(3, 0)


@handler(JOB_KIND)
def import_responses(payload: dict[str, Any], *, now: datetime) -> None:
    """Run one import of answered questionnaires."""
    run_import(batch_id=uuid.UUID(payload["batch"]), now=now)


@daily(REFRESH_DAILY, at=_AT_NIGHT)
def refresh_every_episode(payload: dict[str, Any], *, now: datetime) -> None:
    """Have the findings of every open episode judged anew: some rules look at how old a fact is."""
    for episode in (
        Episode.objects.standing().open().filter(clinic=payload["clinic"]).select_related("clinic")
    ):
        enqueue(
            kind=REFRESH_EPISODE,
            key=f"{REFRESH_EPISODE}:{episode.pk}",
            payload={"episode": str(episode.pk)},
            clinic=episode.clinic,
            now=now,
        )


@handler(REFRESH_EPISODE)
def refresh_episode(payload: dict[str, Any], *, now: datetime) -> None:
    """Bring one episode's findings in step with its facts as they stand today."""
    episode = Episode.objects.standing().open().filter(pk=payload["episode"]).first()
    if episode is not None:
        refresh_findings(episode=episode, now=now)
