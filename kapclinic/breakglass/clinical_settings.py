"""Settings of emergency access that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

MINUTES = "breakglass.minutes"
REVIEW_HOURS = "breakglass.review_hours"

register(
    SettingSpec(
        key=MINUTES,
        label="Emergency access to a patient's record ends by itself after",
        kind=int,
        default=60,
        unit="min",
        group="Emergency access",
        source="Long enough for an emergency and the call to the team; asked for anew when it lasts longer",
        mark=Mark.POLICY,
        least=5,
        most=240,
    ),
    SettingSpec(
        key=REVIEW_HOURS,
        label="A manager reviews an emergency access within",
        kind=int,
        default=72,
        unit="h",
        group="Emergency access",
        source="The next working day after a weekend; later the reason is remembered by nobody",
        mark=Mark.POLICY,
        least=1,
        most=336,
    ),
)
