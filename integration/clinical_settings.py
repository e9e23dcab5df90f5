"""Settings of integration that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

MARGIN = "integration.margin_minutes"
TOLERANCE = "integration.early_tolerance_minutes"
PLANNED_DOSE = "integration.planned_dose_minutes"

register(
    SettingSpec(
        key=MARGIN,
        label="Margin of a provisional hold to both ends of its window",
        kind=int,
        default=120,
        unit="min",
        group="Integration",
        source="The end of the dose may still move; kept where there is room",
        mark=Mark.POLICY,
        least=0,
        most=720,
    ),
    SettingSpec(
        key=TOLERANCE,
        label="How far too early a booking may lie after a late end of the dose and still stay",
        kind=int,
        default=60,
        unit="min",
        group="Integration",
        source="It stays and is flagged; it does not count as inside the window",
        mark=Mark.POLICY,
        least=0,
        most=240,
    ),
    SettingSpec(
        key=PLANNED_DOSE,
        label="From the planned beginning of a dose to the end of the last administration",
        kind=int,
        default=60,
        unit="min",
        group="Integration",
        source="Arrival, check-in and an infusion of 40 min; the hold keeps its margin besides",
        mark=Mark.POLICY,
        least=0,
        most=480,
    ),
)
