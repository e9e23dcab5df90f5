"""Clinical settings of the spine."""

from episodes.sharing import EMERGENCY_MINUTES, PART2_NOTICE, PART2_PROGRAM
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
        key=PART2_PROGRAM,
        label="The clinic is a program for substance use disorder under 42 CFR Part 2",
        kind=bool,
        default=False,
        unit="",
        group="Consent",
        source="42 CFR 2.11 says who is one; the scope for a clinic of this kind is unverified",
        mark=Mark.UNVERIFIED,
        help_text="If so, substance-use segments are withheld from prescribers and nurses too, unless the consent covers them.",
    ),
    SettingSpec(
        key=PART2_NOTICE,
        label="Notice that substance-use segments carry",
        kind=str,
        default="42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
        unit="",
        group="Consent",
        source="42 CFR 2.32(a), short statement; the wording in force since 16 Feb 2026 is unverified",
        mark=Mark.UNVERIFIED,
    ),
    SettingSpec(
        key=EMERGENCY_MINUTES,
        label="An emergency opens what is withheld for",
        kind=int,
        default=60,
        unit="min",
        group="Consent",
        source="42 CFR 2.51 asks for a record of each; the length is POLICY",
        mark=Mark.POLICY,
        least=5,
        most=240,
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
