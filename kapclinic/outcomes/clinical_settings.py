"""Settings of the outcome figures."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register
from kapclinic.outcomes.rules import FOLLOW_UP_FROM_DAYS, SMALL_CELL

SMALLEST_CELL = "outcomes.smallest_cell"
FOLLOW_UP_FROM = "outcomes.follow_up_from_days"

register(
    SettingSpec(
        key=SMALLEST_CELL,
        label="Smallest count that a clinic-wide figure shows",
        kind=int,
        default=SMALL_CELL,
        unit="people",
        group="Outcomes",
        source="POLICY: small cells below 11 are not shown; 0 and 1 would turn the protection off",
        mark=Mark.POLICY,
        least=5,
        most=50,
    ),
    SettingSpec(
        key=FOLLOW_UP_FROM,
        label="A follow-up score counts from this long after the first dose",
        kind=int,
        default=FOLLOW_UP_FROM_DAYS,
        unit="days",
        group="Outcomes",
        source="POLICY: PHQ-9 and GAD-7 ask about the last two weeks",
        mark=Mark.POLICY,
        least=1,
        most=180,
    ),
)
