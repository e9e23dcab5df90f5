"""Settings of integration that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

MARGIN = "integration.margin_minutes"
TOLERANCE = "integration.early_tolerance_minutes"
PLANNED_DOSE = "integration.planned_dose_minutes"
ALARM_COORDINATOR = "integration.alarm_coordinator_hours"
ALARM_MANAGER = "integration.alarm_manager_hours"
LAST_CALL = "integration.last_call_hours"
STAFFED_LEAD = "integration.alarm_staffed_minutes"
ALARM_GRACE = "integration.alarm_grace_minutes"

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
    SettingSpec(
        key=ALARM_COORDINATOR,
        label="From the end of a dose to the alarm of the coordinators when its session has no appointment",
        kind=int,
        default=20,
        unit="h",
        group="Integration",
        source="Four hours before the window opens at 24 h (practice guide G0); no guide states a time for the alarm",
        mark=Mark.POLICY,
        least=1,
        most=72,
        help_text="Comes earlier where the last staffed hour before it is too late is earlier.",
    ),
    SettingSpec(
        key=ALARM_MANAGER,
        label="From the end of a dose to the alarm of the managers when its session still has no appointment",
        kind=int,
        default=36,
        unit="h",
        group="Integration",
        source="In the preferred part of the window, 24-48 h (practice guide G0); no guide states a time for the alarm",
        mark=Mark.POLICY,
        least=1,
        most=72,
        help_text="Managers read no patient's name. Comes earlier where staffed hours ask for it.",
    ),
    SettingSpec(
        key=LAST_CALL,
        label="Last call for a session that was not held, before its window closes",
        kind=int,
        default=6,
        unit="h",
        group="Integration",
        source="Leaves most of a working day to hold it; no guide states a time",
        mark=Mark.POLICY,
        least=1,
        most=48,
        help_text="Goes to the coordinators and the therapist; earlier where staffed hours ask for it.",
    ),
    SettingSpec(
        key=STAFFED_LEAD,
        label="Staffed time that an alarm leaves before it is too late to hold the session",
        kind=int,
        default=60,
        unit="min",
        group="Integration",
        source="The last staffed hour before it is too late; clinics differ",
        mark=Mark.POLICY,
        least=15,
        most=480,
    ),
    SettingSpec(
        key=ALARM_GRACE,
        label="Time left to the planner after a dose, and for recording a session that is over, before an alarm",
        kind=int,
        default=15,
        unit="min",
        group="Integration",
        source="Nobody is alarmed about what is being done at that moment",
        mark=Mark.POLICY,
        least=1,
        most=120,
    ),
)
