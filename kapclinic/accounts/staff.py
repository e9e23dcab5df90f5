"""The people of a clinic as its managers see them: roles, licences and training in few queries."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.http import Http404

from kapclinic.accounts.clinical_settings import LICENCE_WARN_DAYS
from kapclinic.accounts.credentials import LicenceState, TrainingSum, licence_state, training_sums
from kapclinic.accounts.models import Competency, Licence, Membership, Role, TrainingHours, User
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting

# The roles that may not be put on a care team without a licence.
LICENSED_ROLES = frozenset({Role.NURSE, Role.THERAPIST, Role.PRESCRIBER})
_PILLS = {
    LicenceState.VALID: "pill-green",
    LicenceState.EXPIRING: "pill-amber",
    LicenceState.EXPIRED: "pill-red",
    LicenceState.WITHDRAWN: "pill-outline",
}


@dataclass(frozen=True)
class LicenceLine:
    """A licence with its state today."""

    licence: Licence
    state: LicenceState

    @property
    def pill(self) -> str:
        """Class of the pill that says the state."""
        return _PILLS[self.state]


@dataclass(frozen=True)
class Credentials:
    """What the clinic has on file about one person."""

    licences: list[LicenceLine]
    sums: list[TrainingSum]
    training: list[TrainingHours]
    competencies: list[Competency]


@dataclass(frozen=True)
class StaffMember:
    """One person of one clinic. `clinic_id` lets the access policy ask whether it is the actor's."""

    user: User
    clinic: Clinic
    memberships: tuple[Membership, ...]

    @property
    def clinic_id(self) -> uuid.UUID:
        """The clinic."""
        return self.clinic.pk

    @property
    def pk(self) -> uuid.UUID:
        """The person's key."""
        return self.user.pk

    @property
    def current(self) -> list[Membership]:
        """Roles held now."""
        return [membership for membership in self.memberships if membership.ended_at is None]

    @property
    def ended(self) -> list[Membership]:
        """Roles held before."""
        return [membership for membership in self.memberships if membership.ended_at is not None]


@dataclass(frozen=True)
class StaffLine:
    """One row of the staff list. `licence` is the one that lasts longest; None with `needs_licence` asks for action."""

    member: StaffMember
    licence: LicenceLine | None
    needs_licence: bool


def lines_of(licences: list[Licence], *, today: date, warn_days: int) -> list[LicenceLine]:
    """Licences with their state on `today`."""
    return [
        LicenceLine(
            licence,
            licence_state(
                expires_on=licence.expires_on,
                is_withdrawn=licence.is_withdrawn,
                today=today,
                warn_days=warn_days,
            ),
        )
        for licence in licences
    ]


def credentials_of(user: User, clinic: Clinic, *, now: datetime) -> Credentials:
    """Everything that `clinic` has on file about `user`, as of today there."""
    mine: dict[str, Any] = {"user": user, "clinic": clinic}
    training = list(TrainingHours.objects.filter(**mine).select_related("entered_in_error_by"))
    return Credentials(
        licences=lines_of(
            list(Licence.objects.filter(**mine)),
            today=now.astimezone(clinic.zone).date(),
            warn_days=setting(clinic, LICENCE_WARN_DAYS),
        ),
        sums=training_sums((entry.kind, entry.hours) for entry in training if not entry.is_struck),
        training=training,
        competencies=list(Competency.objects.filter(**mine).order_by("ended_on", "kind")),
    )


def staff_member_for(actor: Actor, pk: uuid.UUID) -> StaffMember:
    """The person with this key who has or had a role at the actor's clinic; Http404 when there is none."""
    memberships = tuple(
        Membership.objects.filter(clinic=actor.clinic, user_id=pk)
        .select_related("user", "clinic", "created_by", "ended_by")
        .order_by("ended_at", "role")
    )
    if not memberships:
        raise Http404
    return StaffMember(memberships[0].user, actor.clinic, memberships)


def staff_list(
    clinic: Clinic, *, now: datetime, text: str = "", role: str = "", former: bool = False
) -> list[StaffLine]:
    """People with a current role (or, with `former`, those without one any more), by name; three queries.

    `text` is looked for in name, e-mail address and licence number.
    """
    rows = (
        Membership.objects.filter(clinic=clinic)
        .select_related("user", "clinic")
        .order_by("user__name", "user_id", "role")
    )
    if text:
        by_licence = Licence.objects.filter(clinic=clinic, number__icontains=text).values("user")
        rows = rows.filter(
            Q(user__name__icontains=text) | Q(user__email__icontains=text) | Q(user__in=by_licence)
        )
    people: dict[uuid.UUID, list[Membership]] = {}
    for membership in rows:
        people.setdefault(membership.user_id, []).append(membership)
    licences: dict[uuid.UUID, list[Licence]] = {}
    for licence in Licence.objects.filter(clinic=clinic, user__in=people, is_withdrawn=False).order_by(
        "-expires_on"
    ):
        licences.setdefault(licence.user_id, []).append(licence)
    today, warn_days = now.astimezone(clinic.zone).date(), setting(clinic, LICENCE_WARN_DAYS)
    found = []
    for user_id, memberships in people.items():
        member = StaffMember(memberships[0].user, clinic, tuple(memberships))
        roles = {membership.role for membership in member.current}
        if bool(roles) == former or (role and role not in roles):
            continue
        best = lines_of(licences.get(user_id, [])[:1], today=today, warn_days=warn_days)
        found.append(StaffLine(member, best[0] if best else None, bool(roles & LICENSED_ROLES)))
    return found
