"""Situations of the outcome tests: episodes with a dose, scores around it, and a window that closed."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from episodes.models import Episode
from episodes.stages import Stage
from integration.models import IntegrationNeed
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from screening.instruments import instrument
from screening.models import Response
from sessions.models import Administration, DosingSession, SessionState
from tests import factories


def treated_episode(
    clinic: Clinic,
    *,
    prescriber: User,
    therapist: User,
    nurse: User,
    first_dose_at: datetime,
    protocol: str = "kap",
) -> Episode:
    """An episode whose first dose began then; its integration window has closed without a session."""
    patient = factories.make_patient(clinic, nurse, given_name=f"P{uuid.uuid4().hex[:6]}")
    episode = factories.make_episode(
        patient, prescriber=prescriber, therapist=therapist, stage=Stage.TREATMENT, protocol=protocol
    )
    session = DosingSession.objects.create(
        clinic=clinic,
        episode=episode,
        planned_at=first_dose_at,
        planned_until=first_dose_at + timedelta(hours=2),
        state=SessionState.COMPLETED,
        completed_at=first_dose_at + timedelta(hours=3),
        completed_by=nurse,
        created_by=nurse,
    )
    Administration.objects.create(
        clinic=clinic,
        session=session,
        drug="ketamine",
        route="im",
        amount_mg=Decimal(50),
        started_at=first_dose_at,
        ended_at=first_dose_at,
        given_by=nurse,
        created_by=nurse,
    )
    IntegrationNeed.objects.create(
        clinic=clinic,
        episode=episode,
        dose=session,
        dose_number=1,
        d0=first_dose_at,
        t0=first_dose_at,
        planned_t0=first_dose_at,
        opens_at=first_dose_at + timedelta(hours=24),
        closes_at=first_dose_at + timedelta(hours=72),
        preferred_from=first_dose_at + timedelta(hours=24),
        preferred_until=first_dose_at + timedelta(hours=48),
        plan_from=first_dose_at + timedelta(hours=24),
        duration_minutes=50,
    )
    return episode


def phq9(episode: Episode, at: datetime, total: int, author: User) -> Response:
    """A complete PHQ-9 with this total and nothing in item 9."""
    definition = instrument("phq-9")
    answers, left = {}, total
    for item in definition.items:
        value = 0 if item.number == definition.safety_item else min(3, left)
        answers[str(item.number)] = value
        left -= value
    band = next(band.code for band in definition.bands if band.minimum <= total <= band.maximum)
    return Response.objects.create(
        clinic=episode.clinic,
        patient=episode.patient,
        episode=episode,
        instrument_id="phq-9",
        instrument_version=definition.version,
        answers=answers,
        total=total,
        band=band,
        status="complete",
        safety="negative",
        completed_at=at,
        phase="screening",
        mode="staff",
        created_by=author,
    )
