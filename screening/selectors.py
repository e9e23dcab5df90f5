"""What other rooms ask of the questionnaires: trends, baselines, the latest answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from episodes.models import Episode, Patient
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting
from screening.finding_selectors import evaluate_day, findings_summary, medication_summary
from screening.instruments import SafetyStatus, instrument, instruments
from screening.models import ReferenceSample, Response
from screening.models.responses import ResponseQuerySet
from screening.response_settings import BASELINE_MAX_DAYS
from screening.score_change import Change, choose_baseline, compare, is_recall_overlapping

__all__ = [
    "ScorePoint",
    "baseline",
    "baseline_of",
    "change_since",
    "due_instruments",
    "evaluate_day",
    "findings_summary",
    "latest_response",
    "medication_summary",
    "missing_instruments",
    "points_of",
    "reference_distribution",
    "score_series",
    "score_series_for",
]


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """One questionnaire in a series. `total` in points, `None` when incomplete; `completed_at` in UTC."""

    response_id: UUID
    episode_id: UUID | None
    instrument_id: str
    title: str
    completed_at: datetime
    is_day_only: bool
    total: int | None
    band: str
    safety: SafetyStatus | None
    safety_value: int | None
    is_overlapping: bool
    phase: str
    dose_number: int | None
    is_imported: bool

    @property
    def is_complete(self) -> bool:
        """True when there is a total."""
        return self.total is not None


def points_of(responses: Iterable[Response]) -> list[ScorePoint]:
    """Points in order of time; each is marked when it overlaps the recall of the one before it of its kind."""
    before: dict[str, datetime] = {}
    found = []
    for response in responses:
        definition = response.instrument
        earlier = before.get(definition.id)
        found.append(
            ScorePoint(
                response_id=response.pk,
                episode_id=response.episode_id,
                instrument_id=definition.id,
                title=definition.short_title,
                completed_at=response.completed_at,
                is_day_only=response.is_day_only,
                total=response.total,
                band=response.band_label,
                safety=response.safety_status,
                safety_value=response.safety_value,
                is_overlapping=is_recall_overlapping(definition, earlier, response.completed_at),
                phase=response.phase_label,
                dose_number=response.dose_number,
                is_imported=response.import_batch_id is not None,
            )
        )
        before[definition.id] = response.completed_at
    return found


def _of(subject: Patient | Episode) -> ResponseQuerySet:
    current = Response.objects.current().order_by("completed_at", "created_at")
    if isinstance(subject, Episode):
        return current.filter(episode=subject)
    return current.filter(patient=subject)


def score_series(subject: Patient | Episode, *, instrument_id: str | None = None) -> list[ScorePoint]:
    """The current questionnaires of a patient (with history) or of one episode, oldest first; one query.

    Struck and corrected ones are left out. Incomplete ones are there with `total` None: a chart shows a gap, never a guess.
    """
    found = _of(subject)
    if instrument_id is not None:
        found = found.filter(instrument_id=instrument_id)
    return points_of(found)


def score_series_for(
    episodes: Iterable[Episode], *, instrument_ids: Iterable[str] = ("phq-9", "gad-7")
) -> dict[UUID, list[ScorePoint]]:
    """The series of several episodes by their key, with one query whatever their number."""
    keys = [episode.pk for episode in episodes]
    by_episode: dict[UUID, list[Response]] = {key: [] for key in keys}
    found = Response.objects.current().filter(episode__in=keys, instrument_id__in=list(instrument_ids))
    for response in found.order_by("completed_at", "created_at"):
        if response.episode_id is not None:
            by_episode[response.episode_id].append(response)
    return {key: points_of(responses) for key, responses in by_episode.items()}


def latest_response(subject: Patient | Episode, instrument_id: str) -> Response | None:
    """The latest current questionnaire of that kind, complete or not."""
    return _of(subject).filter(instrument_id=instrument_id).last()


def baseline(
    episode: Episode, *, first_dose_at: datetime | None, instrument_id: str = "phq-9"
) -> ScorePoint | None:
    """The last complete questionnaire before the episode's first dose, at most the clinic's number of days old.

    In: the start of the first administration, or `None` before any dose (then the latest complete one). History that was
    imported for the patient counts when it lies in the span.
    """
    points = score_series(episode.patient, instrument_id=instrument_id)
    return baseline_of(points, clinic=episode.clinic, first_dose_at=first_dose_at)


def baseline_of(
    points: Iterable[ScorePoint],
    *,
    clinic: Clinic,
    first_dose_at: datetime | None,
    max_days: int | None = None,
) -> ScorePoint | None:
    """Like :func:`baseline` on points that were already read; `max_days` saves the question for the clinic's setting."""
    days = setting(clinic, BASELINE_MAX_DAYS) if max_days is None else max_days
    return choose_baseline(points, first_dose_at=first_dose_at, max_days=days)


def change_since(start: ScorePoint | None, point: ScorePoint | None) -> Change | None:
    """The change between two points of one questionnaire; `None` when either is missing or incomplete."""
    if start is None or point is None:
        return None
    return compare(instrument(start.instrument_id), start.total, point.total)


def due_instruments(episode: Episode, at: str) -> list[str]:
    """The questionnaires that the episode's protocol asks for at a measuring point ("screening", "before-dose", ...)."""
    known = {each.id for each in instruments()}
    found = [
        point.instrument
        for point in episode.protocol.measuring
        if point.at == at and point.instrument in known
    ]
    return list(dict.fromkeys(found))


def missing_instruments(episode: Episode, at: str = "screening") -> list[str]:
    """Of the questionnaires due at that point, those without a complete current response in the episode."""
    done = set(_of(episode).complete().values_list("instrument_id", flat=True))
    return [each for each in due_instruments(episode, at) if each not in done]


def reference_distribution(sample: ReferenceSample) -> list[dict[str, Any]]:
    """How many people of the sample have each total, from the lowest to the highest possible, for a backdrop."""
    counts = dict(sample.counts.filter(item=0, value__isnull=False).values_list("value", "people"))
    definition = sample.instrument
    return [
        {"total": total, "people": counts.get(total, 0)}
        for total in range(definition.minimum, definition.maximum + 1)
    ]
