"""When somebody of a role works: the hours in which an alarm is heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.scheduling.hours import availability
from kapclinic.scheduling.rosters import rosters_of
from kapclinic.scheduling.spans import Span, Spans, union


def staffed_by_role(clinic: Clinic, roles: Iterable[Role], limits: Span) -> Mapping[Role, Spans]:
    """When anybody with each of `roles` works in `limits`; where none of them does, when anybody of the clinic does."""
    held: dict[User, set[str]] = defaultdict(set)
    for membership in Membership.objects.current().filter(clinic=clinic).select_related("user"):
        held[membership.user].add(membership.role)
    rosters = rosters_of(clinic, held, limits)
    worked = {user: availability(rosters[user.pk], limits).worked for user in held}
    anybody = union(span for spans in worked.values() for span in spans)
    return {
        role: union(span for user, spans in worked.items() if role in held[user] for span in spans) or anybody
        for role in roles
    }
