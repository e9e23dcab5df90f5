"""Clinical settings of the questionnaires."""

from kapclinic.clinics.settings_registry import Mark, SettingSpec, register
from screening.instruments import instrument
from screening.score_change import DEFAULT_BASELINE_MAX_DAYS

SAFETY_ITEM_DAYS = "screening.safety_item_days"
BASELINE_MAX_DAYS = "screening.baseline_max_days"
PCL5_CUT_POINT = "screening.pcl5_cut_point"
CRISIS_CONTACT = "screening.crisis_contact"

_GROUP = "Questionnaires"


def _pcl5() -> SettingSpec:
    clusters = instrument("pcl-5").clusters
    if clusters is None:
        raise LookupError("the PCL-5 lost its cut-point")
    low, high = clusters.cut_point_range
    return SettingSpec(
        key=PCL5_CUT_POINT,
        label="PCL-5 total that is worth a closer look",
        kind=int,
        default=clusters.cut_point,
        unit="points",
        group=_GROUP,
        source="Cut-point 31 to 33 (medafile.com; comorbidityguidelines.org.au)",
        mark=Mark.VERIFIED,
        least=low,
        most=high,
    )


register(
    SettingSpec(
        key=SAFETY_ITEM_DAYS,
        label="An answer to PHQ-9 item 9 opens a suicide-risk assessment when it is at most this old",
        kind=int,
        default=7,
        unit="days",
        group=_GROUP,
        source="POLICY: older answers go to the review list and alarm nobody",
        mark=Mark.POLICY,
        least=1,
        most=14,
    ),
    SettingSpec(
        key=BASELINE_MAX_DAYS,
        label="A baseline is at most this old when the first dose begins",
        kind=int,
        default=DEFAULT_BASELINE_MAX_DAYS,
        unit="days",
        group=_GROUP,
        source="POLICY: one recall period of the PHQ-9",
        mark=Mark.POLICY,
        least=1,
        most=60,
    ),
    _pcl5(),
    SettingSpec(
        key=CRISIS_CONTACT,
        label="Whom a patient in crisis can reach at once",
        kind=str,
        default="988 Suicide & Crisis Lifeline: call or text 988, day and night. In danger right now: call 911.",
        unit="",
        group=_GROUP,
        source="General knowledge for the United States; check it before the first patient",
        mark=Mark.UNVERIFIED,
        help_text="Shown to the patient as soon as item 9 of the PHQ-9 is answered with anything but “Not at all”.",
    ),
)
