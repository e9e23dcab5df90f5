"""For each of the 62 codes: facts on which it fires, does not, cannot tell, and stands at its boundary."""

import datetime as dt
from dataclasses import dataclass, replace

from screening.contraindications.facts import (
    AllergyFact,
    Answer,
    AuditCFact,
    ClearanceFact,
    ConditionFact,
    ConditionStatus,
    ConsentFact,
    DayFacts,
    Facts,
    Intake,
    ItemNineFact,
    LiverGrade,
    MedicationFact,
    PregnancyFact,
    PregnancyStatus,
    RemsFact,
    RiskFact,
    RiskOutcome,
    Route,
    Sex,
    TestResult,
    VitalsReading,
)
from screening.questions import QUESTIONS

TODAY = dt.date(2026, 6, 15)
NOON = dt.datetime(2026, 6, 15, 18, 0, tzinfo=dt.UTC)
ALL_NO = {question.key: Answer.NO for question in QUESTIONS}


def minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


TEN_MINUTES = dt.timedelta(minutes=10)
ONE_DAY = dt.timedelta(days=1)


def reading(systolic=120, diastolic=80, *, ago=TEN_MINUTES, heart_rate=70, spo2=98, room_air=True, ref="v1"):
    return VitalsReading(ref, NOON - ago, systolic, diastolic, heart_rate, spo2, room_air)


READY_DAY = DayFacts(
    dose_at=NOON,
    readings=(reading(),),
    intoxication_suspected=Answer.NO,
    escort_confirmed=Answer.YES,
    escort_name="Sam",
    escort_phone="555 0100",
    last_food=Intake(NOON - minutes(300)),
    last_drink=Intake(None),
    consents=(ConsentFact("c1", TODAY - days(20), TODAY + days(300)),),
    clearances=(ClearanceFact("d1", TODAY - days(10), TODAY + days(80)),),
    rems=RemsFact("r1", TODAY - days(5), "s1", True, TODAY + days(100)),
)

WELL = Facts(
    on=TODAY,
    date_of_birth=dt.date(1986, 3, 1),
    sex=Sex.MALE,
    route=Route.ESKETAMINE_INTRANASAL,
    history=ALL_NO,
    medications_listed=True,
    screening_readings=(reading(ago=days(3)),),
    item_nine=ItemNineFact("p1", 0, NOON - days(2)),
    audit_c=AuditCFact("a1", 1),
    day=READY_DAY,
)
"""Everything asked, nothing found: no rule fires and none is open."""


def history(key, answer=Answer.YES):
    answers = dict(ALL_NO)
    if answer is None:
        del answers[key]
    else:
        answers[key] = answer
    return replace(WELL, history=answers)


def condition(kind, status=ConditionStatus.ACTIVE, *, event_on=None, grade=None, facts=WELL):
    entry = ConditionFact("x1", kind, kind, status, event_on, grade)
    return replace(facts, conditions=(*facts.conditions, entry))


def takes(*classes, active=True, settled=True, facts=WELL):
    entry = MedicationFact("m1", "a medication", active, frozenset(classes), settled)
    return replace(facts, medications=(*facts.medications, entry))


def on_the_day(**changes):
    return replace(WELL, day=replace(READY_DAY, **changes))


def woman(
    *, born=dt.date(1990, 1, 1), status=PregnancyStatus.NOT_PREGNANT, test=TestResult.NEGATIVE, ago=2, **more
):
    pregnancy = PregnancyFact(
        "pr1", status, Answer.NO, "t1", test, None if test is None else TODAY - days(ago)
    )
    return replace(WELL, sex=Sex.FEMALE, date_of_birth=born, pregnancy=replace(pregnancy, **more))


def risk(outcome, *, item_nine=0, ago=ONE_DAY):
    return replace(
        WELL,
        item_nine=ItemNineFact("p1", item_nine, NOON - days(2)),
        risk=RiskFact("k1", outcome, NOON - ago),
    )


@dataclass(frozen=True)
class Cases:
    """The four kinds of case of one code; boundaries are (facts, whether it fires)."""

    fires: tuple[Facts, ...]
    does_not: tuple[Facts, ...]
    unknown: tuple[Facts, ...]
    boundary: tuple[tuple[Facts, bool], ...]


def recorded(key, kind=None, *, resolved_fires=True):
    """A rule that asks one question and reads one kind of condition.

    Its boundary is the status: which one still counts, and that a recorded condition outweighs a "no".
    """
    boundary = [(history(key, Answer.YES), True), (history(key, Answer.NO), False)]
    fires = [history(key)]
    if kind:
        fires.append(condition(kind, facts=history(key, None)))
        boundary.append((condition(kind, ConditionStatus.ACTIVE), True))
        boundary.append((condition(kind, ConditionStatus.RESOLVED), resolved_fires))
    return Cases(
        fires=tuple(fires),
        does_not=(WELL,),
        unknown=(history(key, None), history(key, Answer.UNKNOWN)),
        boundary=tuple(boundary),
    )


def medication(*classes):
    """A rule that reads classes: each fires, a stopped one does not, an unsettled name is open."""
    return Cases(
        fires=tuple(takes(name) for name in classes),
        does_not=(WELL, takes("other"), takes(classes[0], active=False)),
        unknown=(takes(settled=False), replace(WELL, medications_listed=False)),
        boundary=(
            (takes(classes[0], settled=False), True),
            (takes(classes[0], active=True), True),
            (takes(classes[0], active=False), False),
            (takes(active=False, settled=False), False),
        ),
    )


UNTREATED = (ConditionStatus.ACTIVE, ConditionStatus.UNSTABLE)
NOT_RECORDED = replace(WELL, day=replace(READY_DAY, readings=()))

CASES: dict[str, Cases] = {
    "CI-ANEURYSM": recorded("aneurysm", "aneurysm"),
    "CI-AVM": recorded("avm", "avm"),
    "CI-ICH": recorded("haemorrhage", "haemorrhage"),
    "CI-HYPERSENS": Cases(
        fires=(
            history("ketamine_allergy"),
            replace(WELL, allergies=(AllergyFact("al", "Ketamine", True, "hives"),)),
            replace(WELL, allergies=(AllergyFact("al", "Spravato spray", True),)),
        ),
        does_not=(WELL, replace(WELL, allergies=(AllergyFact("al", "Penicillin", True),))),
        unknown=(history("ketamine_allergy", None), history("ketamine_allergy", Answer.UNKNOWN)),
        boundary=(
            (replace(WELL, allergies=(AllergyFact("al", "esketamine", None),)), True),
            (replace(WELL, allergies=(AllergyFact("al", "esketamine", False),)), False),
        ),
    ),
    "CI-BP-ICP-HAZARD": Cases(
        fires=(history("pressure_hazard"), condition("pressure_hazard")),
        does_not=(WELL, condition("pressure_hazard", ConditionStatus.RESOLVED)),
        unknown=(history("pressure_hazard", None), history("pressure_hazard", Answer.UNKNOWN)),
        boundary=(
            (condition("encephalopathy", ConditionStatus.ACTIVE), True),
            (condition("encephalopathy", ConditionStatus.RESOLVED), False),
        ),
    ),
    "CI-CVD-UNSTABLE": Cases(
        fires=(
            history("heart_unstable"),
            condition("heart_failure", ConditionStatus.UNSTABLE),
            condition("infarction", ConditionStatus.STABLE, event_on=TODAY - days(10)),
        ),
        does_not=(WELL, condition("arrhythmia", ConditionStatus.STABLE)),
        unknown=(
            history("heart_unstable", None),
            condition("infarction", ConditionStatus.STABLE),
            condition("arrhythmia", ConditionStatus.ACTIVE),
        ),
        boundary=(
            (condition("infarction", ConditionStatus.STABLE, event_on=TODAY - days(89)), True),
            (condition("infarction", ConditionStatus.STABLE, event_on=TODAY - days(90)), True),
            (condition("infarction", ConditionStatus.STABLE, event_on=TODAY - days(91)), False),
        ),
    ),
    "CI-CVA-RECENT": Cases(
        fires=(
            history("stroke_recent"),
            condition("stroke", event_on=TODAY - days(30)),
            condition("head_injury", event_on=TODAY - days(30)),
        ),
        does_not=(WELL,),
        unknown=(history("stroke_recent", None), condition("stroke")),
        boundary=(
            (condition("stroke", event_on=TODAY - days(89)), True),
            (condition("stroke", event_on=TODAY - days(90)), True),
            (condition("stroke", event_on=TODAY - days(91)), False),
            (condition("head_injury", event_on=TODAY - days(91)), False),
        ),
    ),
    "CI-PSYCHOSIS-ACTIVE": Cases(
        fires=(history("psychosis_now"), *(condition("psychosis", status) for status in UNTREATED)),
        does_not=(WELL, condition("psychosis", ConditionStatus.RESOLVED)),
        unknown=(history("psychosis_now", None), history("psychosis_now", Answer.UNKNOWN)),
        boundary=(
            (condition("psychosis", ConditionStatus.ACTIVE), True),
            (condition("psychosis", ConditionStatus.STABLE), False),
        ),
    ),
    "CI-PREGNANCY": Cases(
        fires=(woman(status=PregnancyStatus.PREGNANT), woman(test=TestResult.POSITIVE)),
        does_not=(WELL, woman(), woman(status=PregnancyStatus.CANNOT_BE)),
        unknown=(woman(status=None), woman(status=PregnancyStatus.UNKNOWN), replace(WELL, sex=None)),
        boundary=(
            (woman(test=TestResult.POSITIVE, ago=0), True),
            (woman(test=TestResult.UNCLEAR, ago=0), False),
            (replace(woman(status=PregnancyStatus.PREGNANT), sex=Sex.MALE), True),
        ),
    ),
    "CI-AGE-UNDER-18": Cases(
        fires=(replace(WELL, date_of_birth=dt.date(2015, 1, 1)),),
        does_not=(WELL,),
        unknown=(replace(WELL, date_of_birth=None),),
        boundary=(
            (replace(WELL, date_of_birth=dt.date(2008, 6, 16)), True),
            (replace(WELL, date_of_birth=dt.date(2008, 6, 15)), False),
            (replace(WELL, date_of_birth=dt.date(2008, 6, 14)), False),
            (replace(WELL, date_of_birth=dt.date(2008, 2, 29), on=dt.date(2026, 2, 28)), True),
            (replace(WELL, date_of_birth=dt.date(2008, 2, 29), on=dt.date(2026, 3, 1)), False),
        ),
    ),
    "CI-SUICIDE-IMMINENT": Cases(
        fires=(risk(RiskOutcome.IMMINENT), replace(risk(RiskOutcome.IMMINENT), risk_assessment_open=True)),
        does_not=(WELL, risk(RiskOutcome.NONE)),
        unknown=(
            replace(WELL, risk_assessment_open=True),
            replace(WELL, item_nine=None),
            replace(WELL, item_nine=ItemNineFact("p1", None, NOON)),
        ),
        boundary=((risk(RiskOutcome.IMMINENT), True), (risk(RiskOutcome.INTENT_OR_PLAN), False)),
    ),
    "CI-HTN-UNCONTROLLED": Cases(
        fires=(
            history("hypertension_uncontrolled"),
            condition("hypertension", ConditionStatus.UNSTABLE),
            replace(WELL, screening_readings=(reading(150, 80, ago=days(1)), reading(120, 95, ago=days(2)))),
        ),
        does_not=(WELL, condition("hypertension", ConditionStatus.STABLE)),
        unknown=(
            history("hypertension_uncontrolled", None),
            condition("hypertension"),
            replace(WELL, screening_readings=()),
            replace(WELL, screening_readings=(reading(150, 80, ago=days(1)),)),
        ),
        boundary=(
            (
                replace(
                    WELL, screening_readings=(reading(140, 90, ago=days(1)), reading(140, 90, ago=days(2)))
                ),
                False,
            ),
            (
                replace(
                    WELL, screening_readings=(reading(141, 90, ago=days(1)), reading(140, 91, ago=days(2)))
                ),
                True,
            ),
            (  # two high readings of one day, the last one repeated after rest
                replace(
                    WELL,
                    screening_readings=(
                        reading(150, 90, ago=days(1) + minutes(20)),
                        reading(130, 80, ago=days(1)),
                        reading(150, 90, ago=days(2)),
                    ),
                ),
                False,
            ),
            (
                replace(
                    WELL, screening_readings=(reading(150, 90, ago=days(180)), reading(150, 90, ago=days(1)))
                ),
                True,
            ),
        ),
    ),
    "CI-CVD-STABLE": recorded("heart_disease", "valve"),
    "CI-CVA-REMOTE": recorded("stroke_ever", "stroke"),
    "CI-HTN-ENCEPH-HX": recorded("encephalopathy", "encephalopathy"),
    "CI-LIVER": Cases(
        fires=(
            history("liver_severe"),
            condition("liver", grade=LiverGrade.C),
            condition("liver", grade=LiverGrade.MARKED),
        ),
        does_not=(WELL, condition("liver", grade=LiverGrade.A)),
        unknown=(history("liver_severe", None), condition("liver")),
        boundary=(
            (condition("liver", grade=LiverGrade.C), True),
            (condition("liver", grade=LiverGrade.B), False),
        ),
    ),
    "CI-LIVER-MOD": Cases(
        fires=(history("liver_moderate"), condition("liver", grade=LiverGrade.B)),
        does_not=(WELL, condition("liver", grade=LiverGrade.A)),
        unknown=(history("liver_moderate", None), condition("liver")),
        boundary=(
            (condition("liver", grade=LiverGrade.B), True),
            (condition("liver", grade=LiverGrade.A), False),
        ),
    ),
    "CI-RENAL": recorded("renal", "renal", resolved_fires=False),
    "CI-SLEEP-APNEA": recorded("sleep_apnoea", "sleep_apnoea", resolved_fires=False),
    "CI-RESPIRATORY": recorded("respiratory", "respiratory", resolved_fires=False),
    "CI-MIGRAINE": recorded("migraine", "migraine", resolved_fires=False),
    "CI-SEIZURE": recorded("seizure", "seizure"),
    "CI-GLAUCOMA": recorded("glaucoma", "glaucoma", resolved_fires=False),
    "CI-HYPERTHYROID": Cases(
        fires=(history("hyperthyroid"), condition("hyperthyroid")),
        does_not=(WELL, condition("hyperthyroid", ConditionStatus.RESOLVED)),
        unknown=(history("hyperthyroid", None), history("hyperthyroid", Answer.UNKNOWN)),
        boundary=(
            (condition("hyperthyroid", ConditionStatus.UNSTABLE), True),
            (condition("hyperthyroid", ConditionStatus.STABLE), False),
        ),
    ),
    "CI-PORPHYRIA": recorded("porphyria", "porphyria"),
    "CI-URINARY": recorded("urinary", "urinary", resolved_fires=False),
    "CI-BREASTFEEDING": Cases(
        fires=(woman(breastfeeding=Answer.YES),),
        does_not=(WELL, woman()),
        unknown=(woman(breastfeeding=None), woman(breastfeeding=Answer.UNKNOWN)),
        boundary=(
            (woman(breastfeeding=Answer.YES, born=dt.date(1960, 1, 1)), True),
            (woman(breastfeeding=None, born=dt.date(1960, 1, 1)), False),
        ),
    ),
    "CI-CHILDBEARING": Cases(
        fires=(
            woman(test=None),
            woman(test=TestResult.UNCLEAR),
            woman(status=PregnancyStatus.COULD_BE, test=None),
            woman(status=PregnancyStatus.UNKNOWN, test=None),
        ),
        does_not=(WELL, woman(), woman(status=PregnancyStatus.CANNOT_BE, test=None)),
        unknown=(
            replace(woman(test=None), sex=Sex.UNKNOWN),
            replace(woman(test=None), date_of_birth=None),
        ),
        boundary=(
            (woman(ago=0), False),
            (woman(ago=6), False),
            (woman(ago=7), False),
            (woman(ago=8), True),
            (woman(ago=-1), True),
            (woman(test=None, born=dt.date(2014, 6, 16)), False),  # 11 years
            (woman(test=None, born=dt.date(2014, 6, 15)), True),  # 12 years today
            (woman(test=None, born=dt.date(1970, 6, 16)), True),  # 55 years
            (woman(test=None, born=dt.date(1970, 6, 15)), False),  # 56 years today
            (woman(test=None, born=dt.date(1960, 1, 1), status=PregnancyStatus.COULD_BE), True),
            (replace(woman(test=None), has_had_a_dose=True), False),
        ),
    ),
    "CI-PRIOR-REACTION": Cases(
        fires=(
            history("ketamine_reaction"),
            condition("ketamine_reaction"),
            replace(WELL, allergies=(AllergyFact("al", "ketamine", False, "panic"),)),
        ),
        does_not=(WELL,),
        unknown=(history("ketamine_reaction", None), history("ketamine_reaction", Answer.UNKNOWN)),
        boundary=(
            (condition("ketamine_reaction", ConditionStatus.RESOLVED), True),
            (replace(WELL, allergies=(AllergyFact("al", "ketamine", True),)), False),
        ),
    ),
    "CI-PSYCHOSIS-HX": recorded("psychosis_past", "psychosis"),
    "CI-PSYCHOSIS-FHX": recorded("psychosis_family"),
    "CI-MANIA": Cases(
        fires=(history("mania_now"), condition("mania"), history("bipolar_one"), condition("bipolar_one")),
        does_not=(WELL, condition("mania", ConditionStatus.RESOLVED)),
        unknown=(history("mania_now", None), history("bipolar_one", None)),
        boundary=(
            (takes("mood-stabiliser", facts=history("bipolar_one")), False),
            (takes("mood-stabiliser", active=False, facts=history("bipolar_one")), True),
            (takes("mood-stabiliser", facts=history("mania_now")), True),
        ),
    ),
    "CI-PERSONALITY": recorded("personality", "personality", resolved_fires=False),
    "CI-SUICIDE-IDEATION": Cases(
        fires=(
            replace(WELL, item_nine=ItemNineFact("p1", 2, NOON)),
            risk(RiskOutcome.PASSIVE),
            risk(RiskOutcome.ACTIVE_NO_INTENT),
            risk(RiskOutcome.INTENT_OR_PLAN),
            risk(RiskOutcome.NONE, item_nine=1),
        ),
        does_not=(WELL, risk(RiskOutcome.NONE), risk(RiskOutcome.NONE, item_nine=None)),
        unknown=(
            replace(WELL, item_nine=None),
            replace(WELL, item_nine=ItemNineFact("p1", None, NOON)),
            risk(RiskOutcome.NONE, item_nine=None, ago=days(3)),
            replace(WELL, risk_assessment_open=True),
        ),
        boundary=(
            (replace(WELL, item_nine=ItemNineFact("p1", 0, NOON)), False),
            (replace(WELL, item_nine=ItemNineFact("p1", 1, NOON)), True),
        ),
    ),
    "CI-SUD-ACTIVE": Cases(
        fires=(history("substance_use"), condition("substance_use")),
        does_not=(WELL, condition("substance_use", ConditionStatus.RESOLVED)),
        unknown=(history("substance_use", None), history("substance_use", Answer.UNKNOWN)),
        boundary=(
            (condition("substance_use", ConditionStatus.UNSTABLE), True),
            (condition("substance_use", ConditionStatus.STABLE), False),
        ),
    ),
    "CI-KETAMINE-MISUSE": recorded("ketamine_misuse", "ketamine_misuse"),
    "CI-ALCOHOL-SCREEN": Cases(
        fires=(replace(WELL, audit_c=AuditCFact("a1", 9)),),
        does_not=(WELL,),
        unknown=(replace(WELL, audit_c=None), replace(WELL, audit_c=AuditCFact("a1", None))),
        boundary=(
            (replace(WELL, audit_c=AuditCFact("a1", 3)), False),
            (replace(WELL, audit_c=AuditCFact("a1", 4)), True),
            (replace(WELL, sex=Sex.FEMALE, audit_c=AuditCFact("a1", 2)), False),
            (replace(WELL, sex=Sex.FEMALE, audit_c=AuditCFact("a1", 3)), True),
            (replace(WELL, sex=Sex.OTHER, audit_c=AuditCFact("a1", 3)), True),
            (replace(WELL, sex=None, audit_c=AuditCFact("a1", 3)), True),
        ),
    ),
    "CI-NO-SUPPORT": recorded("no_support"),
    "CI-NO-THERAPY-ENGAGEMENT": recorded("no_engagement"),
    "MED-BENZO": medication("benzodiazepine"),
    "MED-OPIOID": medication("opioid"),
    "MED-SEDATIVE": medication("z-drug", "barbiturate", "other-sedative"),
    "MED-SEDATIVE-MILD": medication("gabapentinoid", "sedating-antihistamine"),
    "MED-MAOI": medication("maoi"),
    "MED-STIMULANT": medication("stimulant"),
    "MED-THEOPHYLLINE": medication("theophylline"),
    "MED-LAMOTRIGINE": medication("lamotrigine"),
    "MED-ANTIPSYCHOTIC": medication("antipsychotic"),
    "MED-CYP-INHIBITOR": medication("cyp-inhibitor"),
    "MED-CYP-INDUCER": medication("cyp-inducer"),
    "MED-NASAL": medication("nasal-decongestant", "nasal-corticosteroid"),
    "MED-NALTREXONE": medication("naltrexone"),
    "DAY-BP-HOLD": Cases(
        fires=(on_the_day(readings=(reading(150, 80),)), on_the_day(readings=(reading(120, 95),))),
        does_not=(WELL,),
        unknown=(
            NOT_RECORDED,
            on_the_day(dose_at=None),
            on_the_day(readings=(reading(ago=minutes(45)),)),
        ),
        boundary=(
            (on_the_day(readings=(reading(140, 90),)), False),
            (on_the_day(readings=(reading(141, 90),)), True),
            (on_the_day(readings=(reading(140, 91),)), True),
            (on_the_day(readings=(reading(139, 89),)), False),
            (
                on_the_day(readings=(reading(150, 95, ago=minutes(25)), reading(138, 88, ago=minutes(10)))),
                False,
            ),
            (on_the_day(readings=(reading(160, 100),), hold_systolic=160, hold_diastolic=100), False),
            (on_the_day(readings=(reading(161, 100),), hold_systolic=160, hold_diastolic=100), True),
            (on_the_day(readings=(reading(150, 80, ago=minutes(45)),)), True),
        ),
    ),
    "DAY-BP-CRISIS": Cases(
        fires=(on_the_day(readings=(reading(200, 100),)), on_the_day(readings=(reading(150, 125),))),
        does_not=(WELL,),
        unknown=(NOT_RECORDED,),
        boundary=(
            (on_the_day(readings=(reading(179, 119),)), False),
            (on_the_day(readings=(reading(180, 90),)), True),
            (on_the_day(readings=(reading(130, 120),)), True),
            (on_the_day(readings=(reading(185, 90),), hold_systolic=190), True),
            (
                on_the_day(readings=(reading(190, 90, ago=minutes(20)), reading(150, 90, ago=minutes(5)))),
                False,
            ),
            (on_the_day(readings=(reading(), reading(190, 100, ago=minutes(-5)))), False),  # after the dose
        ),
    ),
    "DAY-SPO2-LOW": Cases(
        fires=(on_the_day(readings=(reading(spo2=90),)),),
        does_not=(WELL,),
        unknown=(NOT_RECORDED, on_the_day(readings=(reading(spo2=97, room_air=False),))),
        boundary=(
            (on_the_day(readings=(reading(spo2=93),)), True),
            (on_the_day(readings=(reading(spo2=94),)), False),
            (on_the_day(readings=(reading(spo2=90, room_air=False),)), True),
            (
                on_the_day(readings=(reading(spo2=90, ago=minutes(20)), reading(spo2=95, ago=minutes(5)))),
                False,
            ),
        ),
    ),
    "DAY-VITALS-MISSING": Cases(
        fires=(
            NOT_RECORDED,
            on_the_day(readings=(reading(heart_rate=None),)),
            on_the_day(readings=(reading(spo2=None),)),
            on_the_day(readings=(reading(systolic=None),)),
        ),
        does_not=(WELL,),
        unknown=(on_the_day(dose_at=None),),
        boundary=(
            (on_the_day(readings=(reading(ago=minutes(29)),)), False),
            (on_the_day(readings=(reading(ago=minutes(30)),)), False),
            (on_the_day(readings=(reading(ago=minutes(30) + dt.timedelta(seconds=1)),)), True),
            (on_the_day(readings=(reading(ago=minutes(-1)),)), True),  # taken after the start
        ),
    ),
    "DAY-INTOX": Cases(
        fires=(on_the_day(intoxication_suspected=Answer.YES),),
        does_not=(WELL,),
        unknown=(on_the_day(intoxication_suspected=None), on_the_day(intoxication_suspected=Answer.UNKNOWN)),
        boundary=(
            (on_the_day(intoxication_suspected=Answer.YES), True),
            (on_the_day(intoxication_suspected=Answer.NO), False),
            (replace(WELL, day=None), False),
        ),
    ),
    "DAY-NO-ESCORT": Cases(
        fires=(on_the_day(escort_confirmed=Answer.NO),),
        does_not=(WELL,),
        unknown=(
            on_the_day(escort_confirmed=None),
            on_the_day(escort_name=" "),
            on_the_day(escort_phone=""),
        ),
        boundary=(
            (on_the_day(escort_confirmed=Answer.YES), False),
            (on_the_day(escort_confirmed=Answer.NO, escort_name="Sam", escort_phone="1"), True),
        ),
    ),
    "DAY-FASTING": Cases(
        fires=(
            on_the_day(last_food=Intake(NOON - minutes(60))),
            on_the_day(last_drink=Intake(NOON - minutes(10))),
            on_the_day(last_food=Intake(NOON - minutes(60)), last_drink=None),
        ),
        does_not=(WELL, on_the_day(last_food=Intake(None))),
        unknown=(on_the_day(last_food=None), on_the_day(last_drink=None), on_the_day(dose_at=None)),
        boundary=(
            (on_the_day(last_food=Intake(NOON - minutes(119))), True),
            (on_the_day(last_food=Intake(NOON - minutes(120))), False),
            (on_the_day(last_food=Intake(NOON - minutes(121))), False),
            (on_the_day(last_drink=Intake(NOON - minutes(29))), True),
            (on_the_day(last_drink=Intake(NOON - minutes(30))), False),
        ),
    ),
    "DAY-CONSENT-MISSING": Cases(
        fires=(
            on_the_day(consents=()),
            on_the_day(consents=(ConsentFact("c", TODAY - days(9), None, TODAY - days(1)),)),
        ),
        does_not=(WELL, on_the_day(consents=(ConsentFact("c", TODAY),))),
        unknown=(on_the_day(consents=None),),
        boundary=(
            (on_the_day(consents=(ConsentFact("c", TODAY - days(9), TODAY),)), False),
            (on_the_day(consents=(ConsentFact("c", TODAY - days(9), TODAY - days(1)),)), True),
            (on_the_day(consents=(ConsentFact("c", TODAY + days(1)),)), True),
            (on_the_day(consents=(ConsentFact("c", TODAY - days(9), None, TODAY),)), True),
            (on_the_day(consents=(ConsentFact("c", TODAY - days(9), None, TODAY + days(1)),)), False),
        ),
    ),
    "DAY-CLEARANCE-MISSING": Cases(
        fires=(
            on_the_day(clearances=()),
            on_the_day(clearances=(ClearanceFact("d", TODAY, TODAY + days(9), has_lapsed=True),)),
        ),
        does_not=(WELL,),
        unknown=(on_the_day(clearances=None),),
        boundary=(
            (on_the_day(clearances=(ClearanceFact("d", TODAY - days(9), TODAY),)), False),
            (on_the_day(clearances=(ClearanceFact("d", TODAY - days(9), TODAY - days(1)),)), True),
        ),
    ),
    "DAY-REMS-ENROL": Cases(
        fires=(
            on_the_day(rems=RemsFact()),
            on_the_day(rems=replace(READY_DAY.rems, site_certified=False)),
            on_the_day(rems=replace(READY_DAY.rems, enrolled_on=None)),
        ),
        does_not=(WELL, on_the_day(rems=replace(READY_DAY.rems, site_certified_until=None))),
        unknown=(
            on_the_day(rems=None),
            replace(WELL, route=None),
            on_the_day(rems=replace(READY_DAY.rems, site_certified=None)),
        ),
        boundary=(
            (on_the_day(rems=replace(READY_DAY.rems, enrolled_on=TODAY)), False),
            (on_the_day(rems=replace(READY_DAY.rems, enrolled_on=TODAY + days(1))), True),
            (on_the_day(rems=replace(READY_DAY.rems, site_certified_until=TODAY)), False),
            (on_the_day(rems=replace(READY_DAY.rems, site_certified_until=TODAY - days(1))), True),
            (replace(on_the_day(rems=RemsFact()), route=Route.RACEMIC_IV), False),
        ),
    ),
}
