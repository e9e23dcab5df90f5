"""Who may know of which patient and episode: the relations of the access table, as lookups and as querysets."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull
from django.http import Http404
from django.utils import timezone

from episodes.models import CareTeamMember, Episode, Patient, TeamPart
from episodes.models.episode import TeamQuerySet
from kapclinic.accounts import policy
from kapclinic.accounts.models import User
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.clinics.models import ClinicalRow
from kapclinic.notices.reach import register_reach

_COVER_PARTS = (TeamPart.COVER_THERAPIST, TeamPart.COVER_PRESCRIBER)

# Sources of "on duty": functions (actor) -> Q over Episode. The room that keeps the day's doses registers one.
_duty_sources: list[Callable[[Actor], Q]] = []


def register_duty(source: Callable[[Actor], Q]) -> None:
    """Register `source(actor) -> Q` over Episode for the relation "on duty for that day's dose"."""
    if source not in _duty_sources:
        _duty_sources.append(source)


# Sources of "emergency access": functions (actor) -> keys of patients. The room that keeps those accesses registers one.
_glass_sources: list[Callable[[Actor], frozenset[uuid.UUID]]] = []


def register_glass(source: Callable[[Actor], frozenset[uuid.UUID]]) -> None:
    """Register `source(actor) -> patients' keys` for the relation "emergency access to that patient"."""
    if source not in _glass_sources:
        _glass_sources.append(source)


def _under_glass(actor: Actor) -> frozenset[uuid.UUID]:
    """Keys and no subquery: nearly always there is none, and a filter over a long history stays as it was."""
    found: frozenset[uuid.UUID] = actor.once(
        "under glass", lambda: frozenset().union(*(source(actor) for source in _glass_sources))
    )
    return found


def _team_rows(user: User) -> TeamQuerySet:
    now = timezone.now()
    rows = CareTeamMember.objects.in_force(now).filter(user=user)
    # Named covers see nothing before they take a booking.
    return rows.filter(Q(covering=True) | ~Q(part__in=_COVER_PARTS))


def team_parts(user: User, episode: Episode) -> frozenset[str]:
    """The parts that this person holds in the episode's team now; a named cover's count while it covers."""
    return frozenset(_team_rows(user).filter(episode=episode).values_list("part", flat=True))


def _episode_q(relation: Relation, actor: Actor) -> Q:
    match relation:
        case Relation.CLINIC:
            return Q(clinic=actor.clinic)
        case Relation.TEAM:
            return Q(clinic=actor.clinic) & Q(Exists(_team_rows(actor.user).filter(episode=OuterRef("pk"))))
        case Relation.DUTY:
            return Q(clinic=actor.clinic) & actor.once("on duty", lambda: _on_duty(actor))
        case Relation.OWN:
            return Q(clinic=actor.clinic, created_by=actor.user)
        case Relation.GLASS:
            return Q(clinic=actor.clinic, patient__in=_under_glass(actor))


def _on_duty(actor: Actor) -> Q:
    found = Q(pk__in=[])
    for source in _duty_sources:
        found |= source(actor)
    return found


def episodes_for(actor: Actor, action: str) -> Q:
    """The episodes on which the actor may do `action`, as a filter."""
    found = Q(pk__in=[])
    for relation in policy.relations_of(actor, action):
        found |= _episode_q(relation, actor)
    return found


def has_episode_for(actor: Actor, action: str) -> Q:
    """The rows of the actor's clinic with an `episode` on which the actor may do `action`, as a filter for few rows.

    Asked row by row (a scalar subquery is never turned into a join): for a handful of open tasks the database would
    otherwise list every episode of the clinic's history first.
    """
    if Relation.CLINIC in policy.relations_of(actor, action):
        return Q(episode__isnull=False)
    within = Episode.objects.filter(episodes_for(actor, action), pk=OuterRef("episode"))
    return Q(IsNull(Subquery(within.values("pk")[:1]), False))


def episode_scope(actor: Actor) -> Q:
    """Filter over Episode for `episode.view`."""
    return episodes_for(actor, "episode.view")


def patient_scope(actor: Actor) -> Q:
    """Filter over Patient for `patient.view`."""
    relations = policy.relations_of(actor, "patient.view")
    if Relation.CLINIC in relations:
        return Q(clinic=actor.clinic)
    found = Q(pk__in=[])
    if Relation.OWN in relations:
        found |= Q(clinic=actor.clinic, created_by=actor.user)
    if Relation.GLASS in relations:
        found |= Q(pk__in=_under_glass(actor))
    for relation in relations & {Relation.TEAM, Relation.DUTY}:
        found |= Q(Exists(Episode.objects.filter(_episode_q(relation, actor), patient=OuterRef("pk"))))
    return Q(clinic=actor.clinic) & found


def episode_of(obj: Any) -> Episode | None:
    """The episode that `obj` belongs to, where there is one."""
    if isinstance(obj, Episode):
        return obj
    return getattr(obj, "episode", None)


def _stands(relation: Relation) -> Callable[[Actor, Any], bool]:
    def lookup(actor: Actor, obj: Any) -> bool:
        if isinstance(obj, Patient):
            if relation is Relation.GLASS:
                return obj.pk in _under_glass(actor)
            return Episode.objects.filter(_episode_q(relation, actor), patient=obj).exists()
        episode_id: Any
        if isinstance(obj, Episode):
            episode_id = obj.pk
        else:
            episode_id = getattr(obj, "episode_id", None) or getattr(obj, "subject_id", None)
        if episode_id is not None:
            return Episode.objects.filter(_episode_q(relation, actor), pk=episode_id).exists()
        patient = getattr(obj, "patient", None)
        return isinstance(patient, Patient) and lookup(actor, patient)

    return lookup


def _is_own(actor: Actor, obj: Any) -> bool:
    return obj.created_by_id == actor.user.pk


def _task_reach(actor: Actor) -> Q:
    """Tasks of a role on the episodes that the actor may act on."""
    return has_episode_for(actor, "task.complete")


def register_relations() -> None:
    """Tell the policy and the inbox how these relations are looked up; called once at start."""
    register_reach(_task_reach)
    policy.register_relation(Relation.TEAM, ClinicalRow, _stands(Relation.TEAM))
    policy.register_relation(Relation.DUTY, ClinicalRow, _stands(Relation.DUTY))
    policy.register_relation(Relation.OWN, ClinicalRow, _is_own)
    policy.register_relation(Relation.GLASS, ClinicalRow, _stands(Relation.GLASS))


def episode_for(actor: Actor, public_id: str) -> Episode:
    """The clinic's episode with this public id, with patient and protocol; Http404 when there is none."""
    try:
        return (
            Episode.objects.select_related("patient", "clinic", "protocol_version__protocol")
            .of_clinic(actor.clinic)
            .get(public_id=public_id)
        )
    except Episode.DoesNotExist as error:
        raise Http404 from error


def patient_for(actor: Actor, public_id: str) -> Patient:
    """The clinic's patient with this public id; Http404 when there is none."""
    try:
        return Patient.objects.select_related("clinic").of_clinic(actor.clinic).get(public_id=public_id)
    except Patient.DoesNotExist as error:
        raise Http404 from error


def row_for(model: type[ClinicalRow], *related: str) -> Callable[..., Any]:
    """A `fetch` for `@page`: the clinic's row of `model` by its key, or Http404."""

    def fetch(actor: Actor, pk: Any) -> Any:
        try:
            return model.objects.select_related("clinic", *related).get(clinic=actor.clinic, pk=pk)
        except model.DoesNotExist as error:
            raise Http404 from error

    return fetch
