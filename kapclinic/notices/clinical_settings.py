"""Settings of e-mail that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

QUIET_BEGINS = "notices.quiet_begins_hour"
QUIET_ENDS = "notices.quiet_ends_hour"
NOW_BREAKS_QUIET = "notices.now_breaks_quiet"
EMAIL_GAP = "notices.email_gap_minutes"

register(
    SettingSpec(
        key=QUIET_BEGINS,
        label="No e-mail from",
        kind=int,
        default=20,
        unit="o'clock",
        group="E-mail",
        source="Evening and night belong to people; whoever is on duty looks at Today",
        mark=Mark.POLICY,
        least=0,
        most=23,
        help_text="On the receiver's clock: the zone that they chose, else the clinic's. The same hour twice: no quiet hours.",
    ),
    SettingSpec(
        key=QUIET_ENDS,
        label="No e-mail until",
        kind=int,
        default=7,
        unit="o'clock",
        group="E-mail",
        source="Before the first sessions of a day",
        mark=Mark.POLICY,
        least=0,
        most=23,
    ),
    SettingSpec(
        key=NOW_BREAKS_QUIET,
        label="What must be done now sends e-mail in quiet hours too",
        kind=bool,
        default=False,
        unit="",
        group="E-mail",
        source="E-mail is no alarm: nobody may rely on its being read at night",
        mark=Mark.POLICY,
    ),
    SettingSpec(
        key=EMAIL_GAP,
        label="Least time between two e-mails to the same person",
        kind=int,
        default=60,
        unit="min",
        group="E-mail",
        source="One e-mail for many things; what must be done now does not wait for it",
        mark=Mark.POLICY,
        least=5,
        most=1440,
    ),
)
