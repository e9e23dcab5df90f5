"""Settings of the calendar that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register
from kapclinic.scheduling.limits import LONGEST_BUFFER_MINUTES, MOST_SESSIONS_OF_A_DAY

BUFFER = "scheduling.buffer_minutes"
GRID = "scheduling.grid_minutes"
MOST_SESSIONS = "scheduling.most_sessions_per_day"
PLANNER_SECONDS = "scheduling.planner_seconds"
EXTRA_FROM = "scheduling.extra_hours_from"
EXTRA_UNTIL = "scheduling.extra_hours_until"
NURSE_ROOMS = "scheduling.nurse_rooms_at_once"
PRESCRIBER_SESSIONS = "scheduling.prescriber_sessions_at_once"
UNDO = "scheduling.undo_minutes"

register(
    SettingSpec(
        key=BUFFER,
        label="Time between two sessions of a clinician",
        kind=int,
        default=10,
        unit="min",
        group="Calendar",
        source="Time for the note and the room; clinics differ",
        mark=Mark.POLICY,
        least=0,
        most=LONGEST_BUFFER_MINUTES,
        help_text="Sessions placed by the program keep it; a person may book closer. Clinicians may have their own.",
    ),
    SettingSpec(
        key=GRID,
        label="Sessions start every",
        kind=int,
        default=15,
        unit="min",
        group="Calendar",
        source="A quarter-hour grid on the clinic's clock",
        mark=Mark.POLICY,
        least=5,
        most=60,
        help_text="A number that divides 60.",
    ),
    SettingSpec(
        key=MOST_SESSIONS,
        label="Most sessions of a clinician on one day",
        kind=int,
        default=6,
        unit="sessions",
        group="Calendar",
        source="No guide names a figure; a day of therapy has its limit",
        mark=Mark.POLICY,
        least=1,
        most=MOST_SESSIONS_OF_A_DAY,
        help_text="Sessions placed by the program keep it; a person may book more. Clinicians may have their own.",
    ),
    SettingSpec(
        key=PLANNER_SECONDS,
        label="Longest time that the planner may look for a better plan",
        kind=int,
        default=20,
        unit="s",
        group="Calendar",
        source="Past it the best plan found is used, never worse than first come, first served",
        mark=Mark.POLICY,
        least=1,
        most=120,
    ),
    SettingSpec(
        key=EXTRA_FROM,
        label="Extra hours are suggested from",
        kind=int,
        default=8,
        unit="o'clock",
        group="Calendar",
        source="Daytime; nobody is asked for a night",
        mark=Mark.POLICY,
        least=5,
        most=12,
        help_text="On the clinic's clock. People may write down any hours they work.",
    ),
    SettingSpec(
        key=EXTRA_UNTIL,
        label="Extra hours are suggested until",
        kind=int,
        default=19,
        unit="o'clock",
        group="Calendar",
        source="Daytime; nobody is asked for a night",
        mark=Mark.POLICY,
        least=13,
        most=22,
        help_text="On the clinic's clock.",
    ),
    SettingSpec(
        key=NURSE_ROOMS,
        label="Most rooms of a nurse at once",
        kind=int,
        default=2,
        unit="rooms",
        group="Calendar",
        source="No guide names a figure; whoever watches two patients sees both, a third is out of sight",
        mark=Mark.POLICY,
        least=1,
        most=MOST_SESSIONS_OF_A_DAY,
        help_text="A session that a nurse is in alone counts as one. Nobody books past it.",
    ),
    SettingSpec(
        key=PRESCRIBER_SESSIONS,
        label="Most dosing sessions that a prescriber is within reach of at once",
        kind=int,
        default=3,
        unit="sessions",
        group="Calendar",
        source="No guide names a figure; a prescriber comes to one patient at a time",
        mark=Mark.POLICY,
        least=1,
        most=MOST_SESSIONS_OF_A_DAY,
        help_text="Seeing patients meanwhile does not count. Nobody books past it.",
    ),
    SettingSpec(
        key=UNDO,
        label="A booking, a move or a cancellation can be undone for",
        kind=int,
        default=10,
        unit="min",
        group="Calendar",
        source="Long enough to see a slip, too short for others to have built on it",
        mark=Mark.POLICY,
        least=1,
        most=120,
        help_text="Later it is moved, cancelled or booked anew.",
    ),
)
