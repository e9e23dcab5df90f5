"""Settings about people that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

LICENCE_WARN_DAYS = "accounts.licence_warn_days"

register(
    SettingSpec(
        key=LICENCE_WARN_DAYS,
        label="A licence is shown as expiring from",
        kind=int,
        default=60,
        unit="days before",
        group="Staff",
        source="Renewal takes weeks; an expired licence keeps a person off new care teams",
        mark=Mark.POLICY,
        least=1,
        most=365,
    ),
)
