"""Patients and episodes as lists: where is everyone? Every list costs a fixed number of queries."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from episodes.models import CareTeamMember, Episode, Patient, TeamPart
from episodes.stages import JOURNEY, Stage
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.links import link
from kapclinic.desk.owed import overdue_tasks

MOST_HITS = 12
BOARD_DEPTH = 12
"""Cards that one column of the board shows."""

_LEADS = (TeamPart.THERAPIST, TeamPart.PRESCRIBER)
_DATE_FORMATS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%B %d %Y",
)


@dataclass(frozen=True)
class Hit:
    """One found patient, with the episode to go to where there is one that the actor may see."""

    name: str
    public_id: str
    born: date
    stage: str
    url: str


@dataclass(frozen=True)
class EpisodeFilter:
    """Filters of the episode list; an empty one shows the open episodes."""

    stage: str = ""
    clinician: str = ""
    overdue: bool = False

    @property
    def is_set(self) -> bool:
        """True when any filter narrows the list."""
        return bool(self.stage or self.clinician or self.overdue)


def date_in(text: str, *, today: date) -> date | None:
    """The birth date that `text` is, as people write one in the US or in words; None when it is none.

    A two-digit year that would lie after `today` is taken as a hundred years earlier.
    """
    plain = re.sub(r"\s+", " ", text.replace(",", " ")).strip()
    for form in _DATE_FORMATS:
        try:
            found = datetime.strptime(plain, form).date()  # noqa: DTZ007  a birth date has no zone
        except ValueError:
            continue
        return found.replace(year=found.year - 100) if found > today else found
    return None


def find_patients(actor: Actor, text: str, *, now: datetime, most: int = MOST_HITS) -> tuple[list[Hit], bool]:
    """Patients whose name, number or birth date is like `text`, best first, and whether more would match. Two queries."""
    wanted = text.strip()
    if len(wanted) < 2:
        return [], False
    visible = Patient.objects.visible_to(actor)
    born = date_in(wanted, today=now.date())
    found = (
        visible.filter(date_of_birth=born).order_by("family_name", "given_name", "id")
        if born is not None
        else visible.matching(wanted)
    )
    patients = list(found[: most + 1])
    latest = latest_episodes(actor, patients[:most])
    return [_hit(actor, patient, latest.get(patient.pk)) for patient in patients[:most]], len(patients) > most


def latest_episodes(actor: Actor, patients: list[Patient]) -> dict[object, Episode]:
    """The newest standing episode of each patient that the actor may see, by patient key. One query."""
    rows = (
        Episode.objects.visible_to(actor)
        .standing()
        .filter(patient__in=[patient.pk for patient in patients])
        .order_by("patient_id", "-opened_at")
        .distinct("patient_id")
    )
    return {row.patient_id: row for row in rows}


def _hit(actor: Actor, patient: Patient, episode: Episode | None) -> Hit:
    return Hit(
        name=patient.display_name,
        public_id=patient.public_id,
        born=patient.date_of_birth,
        stage=episode.get_stage_display() if episode is not None else "",
        url=url_of(actor, patient, episode),
    )


def url_of(actor: Actor, patient: Patient, episode: Episode | None) -> str:
    """Where a patient's name leads: the chart for who may read it, else the episode or the patient's own page."""
    if episode is None:
        return link("episodes:patient-detail", public_id=patient.public_id)
    if can(actor, "chart.view"):
        return link("desk:chart", public_id=episode.public_id)
    return link("episodes:episode-detail", public_id=episode.public_id)


def episodes_matching(actor: Actor, wanted: EpisodeFilter, *, now: datetime) -> QuerySet[Episode]:
    """Standing episodes in the actor's scope under `wanted`, newest first, with `is_overdue`."""
    rows = (
        Episode.objects.visible_to(actor)
        .standing()
        .select_related("patient", "protocol_version__protocol")
        .annotate(is_overdue=Exists(overdue_tasks(now).filter(episode=OuterRef("pk"))))
    )
    if wanted.stage:
        rows = rows.filter(stage=wanted.stage).order_by("-stage_since", "id")
    else:
        rows = rows.exclude(stage=Stage.CLOSED).order_by("-opened_at", "id")
    if wanted.clinician:
        rows = rows.filter(
            Exists(
                CareTeamMember.objects.in_force(now).filter(episode=OuterRef("pk"), user_id=wanted.clinician)
            )
        )
    if wanted.overdue:
        rows = rows.filter(is_overdue=True)
    return rows


def with_leads(episodes: Sequence[Any], *, now: datetime) -> Sequence[Any]:
    """The same episodes, each with `lead_names` (therapist, then prescriber). One query."""
    names: dict[object, dict[str, str]] = {}
    rows = (
        CareTeamMember.objects.in_force(now)
        .filter(episode__in=[episode.pk for episode in episodes], part__in=_LEADS)
        .select_related("user", "outside")
    )
    for row in rows:
        names.setdefault(row.episode_id, {})[row.part] = str(row.user or row.outside)
    for episode in episodes:
        held = names.get(episode.pk, {})
        # Set for the template alone; one person who holds both parts is named once.
        episode.lead_names = list(dict.fromkeys(held[part] for part in _LEADS if part in held))
    return episodes


@dataclass(frozen=True)
class Column:
    """One stage of the board."""

    stage: str
    label: str
    episodes: list[Any]
    has_more: bool

    @property
    def count_text(self) -> str:
        """How many stand here, as far as the column shows."""
        return f"{len(self.episodes)}+" if self.has_more else str(len(self.episodes))


def board(actor: Actor, *, clinician: str = "", now: datetime) -> list[Column]:
    """The open stages with who stands in each, longest waiting last. One query a stage and one for the teams."""
    columns = []
    for stage in JOURNEY:
        if stage == Stage.CLOSED:
            continue
        wanted = EpisodeFilter(stage=stage, clinician=clinician)
        rows = list(episodes_matching(actor, wanted, now=now)[: BOARD_DEPTH + 1])
        columns.append(Column(stage, Stage(stage).label, rows[:BOARD_DEPTH], len(rows) > BOARD_DEPTH))
    with_leads([episode for column in columns for episode in column.episodes], now=now)
    return columns


def patients_without_episode(actor: Actor) -> QuerySet[Patient]:
    """Registered patients for whom no episode was opened, newest first."""
    return (
        Patient.objects.visible_to(actor)
        .filter(~Exists(Episode.objects.standing().filter(patient=OuterRef("pk"))))
        .order_by("-created_at", "id")
    )


def clinicians_of(actor: Actor) -> QuerySet[User]:
    """People of the clinic who can be on a care team, by name."""
    return (
        User.objects.filter(
            Q(memberships__role__in=[Role.NURSE, Role.THERAPIST, Role.PRESCRIBER]),
            memberships__clinic=actor.clinic,
            memberships__ended_at__isnull=True,
            is_active=True,
        )
        .distinct()
        .order_by("name")
    )
