"""What dosing asks screening about risk."""

from datetime import datetime, timedelta

from episodes.models import Episode
from kapclinic.clinics.services import setting
from screening.models import RiskAssessment, RiskState
from screening.response_settings import SAFETY_ITEM_DAYS


def needs_risk_recheck(episode: Episode, at: datetime) -> bool:
    """Whether item 9 was 1 or more, or blank, in the days before `at`: it opened an assessment then.

    The days are those in which an answer to item 9 opens an assessment at all (setting of screening, the limit
    itself included), so that what alarmed then is asked again before leaving (rulebook 5).
    """
    span = timedelta(days=setting(episode.clinic, SAFETY_ITEM_DAYS))
    return (
        RiskAssessment.objects.filter(
            episode=episode,
            entered_in_error_at__isnull=True,
            opened_at__gte=at - span,
            opened_at__lte=at,
        )
        .exclude(state=RiskState.WITHDRAWN)
        .exists()
    )
