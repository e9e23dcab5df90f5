"""Lists around an episode that several rooms ask for."""

from django.db.models import QuerySet

from episodes.models import Episode, OutsideClinician


def outside_clinicians_of(episode: Episode) -> QuerySet[OutsideClinician]:
    """The clinicians outside who are, or were, on the episode's team, by name."""
    members = episode.team.standing().filter(outside__isnull=False)
    return OutsideClinician.objects.filter(pk__in=members.values("outside")).order_by("name")
