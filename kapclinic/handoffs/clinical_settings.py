"""Settings of handoffs that a clinic may change. A protocol version may state its own due days."""

from datetime import timedelta

from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import settings_for
from kapclinic.clinics.settings_registry import Mark, SettingSpec, register
from kapclinic.handoffs.due import DueRule
from kapclinic.handoffs.escalation import StepTimes

BEFORE_DAYS = "handoffs.before_working_days"
AFTER_DAYS = "handoffs.after_days"
EMERGENCY_HOURS = "handoffs.emergency_hours"
DAY_ENDS = "handoffs.working_day_ends_hour"
COORDINATOR_AFTER = "handoffs.coordinator_after_hours"
MANAGER_AFTER = "handoffs.manager_after_hours"
STAFFED_LEAD = "handoffs.alarm_staffed_minutes"
WATCH_DAYS = "handoffs.watch_days"
DIVERGENCE_DAYS = "handoffs.divergence_days"

_GROUP = "Handoffs"

register(
    SettingSpec(
        key=BEFORE_DAYS,
        label="Handoff before a dose is due: working days before it, at the end of the day",
        kind=int,
        default=1,
        unit="working days",
        group=_GROUP,
        source="Practice guide G0 asks for it before each dose and names no time",
        mark=Mark.POLICY,
        least=0,
        most=5,
        help_text="0: by the planned start of the dose. A protocol version may state its own.",
    ),
    SettingSpec(
        key=AFTER_DAYS,
        label="Handoff after a dose is due: days after it, at the end of the day",
        kind=int,
        default=0,
        unit="days",
        group=_GROUP,
        source="Practice guide G0 asks for it after each dose; integration may begin 24 h after it",
        mark=Mark.POLICY,
        least=0,
        most=2,
        help_text="0: by the end of the day of the dose. A protocol version may state its own.",
    ),
    SettingSpec(
        key=EMERGENCY_HOURS,
        label="Handoff about an emergency is due, and is to be read, within",
        kind=int,
        default=4,
        unit="h",
        group=_GROUP,
        source="No guide states a time; both clinicians act on it the same day",
        mark=Mark.POLICY,
        least=1,
        most=48,
    ),
    SettingSpec(
        key=DAY_ENDS,
        label="End of a working day where no working hours are on file",
        kind=int,
        default=17,
        unit="o'clock",
        group=_GROUP,
        source="Monday to Friday; counts only while nobody's working hours are recorded",
        mark=Mark.POLICY,
        least=8,
        most=23,
    ),
    SettingSpec(
        key=COORDINATOR_AFTER,
        label="From the due time of a handoff to the alarm of the coordinators",
        kind=int,
        default=2,
        unit="staffed h",
        group=_GROUP,
        source="The reminder at the due time gets a chance first",
        mark=Mark.POLICY,
        least=0,
        most=40,
        help_text="Comes earlier where the last staffed time before the dose or the session is earlier.",
    ),
    SettingSpec(
        key=MANAGER_AFTER,
        label="From the due time of a handoff to the alarm of the managers",
        kind=int,
        default=6,
        unit="staffed h",
        group=_GROUP,
        source="Within the working day after the coordinators heard of it",
        mark=Mark.POLICY,
        least=0,
        most=80,
        help_text="Managers read no patient's name.",
    ),
    SettingSpec(
        key=STAFFED_LEAD,
        label="Staffed time that an alarm about a handoff leaves before it is too late",
        kind=int,
        default=60,
        unit="min",
        group=_GROUP,
        source="Time to reach a clinician by telephone",
        mark=Mark.POLICY,
        least=0,
        most=480,
    ),
    SettingSpec(
        key=WATCH_DAYS,
        label="A missing handoff after a dose alarms people for",
        kind=int,
        default=14,
        unit="days",
        group=_GROUP,
        source="Older and imported doses stay listed and alarm nobody (rule book 0.10)",
        mark=Mark.POLICY,
        least=1,
        most=60,
    ),
    SettingSpec(
        key=DIVERGENCE_DAYS,
        label="What therapist and prescriber recorded is compared for",
        kind=int,
        default=30,
        unit="days",
        group=_GROUP,
        source="An older word says nothing of the patient today",
        mark=Mark.POLICY,
        least=1,
        most=180,
    ),
)


def due_rule(clinic: Clinic) -> tuple[DueRule, int]:
    """The clinic's rule, and the minute of the wall clock at which a working day ends where no hours are on file. One query."""
    values = settings_for(clinic, BEFORE_DAYS, AFTER_DAYS, EMERGENCY_HOURS, DAY_ENDS)
    rule = DueRule(
        before_working_days=values[BEFORE_DAYS],
        after_days=values[AFTER_DAYS],
        emergency_hours=values[EMERGENCY_HOURS],
    )
    return rule, values[DAY_ENDS] * 60


def step_times(clinic: Clinic) -> StepTimes:
    """When coordinators and managers hear of a late handoff. One query."""
    values = settings_for(clinic, COORDINATOR_AFTER, MANAGER_AFTER, STAFFED_LEAD)
    return StepTimes(
        coordinator_after=timedelta(hours=values[COORDINATOR_AFTER]),
        manager_after=timedelta(hours=values[MANAGER_AFTER]),
        staffed_lead=timedelta(minutes=values[STAFFED_LEAD]),
    )
