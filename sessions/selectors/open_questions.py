"""What earlier doses leave open before the next one."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from episodes.models import Episode
from sessions.models import (
    Administration,
    AdverseEvent,
    ChallengingExperience,
    DosingSession,
    SessionState,
)


def unreviewed_serious_events(episode: Episode) -> list[AdverseEvent]:
    """Serious adverse events of the episode that no prescriber has reviewed."""
    return list(
        AdverseEvent.objects.current().filter(
            session__episode=episode, is_serious=True, reviewed_at__isnull=True
        )
    )


def unanswered_challenges(episode: Episode) -> list[ChallengingExperience]:
    """Challenging experiences of the episode that nobody has answered."""
    return list(
        ChallengingExperience.objects.standing().filter(session__episode=episode, answered_at__isnull=True)
    )


def undocumented_sessions(episode: Episode, *, but: DosingSession | None = None) -> list[DosingSession]:
    """Sessions with a dose whose record is not completed."""
    found = (
        DosingSession.objects.standing()
        .filter(episode=episode)
        .exclude(state__in=[SessionState.COMPLETED, SessionState.CANCELLED, SessionState.NO_SHOW])
        .filter(Exists(Administration.objects.current().filter(session=OuterRef("pk"))))
    )
    return list(found.exclude(pk=but.pk) if but is not None else found)
