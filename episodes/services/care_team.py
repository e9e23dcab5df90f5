"""Who cares for an episode."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from episodes.models import CareTeamMember, Episode, OutsideClinician, TeamPart
from episodes.services.episode import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import Licence, Membership, Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused, refuse_if

# The role that a part of the team demands of a person with an account here.
ROLE_OF_PART: dict[str, Role] = {
    TeamPart.PRESCRIBER: Role.PRESCRIBER,
    TeamPart.COVER_PRESCRIBER: Role.PRESCRIBER,
    TeamPart.THERAPIST: Role.THERAPIST,
    TeamPart.COVER_THERAPIST: Role.THERAPIST,
    TeamPart.NURSE: Role.NURSE,
}

# A cover has the team's rights from the day before the booking to seven days after it (access policy).
_COVER_BEFORE = timedelta(days=1)
_COVER_AFTER = timedelta(days=7)


def add_outside_clinician(*, clinic: Clinic, details: dict[str, str], actor: User) -> OutsideClinician:
    """A clinician without an account, to choose for a team; the same details again are the one that is there."""
    with transaction.atomic():
        # The clinic's row stands for its list of clinicians: two presses wait for each other.
        clinic = Clinic.objects.select_for_update().get(pk=clinic.pk)
        known = OutsideClinician.objects.filter(clinic=clinic, **details).first()
        return known or OutsideClinician.objects.create(clinic=clinic, created_by=actor, **details)


def _qualification_reasons(episode: Episode, user: User, part: str, now: datetime) -> list[Reason]:
    role = ROLE_OF_PART.get(part)
    if role is None:
        return []
    found: list[Reason] = []
    if not Membership.objects.current().filter(clinic=episode.clinic, user=user, role=role).exists():
        found.append(
            Reason("no-role", f"{user.name} is not a {role.label.lower()} of this clinic.", field="user")
        )
    today = now.astimezone(episode.clinic.zone).date()
    licences = list(Licence.objects.filter(clinic=episode.clinic, user=user))
    if not any(licence.is_valid_on(today) for licence in licences):
        text = f"{user.name} has no licence on file."
        if licences:
            latest = max(licence.expires_on for licence in licences)
            text = f"{user.name}'s licence expired on {latest:%d %b %Y}."
            if latest >= today:
                text = f"{user.name}'s licence was withdrawn."
        found.append(Reason("licence-expired", text, field="user"))
    return found


def add_team_member(
    *,
    episode: Episode,
    part: str,
    actor: User,
    user: User | None = None,
    outside: OutsideClinician | None = None,
    rank: int = 0,
    now: datetime | None = None,
) -> CareTeamMember:
    """Put a person on the team; a new lead (prescriber, therapist) takes over from the one before.

    Raises Refused for a missing role, an expired licence, or a person who already has the part.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if (user is None) == (outside is None):
            raise Refused(Reason("one-person", "Choose one person.", field="user"))
        if user is not None:
            refuse_if(_qualification_reasons(episode, user, part, now))
        current = CareTeamMember.objects.not_ended(now).filter(episode=episode, part=part, covering=False)
        if user is not None:
            same = current.filter(user=user).first()
            if same is not None:
                return same
        if part in (TeamPart.PRESCRIBER, TeamPart.THERAPIST):
            current.update(ends_at=Greatest(F("starts_at"), now))
        member = CareTeamMember.objects.create(
            clinic=episode.clinic, episode=episode, user=user, outside=outside, part=part, rank=rank, starts_at=now,
            created_at=now, created_by=actor,
        )  # fmt: skip
        record_event(
            episode=episode, kind="team.joined", actor=actor, now=now, subject=member,
            summary=f"{member.user or member.outside} joined as {member.get_part_display().lower()}",
        )  # fmt: skip
        return member


def end_team_member(*, member: CareTeamMember, actor: User, now: datetime | None = None) -> CareTeamMember:
    """Take a person off the team from now on."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(member.episode)
        member = CareTeamMember.objects.select_for_update(of=("self",)).get(pk=member.pk)
        if member.ends_at is None or member.ends_at > now:
            member.ends_at = max(now, member.starts_at)
            member.save(update_fields=["ends_at"])
            record_event(
                episode=episode, kind="team.left", summary=f"{member.user or member.outside} left the team", actor=actor,
                now=now, subject=member,
            )  # fmt: skip
        return member


def grant_cover_access(
    *,
    episode: Episode,
    user: User,
    part: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime | None = None,
) -> None:
    """Give a cover who takes a booking the team's rights from the day before it to seven days after it."""
    now = now or timezone.now()
    span = {"starts_at": starts_at - _COVER_BEFORE, "ends_at": ends_at + _COVER_AFTER}
    covering = CareTeamMember.objects.filter(episode=episode, user=user, part=part, covering=True)
    if covering.filter(starts_at__lte=span["starts_at"], ends_at__gte=span["ends_at"]).exists():
        return
    try:
        with transaction.atomic():
            CareTeamMember.objects.create(
                clinic=episode.clinic,
                episode=episode,
                user=user,
                part=part,
                covering=True,
                created_at=now,
                **span,
            )
    except IntegrityError as error:
        raise Refused(Reason("cover-access", "The cover's access could not be recorded.")) from error
