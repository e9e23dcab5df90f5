"""Check-in on the day of a dose.

A newer reading takes the place of an older one, so a repeat after rest clears a finding. Readings
taken after ``dose_at`` are not pre-dose readings and are left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import Answer, DayFacts, Facts, Intake, VitalsReading
from screening.contraindications.predicates._registry import predicate
from screening.contraindications.predicates.cardiovascular import pressure_evidence
from screening.contraindications.verdicts import (
    NOT_APPLICABLE,
    Evidence,
    MissingFact,
    Verdict,
    does_not_fire,
    fires,
    unknown,
)

NO_PRESSURE = MissingFact("day:pressure", "A blood pressure before the dose")
NO_SPO2 = MissingFact("day:spo2", "An SpO2 before the dose")
NO_DOSE_TIME = MissingFact("day:dose_at", "When the dose is to start")

OfTheDay = Callable[[Facts, DayFacts, Cutoffs], Verdict]


def of_the_day(code: str) -> Callable[[OfTheDay], OfTheDay]:
    """Register a predicate that is asked on a dosing day only; else its rule does not apply."""

    def register(function: OfTheDay) -> OfTheDay:
        def ask(facts: Facts, cutoffs: Cutoffs) -> Verdict:
            return NOT_APPLICABLE if facts.day is None else function(facts, facts.day, cutoffs)

        ask.__name__, ask.__doc__ = function.__name__, function.__doc__
        predicate(code)(ask)
        return function

    return register


def latest(day: DayFacts, has: Callable[[VitalsReading], bool]) -> VitalsReading | None:
    """The newest reading not after the dose that has what is asked for."""
    readings = [
        reading
        for reading in day.readings
        if has(reading) and (day.dose_at is None or reading.taken_at <= day.dose_at)
    ]
    return max(readings, key=lambda reading: reading.taken_at, default=None)


def _is_current(reading: VitalsReading, day: DayFacts, cutoffs: Cutoffs) -> bool:
    """Whether the reading is at most so many minutes old at the dose; the limit itself still counts."""
    return day.dose_at is not None and day.dose_at - reading.taken_at <= dt.timedelta(
        minutes=cutoffs.vitals_minutes
    )


def _has_pressure(reading: VitalsReading) -> bool:
    return reading.has_pressure


@of_the_day("DAY-BP-HOLD")
def pressure_hold(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """The latest pressure is above 140 systolic or 90 diastolic; 140/90 itself is not.

    The order's own limits come first ("proceed up to 160/100"). A reading above them holds however
    old it is; one within them counts only while it is current.
    """
    reading = latest(day, _has_pressure)
    if reading is None:
        return unknown(NO_PRESSURE)
    systolic = cutoffs.pressure_systolic if day.hold_systolic is None else day.hold_systolic
    diastolic = cutoffs.pressure_diastolic if day.hold_diastolic is None else day.hold_diastolic
    if reading.is_above(systolic, diastolic):
        return fires(pressure_evidence(reading))
    if day.dose_at is None:
        return unknown(NO_DOSE_TIME)
    return (
        does_not_fire(pressure_evidence(reading))
        if _is_current(reading, day, cutoffs)
        else unknown(NO_PRESSURE)
    )


@of_the_day("DAY-BP-CRISIS")
def pressure_crisis(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """The latest pressure is at or above 180 systolic or 120 diastolic (POLICY). No order moves this."""
    reading = latest(day, _has_pressure)
    if reading is None:
        return unknown(NO_PRESSURE)
    if reading.is_above(cutoffs.crisis_systolic - 1, cutoffs.crisis_diastolic - 1):  # the limit itself fires
        return fires(pressure_evidence(reading))
    return does_not_fire(pressure_evidence(reading))


@of_the_day("DAY-SPO2-LOW")
def low_saturation(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """The latest SpO2 is below 94 % (POLICY). A good value on oxygen says nothing about room air."""
    reading = latest(day, lambda entry: entry.spo2 is not None)
    if reading is None or reading.spo2 is None:
        return unknown(NO_SPO2)
    if reading.spo2 < cutoffs.spo2_percent:
        return fires(Evidence("vitals", reading.ref, f"SpO2 {reading.spo2} %"))
    if reading.on_room_air is False:
        return unknown(MissingFact("day:spo2_room_air", "An SpO2 on room air", asked=True))
    return does_not_fire(Evidence("vitals", reading.ref, f"SpO2 {reading.spo2} %"))


@of_the_day("DAY-VITALS-MISSING")
def vitals_missing(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """Blood pressure, heart rate or SpO2 is missing or older than 30 minutes at the dose (POLICY)."""
    wanted: tuple[tuple[str, Callable[[VitalsReading], bool]], ...] = (
        ("blood pressure", _has_pressure),
        ("heart rate", lambda entry: entry.heart_rate is not None),
        ("SpO2", lambda entry: entry.spo2 is not None),
    )
    readings = [(name, latest(day, has)) for name, has in wanted]
    absent = [name for name, reading in readings if reading is None]
    if absent:
        return fires(Evidence("vitals", "", f"Not taken: {', '.join(absent)}"))
    if day.dose_at is None:
        return unknown(NO_DOSE_TIME)
    old = [name for name, reading in readings if reading and not _is_current(reading, day, cutoffs)]
    if old:
        return fires(Evidence("vitals", "", f"Older than {cutoffs.vitals_minutes} minutes: {', '.join(old)}"))
    return does_not_fire()


def _answered(answer: Answer | None, key: str, text: str) -> Verdict | None:
    """The missing answer of a check-in question, or ``None`` when it was answered yes or no."""
    if answer is None or answer is Answer.UNKNOWN:
        return unknown(MissingFact(key, text, asked=answer is Answer.UNKNOWN))
    return None


@of_the_day("DAY-INTOX")
def intoxication(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """Staff suspect intoxication."""
    open_question = _answered(
        day.intoxication_suspected, "day:intoxication", "Whether intoxication is suspected"
    )
    if open_question:
        return open_question
    if day.intoxication_suspected is Answer.YES:
        return fires(Evidence("check-in", "intoxication", "Intoxication suspected by staff"))
    return does_not_fire()


@of_the_day("DAY-NO-ESCORT")
def no_escort(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """No escort is confirmed. A confirmed one needs a name and a phone number."""
    open_question = _answered(day.escort_confirmed, "day:escort", "Whether the escort is confirmed")
    if open_question:
        return open_question
    if day.escort_confirmed is Answer.NO:
        return fires(Evidence("check-in", "escort", "No escort or ride home confirmed"))
    missing = [
        MissingFact(f"day:escort_{name}", f"The escort's {name}", asked=True)
        for name, value in (("name", day.escort_name), ("phone", day.escort_phone))
        if not value.strip()
    ]
    return unknown(*missing) if missing else does_not_fire()


@of_the_day("DAY-FASTING")
def not_fasted(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """Ate less than 2 h or drank less than 30 min before the dose; exactly that long ago is enough."""
    if day.dose_at is None:
        return unknown(NO_DOSE_TIME)
    evidence = []
    missing = []
    for key, what, intake, minutes in (
        ("food", "Ate", day.last_food, cutoffs.food_minutes),
        ("drink", "Drank", day.last_drink, cutoffs.drink_minutes),
    ):
        if intake is None:
            missing.append(MissingFact(f"day:last_{key}", f"When the patient last {what.casefold()}"))
        elif _is_within(intake, day.dose_at, minutes):
            evidence.append(Evidence("check-in", key, f"{what} less than {minutes} minutes before the dose"))
    if evidence:
        return fires(*evidence)
    return unknown(*missing) if missing else does_not_fire()


def _is_within(intake: Intake, dose_at: dt.datetime, minutes: int) -> bool:
    return intake.at is not None and dose_at - intake.at < dt.timedelta(minutes=minutes)


@of_the_day("DAY-CONSENT-MISSING")
def consent_missing(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """No treatment consent is in force on the day: signed, not expired (its last day counts), not revoked."""
    if day.consents is None:
        return unknown(MissingFact("day:consents", "The treatment consents on file"))
    in_force = [
        consent
        for consent in day.consents
        if consent.signed_on <= facts.on
        and (consent.expires_on is None or facts.on <= consent.expires_on)
        and (consent.revoked_on is None or facts.on < consent.revoked_on)
    ]
    if in_force:
        return does_not_fire(Evidence("consent", in_force[0].ref, "Treatment consent", in_force[0].signed_on))
    words = "No treatment consent on file" if not day.consents else "No treatment consent is in force"
    return fires(Evidence("consent", "", words))


@of_the_day("DAY-CLEARANCE-MISSING")
def clearance_missing(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """No signed eligibility decision clears the patient on the day (its last valid day counts)."""
    if day.clearances is None:
        return unknown(MissingFact("day:clearances", "The eligibility decisions on file"))
    in_force = [
        clearance
        for clearance in day.clearances
        if not clearance.has_lapsed and clearance.signed_on <= facts.on <= clearance.valid_until
    ]
    if in_force:
        return does_not_fire(
            Evidence("decision", in_force[0].ref, "Eligibility decision", in_force[0].signed_on)
        )
    words = "No eligibility decision" if not day.clearances else "No eligibility decision is in force"
    return fires(Evidence("decision", "", words))


@of_the_day("DAY-REMS-ENROL")
def rems_missing(facts: Facts, day: DayFacts, cutoffs: Cutoffs) -> Verdict:
    """Esketamine: not enrolled before the treatment, or the site's certification is absent or over."""
    if facts.route is None:
        return unknown(MissingFact("order:route", "The ordered drug and route"))
    if day.rems is None:
        return unknown(MissingFact("day:rems", "The REMS enrolment and the site's certification"))
    evidence = []
    if day.rems.enrolled_on is None:
        evidence.append(Evidence("rems", "", "Patient not enrolled"))
    elif day.rems.enrolled_on > facts.on:
        evidence.append(
            Evidence("rems", day.rems.enrolment_ref, "Enrolled after this day", day.rems.enrolled_on)
        )
    until = day.rems.site_certified_until
    if day.rems.site_certified is False:
        evidence.append(Evidence("rems-site", day.rems.site_ref, "Site not certified"))
    elif until is not None and until < facts.on:
        evidence.append(Evidence("rems-site", day.rems.site_ref, "Site certification expired", until))
    if evidence:
        return fires(*evidence)
    if day.rems.site_certified is None:
        return unknown(MissingFact("clinic:rems_site", "The site's REMS certification"))
    return does_not_fire()
