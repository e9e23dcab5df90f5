"""The history questions by body system, and the kinds of condition that the problem list knows.

Every question is put so that "yes" is what matters for treatment and "no" is reassuring: a whole
system can then be answered with "none of these". Each names the codes that read it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class System:
    """A body system under which questions stand together."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """One yes / no / unknown question. ``kinds`` are the conditions a "yes" can be detailed with."""

    key: str
    system: str
    text: str
    hint: str
    codes: tuple[str, ...]
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConditionKind:
    """A kind of condition that some rule reads. ``has_date`` marks those judged by their event's day."""

    key: str
    label: str
    system: str
    has_date: bool = False
    has_liver_grade: bool = False


SUBSTANCES = "substances"

SYSTEMS = (
    System("heart", "Heart and blood vessels"),
    System("nerves", "Brain and nerves"),
    System("lungs", "Breathing and sleep"),
    System("organs", "Liver and kidneys"),
    System("glands", "Hormones and metabolism"),
    System("eyes", "Eyes"),
    System("urine", "Bladder and urinary tract"),
    System("mind", "Mental health"),
    System(SUBSTANCES, "Alcohol and other substances"),
    System("ketamine", "Earlier ketamine and allergies"),
    System("support", "Support and therapy"),
)

OTHER_KIND = "other"

CONDITION_KINDS = (
    ConditionKind("aneurysm", "Aneurysm of an artery", "heart"),
    ConditionKind("avm", "Arteriovenous malformation", "heart"),
    ConditionKind("pressure_hazard", "Raised intracranial pressure, aortic dissection or alike", "heart"),
    ConditionKind("infarction", "Heart attack (myocardial infarction)", "heart", has_date=True),
    ConditionKind("ischaemic_heart", "Coronary disease or angina", "heart"),
    ConditionKind("heart_failure", "Heart failure", "heart"),
    ConditionKind("arrhythmia", "Heart rhythm disorder", "heart"),
    ConditionKind("valve", "Heart valve disease", "heart"),
    ConditionKind("other_heart", "Other heart disease", "heart"),
    ConditionKind("hypertension", "High blood pressure", "heart"),
    ConditionKind("haemorrhage", "Bleeding in the brain", "nerves", has_date=True),
    ConditionKind("stroke", "Stroke or TIA", "nerves", has_date=True),
    ConditionKind("head_injury", "Significant head injury", "nerves", has_date=True),
    ConditionKind("encephalopathy", "Hypertensive encephalopathy", "nerves", has_date=True),
    ConditionKind("migraine", "Chronic migraine", "nerves"),
    ConditionKind("seizure", "Seizure disorder", "nerves", has_date=True),
    ConditionKind("sleep_apnoea", "Sleep apnoea", "lungs"),
    ConditionKind("respiratory", "COPD, severe asthma or respiratory failure", "lungs"),
    ConditionKind("liver", "Liver disease", "organs", has_liver_grade=True),
    ConditionKind("renal", "Kidney impairment or dialysis", "organs"),
    ConditionKind("hyperthyroid", "Overactive thyroid", "glands"),
    ConditionKind("porphyria", "Acute porphyria", "glands"),
    ConditionKind("glaucoma", "Glaucoma or raised eye pressure", "eyes"),
    ConditionKind("urinary", "Cystitis or lower urinary tract symptoms", "urine"),
    ConditionKind("psychosis", "Psychotic disorder", "mind", has_date=True),
    ConditionKind("mania", "Manic, hypomanic or mixed episode", "mind", has_date=True),
    ConditionKind("bipolar_one", "Bipolar I disorder", "mind"),
    ConditionKind("personality", "Personality disorder", "mind"),
    ConditionKind("substance_use", "Substance use disorder (including alcohol)", "substances"),
    ConditionKind("ketamine_misuse", "Ketamine misuse or addiction", "substances"),
    ConditionKind("ketamine_reaction", "Bad reaction to ketamine, not an allergy", "ketamine", has_date=True),
    ConditionKind(OTHER_KIND, "Another condition", ""),
)

HEART_DISEASE_KINDS = ("infarction", "ischaemic_heart", "heart_failure", "arrhythmia", "valve", "other_heart")

QUESTIONS = (
    Question(
        "aneurysm",
        "heart",
        "An aneurysm, at any time",
        "Aorta, brain, or any other artery, treated or not",
        ("CI-ANEURYSM",),
        ("aneurysm",),
    ),
    Question(
        "avm",
        "heart",
        "An arteriovenous malformation",
        "An abnormal tangle between arteries and veins, treated or not",
        ("CI-AVM",),
        ("avm",),
    ),
    Question(
        "heart_unstable",
        "heart",
        "Severe or unstable heart disease now",
        "Heart attack within three months, unstable angina, decompensated heart failure, uncontrolled rhythm",
        ("CI-CVD-UNSTABLE",),
        HEART_DISEASE_KINDS,
    ),
    Question(
        "heart_disease",
        "heart",
        "Heart disease of any kind, treated or stable",
        "Coronary disease, earlier heart attack, heart failure, rhythm disorder, valve disease",
        ("CI-CVD-STABLE",),
        HEART_DISEASE_KINDS,
    ),
    Question(
        "hypertension_uncontrolled",
        "heart",
        "High blood pressure that is not controlled",
        "A treated pressure within its goal counts as no",
        ("CI-HTN-UNCONTROLLED",),
        ("hypertension",),
    ),
    Question(
        "pressure_hazard",
        "heart",
        "Any other condition in which a rise in pressure would be dangerous",
        "Raised intracranial pressure, aortic dissection, hypertensive encephalopathy with symptoms",
        ("CI-BP-ICP-HAZARD",),
        ("pressure_hazard",),
    ),
    Question(
        "haemorrhage",
        "nerves",
        "Bleeding in the brain, at any time",
        "Intracerebral haemorrhage",
        ("CI-ICH",),
        ("haemorrhage",),
    ),
    Question(
        "stroke_recent",
        "nerves",
        "Stroke, TIA or a significant head injury within three months",
        "With the day, if it is known",
        ("CI-CVA-RECENT",),
        ("stroke", "head_injury"),
    ),
    Question(
        "stroke_ever",
        "nerves",
        "Stroke or TIA at any time",
        "",
        ("CI-CVA-REMOTE",),
        ("stroke",),
    ),
    Question(
        "encephalopathy",
        "nerves",
        "Hypertensive encephalopathy, at any time",
        "Confusion, seizure or loss of sight from very high blood pressure",
        ("CI-HTN-ENCEPH-HX",),
        ("encephalopathy",),
    ),
    Question(
        "migraine",
        "nerves",
        "Chronic migraine",
        "Headache on 15 or more days a month, of which 8 or more are migraine",
        ("CI-MIGRAINE",),
        ("migraine",),
    ),
    Question(
        "seizure",
        "nerves",
        "A seizure disorder",
        "Epilepsy or repeated seizures, treated or not",
        ("CI-SEIZURE",),
        ("seizure",),
    ),
    Question(
        "sleep_apnoea",
        "lungs",
        "Sleep apnoea",
        "Treated or not",
        ("CI-SLEEP-APNEA",),
        ("sleep_apnoea",),
    ),
    Question(
        "respiratory",
        "lungs",
        "COPD, severe asthma or respiratory failure",
        "",
        ("CI-RESPIRATORY",),
        ("respiratory",),
    ),
    Question(
        "liver_severe",
        "organs",
        "Severe liver disease or markedly raised liver tests",
        "Child-Pugh C",
        ("CI-LIVER",),
        ("liver",),
    ),
    Question(
        "liver_moderate",
        "organs",
        "Moderate liver impairment",
        "Child-Pugh B",
        ("CI-LIVER-MOD",),
        ("liver",),
    ),
    Question(
        "renal",
        "organs",
        "Kidney impairment or dialysis",
        "",
        ("CI-RENAL",),
        ("renal",),
    ),
    Question(
        "hyperthyroid",
        "glands",
        "An overactive thyroid that is untreated or not controlled",
        "",
        ("CI-HYPERTHYROID",),
        ("hyperthyroid",),
    ),
    Question(
        "porphyria",
        "glands",
        "Acute porphyria",
        "",
        ("CI-PORPHYRIA",),
        ("porphyria",),
    ),
    Question(
        "glaucoma",
        "eyes",
        "Glaucoma or raised pressure in the eye",
        "",
        ("CI-GLAUCOMA",),
        ("glaucoma",),
    ),
    Question(
        "urinary",
        "urine",
        "Cystitis or unexplained urinary symptoms",
        "Pain, urgency, frequency or blood, or interstitial cystitis",
        ("CI-URINARY",),
        ("urinary",),
    ),
    Question(
        "psychosis_now",
        "mind",
        "Psychotic symptoms now",
        "Hearing or seeing what others do not, fixed false beliefs, or schizophrenia with symptoms",
        ("CI-PSYCHOSIS-ACTIVE",),
        ("psychosis",),
    ),
    Question(
        "psychosis_past",
        "mind",
        "Psychosis in the past",
        "Any earlier psychotic episode, whatever its cause",
        ("CI-PSYCHOSIS-HX",),
        ("psychosis",),
    ),
    Question(
        "psychosis_family",
        "mind",
        "A parent, brother, sister or child with a psychotic disorder",
        "",
        ("CI-PSYCHOSIS-FHX",),
    ),
    Question(
        "mania_now",
        "mind",
        "A manic, hypomanic or mixed episode now",
        "",
        ("CI-MANIA",),
        ("mania",),
    ),
    Question(
        "bipolar_one",
        "mind",
        "Bipolar I disorder",
        "The medication list decides whether a mood stabiliser is taken",
        ("CI-MANIA",),
        ("bipolar_one",),
    ),
    Question(
        "personality",
        "mind",
        "A personality disorder",
        "",
        ("CI-PERSONALITY",),
        ("personality",),
    ),
    Question(
        "substance_use",
        "substances",
        "An active substance use disorder, alcohol included",
        "",
        ("CI-SUD-ACTIVE",),
        ("substance_use",),
    ),
    Question(
        "ketamine_misuse",
        "substances",
        "Misuse of ketamine or addiction to it, at any time",
        "",
        ("CI-KETAMINE-MISUSE",),
        ("ketamine_misuse",),
    ),
    Question(
        "ketamine_allergy",
        "ketamine",
        "Allergy to ketamine, esketamine or an ingredient",
        "Hives, swelling, trouble breathing after it",
        ("CI-HYPERSENS",),
    ),
    Question(
        "ketamine_reaction",
        "ketamine",
        "A serious or distressing reaction to ketamine",
        "Not an allergy: panic, very high pressure, a bad experience that lasted",
        ("CI-PRIOR-REACTION",),
        ("ketamine_reaction",),
    ),
    Question(
        "no_support",
        "support",
        "No stable support: nobody who can be called on",
        "",
        ("CI-NO-SUPPORT",),
    ),
    Question(
        "no_engagement",
        "support",
        "Not able to take part in therapy at present",
        "",
        ("CI-NO-THERAPY-ENGAGEMENT",),
    ),
)

QUESTION_BY_KEY = {question.key: question for question in QUESTIONS}
KIND_BY_KEY = {kind.key: kind for kind in CONDITION_KINDS}
SYSTEM_BY_KEY = {system.key: system for system in SYSTEMS}


def questions_of(system: str) -> tuple[Question, ...]:
    """The questions of one body system, in the order in which they are asked."""
    return tuple(question for question in QUESTIONS if question.system == system)
