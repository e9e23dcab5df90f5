"""What dosing asks screening about risk."""

from datetime import datetime, timedelta

from episodes.models import Episode
from screening.models import RiskAssessment, RiskState

# Item 9 at most this old opened the assessment; the same span asks for another look before leaving (POLICY).
RECHECK_DAYS = 7


def needs_risk_recheck(episode: Episode, at: datetime) -> bool:
    """Whether item 9 was 1 or more, or blank, in the days before `at`: it opened an assessment then."""
    return (
        RiskAssessment.objects.filter(
            episode=episode,
            entered_in_error_at__isnull=True,
            opened_at__gt=at - timedelta(days=RECHECK_DAYS),
            opened_at__lte=at,
        )
        .exclude(state=RiskState.WITHDRAWN)
        .exists()
    )
