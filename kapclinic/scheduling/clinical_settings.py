"""Settings of the calendar that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

BUFFER = "scheduling.buffer_minutes"
GRID = "scheduling.grid_minutes"

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
        most=60,
        help_text="Sessions placed by the program keep it; a person may book closer.",
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
)
