"""Settings of the review of the record that a clinic may change."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register

NIGHT_FROM = "administration.review_night_from_hour"
NIGHT_UNTIL = "administration.review_night_until_hour"
MOST_PATIENTS = "administration.review_patients_an_hour"

_GROUP = "Review of the record"
_SOURCE = "Which reads a manager is asked to look at: 45 CFR 164.308(a)(1)(ii)(D) asks for a review and names no number"


def _hour(key: str, label: str, default: int) -> SettingSpec:
    return SettingSpec(
        key=key, label=label, kind=int, default=default, unit="o'clock, 24 hours", group=_GROUP, source=_SOURCE,
        mark=Mark.POLICY, least=0, most=23,
    )  # fmt: skip


register(
    _hour(NIGHT_FROM, "Reads count as at night from", 22),
    _hour(NIGHT_UNTIL, "Reads count as at night until", 6),
    SettingSpec(
        key=MOST_PATIENTS,
        label="Patients whom one person may open in an hour before it is listed",
        kind=int,
        default=15,
        unit="patients",
        group=_GROUP,
        source=_SOURCE,
        mark=Mark.POLICY,
        least=1,
        most=500,
    ),
)
