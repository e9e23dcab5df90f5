"""Made-up people and situations for tests. Names say plainly that they are made up."""

import uuid
from datetime import date, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, record_authentication
from django.contrib.auth.hashers import get_hasher, make_password
from django.test import Client
from django.utils import timezone

from episodes.models import (
    CareTeamMember,
    Consent,
    ConsentKind,
    Episode,
    Indication,
    Patient,
    Protocol,
    TeamPart,
)
from episodes.services import (
    add_team_member,
    install_protocols,
    open_episode,
    record_consent,
    register_patient,
)
from episodes.stages import Stage
from kapclinic.accounts.models import Licence, Membership, Role, User
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic, ClinicalSetting, Room, RoomKind, SettingState

PASSWORD = "a long made-up password"

_LICENCES = {
    Role.NURSE: ("RN", "RN"),
    Role.THERAPIST: ("LCSW", "LCSW"),
    Role.PRESCRIBER: ("MD", "MD"),
}


def make_clinic(name: str = "Demo Clinic", *, time_zone: str = "America/Denver", **fields: Any) -> Clinic:
    """A clinic with the protocols that come with the program and one room of each kind."""
    clinic = Clinic.objects.create(name=name, time_zone=time_zone, phone="+1 303 555 0100", **fields)
    install_protocols(clinic=clinic)
    for number, kind in enumerate(RoomKind.values, start=1):
        Room.objects.create(clinic=clinic, name=f"Room {number}", kind=kind)
    return clinic


@cache
def _hash_by(algorithm: str) -> str:
    """The stored form of PASSWORD; made once for each hasher, for the real one is slow on purpose."""
    return make_password(PASSWORD, hasher=algorithm)


def make_member(clinic: Clinic, *roles: Role, name: str = "", email: str = "", **membership: Any) -> User:
    """A person with `roles` at the clinic and a licence that is valid for years; the password is PASSWORD."""
    first = roles[0]
    kind, suffix = _LICENCES.get(first, ("", ""))
    user = User.objects.create_user(
        email or f"{first}.{uuid.uuid4().hex[:8]}@demo.example",
        name=name or f"Demo {first.label}",
        credentials_suffix=suffix,
    )
    user.password = _hash_by(get_hasher().algorithm)
    user.save(update_fields=["password"])
    for role in roles:
        Membership.objects.create(clinic=clinic, user=user, role=role, **membership)
    if kind:
        Licence.objects.create(
            clinic=clinic, user=user, kind=kind, number=uuid.uuid4().hex[:8], state="CO",
            expires_on=timezone.localdate() + timedelta(days=1500),
        )  # fmt: skip
    return user


def prove(client: Client, user: User, *, ago: timedelta = timedelta(0)) -> None:
    """The signed-in person gave their password once more in this browser, just now or some time `ago`."""
    session = client.session
    record_authentication(SimpleNamespace(session=session), user, "password", reauthenticated=True)
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= ago.total_seconds()
    session.save()


def make_actor(user: User, clinic: Clinic) -> Actor:
    """The actor as the middleware would make it now."""
    current = Membership.objects.current().filter(user=user, clinic=clinic)
    return Actor(
        user=user,
        clinic=clinic,
        roles=frozenset(Role(membership.role) for membership in current),
        is_medical_director=any(membership.is_medical_director for membership in current),
    )


def make_patient(clinic: Clinic, actor: User | None = None, **details: Any) -> Patient:
    """A registered patient, "Demo, Mei" unless told otherwise."""
    fields = {
        "given_name": "Mei",
        "family_name": "Demo",
        "date_of_birth": date(1987, 3, 14),
        "sex_at_birth": "female",
        "phone": "+1 303 555 0111",
        "emergency_name": "Sam Demo",
        "emergency_phone": "+1 303 555 0112",
        **details,
    }
    return register_patient(
        clinic=clinic,
        actor=actor or make_member(clinic, Role.COORDINATOR),
        details=fields,
        duplicates_seen=True,
    )


def make_episode(
    patient: Patient,
    *,
    prescriber: User | None = None,
    therapist: User | None = None,
    nurse: User | None = None,
    protocol: str = "preparation-integration",
    stage: Stage | str = Stage.REFERRED,
    now: datetime | None = None,
) -> Episode:
    """An open episode with the given team, set to `stage` directly (its guards are tested where they live)."""
    clinic = patient.clinic
    version = Protocol.objects.get(clinic=clinic, slug=protocol).latest
    opener = prescriber or therapist or nurse or make_member(clinic, Role.COORDINATOR)
    episode = open_episode(
        patient=patient, actor=opener, protocol_version=version, indication=Indication.TRD, now=now
    )
    for user, part in (
        (prescriber, TeamPart.PRESCRIBER),
        (therapist, TeamPart.THERAPIST),
        (nurse, TeamPart.NURSE),
    ):
        if user is not None:
            add_team_member(episode=episode, part=part, actor=opener, user=user, now=now)
    if stage != Stage.REFERRED:
        Episode.objects.filter(pk=episode.pk).update(stage=stage, stage_since=now or timezone.now())
        episode.refresh_from_db()
    return episode


def make_cover(episode: Episode, user: User, part: TeamPart = TeamPart.COVER_THERAPIST) -> CareTeamMember:
    """Names a cover for the episode; no rights come with it yet."""
    return add_team_member(episode=episode, part=part, actor=user, user=user)


def make_treatment_consent(episode: Episode, actor: User, **details: Any) -> Consent:
    """A valid treatment consent."""
    return make_consent(episode, actor, ConsentKind.TREATMENT, names_off_label=True, **details)


def make_sharing_consent(episode: Episode, actor: User, categories: list[str], **details: Any) -> Consent:
    """A valid sharing consent over `categories`."""
    today = timezone.localdate()
    fields = {
        "categories": categories,
        "discloser": "The clinic",
        "recipient": "The care team",
        "recipient_parts": ["prescriber", "nurse", "therapist"],
        "purpose": "Coordination of care",
        "expires_on": today + timedelta(days=365),
        "states_right_to_revoke": True,
        "states_conditions": True,
        "states_redisclosure": True,
        **details,
    }
    return make_consent(episode, actor, ConsentKind.SHARING, **fields)


def make_consent(episode: Episode, actor: User, kind: ConsentKind, **details: Any) -> Consent:
    """A consent of `kind`, signed today unless told otherwise."""
    fields = {
        "kind": kind,
        "text_version": "2026-1",
        "signed_on": timezone.localtime(timezone=episode.clinic.zone).date(),
        "signed_by_name": str(episode.patient),
        **details,
    }
    return record_consent(episode=episode, details=fields, actor=actor)


def approve_setting(clinic: Clinic, key: str, value: Any) -> ClinicalSetting:
    """A clinic's own value of a setting, in force."""
    return ClinicalSetting.objects.create(
        clinic=clinic, key=key, value=value, reason="made up", state=SettingState.APPROVED, decided_at=timezone.now(),
        decided_by=make_member(clinic, Role.PRESCRIBER),
    )  # fmt: skip
