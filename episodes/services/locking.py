"""Locks are taken in one order everywhere: the episode first, then what hangs on it."""

from episodes.models import Episode


def lock_episode(episode: Episode) -> Episode:
    """The episode's row, locked until the transaction ends, freshly read."""
    return (
        Episode.objects.select_for_update(of=("self",))
        .select_related("patient", "clinic", "protocol_version__protocol")
        .get(pk=episode.pk)
    )
