"""Clinical settings of the spine."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

register(
    SettingSpec(
        key="consent.treatment_valid_months",
        label="A treatment consent is offered with an expiry after",
        kind=int,
        default=12,
        unit="months",
        group="Consent",
        source="POLICY: cautious default; state law may ask for less",
        mark=Mark.POLICY,
        least=1,
        most=60,
    ),
    SettingSpec(
        key="consent.sharing_valid_months",
        label="A sharing consent is offered with an expiry after",
        kind=int,
        default=12,
        unit="months",
        group="Consent",
        source="45 CFR 164.508(c)(1) asks for an expiry; the length is POLICY",
        mark=Mark.POLICY,
        least=1,
        most=60,
    ),
)
