"""What is known at the door, in the shape in which the rules of the day read it. No ORM, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from screening.contraindications import Evidence, Finding, Scope, catalogue
from screening.contraindications.facts import Answer, DayFacts, Intake, VitalsReading
from screening.contraindications.facts import Route as RuleRoute
from sessions.dose import Drug, Route
from sessions.vitals import HoldParameters, Reading

_ROUTES = {
    (Drug.KETAMINE, Route.INTRAVENOUS): RuleRoute.RACEMIC_IV,
    (Drug.KETAMINE, Route.INTRAMUSCULAR): RuleRoute.RACEMIC_IM,
    (Drug.KETAMINE, Route.SUBLINGUAL): RuleRoute.RACEMIC_SUBLINGUAL,
    (Drug.KETAMINE, Route.ORAL): RuleRoute.RACEMIC_ORAL,
    (Drug.KETAMINE, Route.INTRANASAL): RuleRoute.RACEMIC_INTRANASAL,
    (Drug.ESKETAMINE, Route.INTRANASAL): RuleRoute.ESKETAMINE_INTRANASAL,
}


@dataclass(frozen=True)
class DoorAnswers:
    """What was answered at check-in; empty strings and None mean not asked. Times are aware."""

    escort_confirmed: str = ""
    escort_name: str = ""
    escort_phone: str = ""
    nothing_eaten: bool = False
    last_food_at: datetime | None = None
    nothing_drunk: bool = False
    last_drink_at: datetime | None = None
    nasal_medicine_at: datetime | None = None
    intoxication_suspected: str = ""
    medicines_changed: str = ""
    pregnancy_possible: str = ""


def rule_route(drug: Drug, route: Route) -> RuleRoute | None:
    """Drug and route as the contraindication rules tell them apart; None for a pair that does not exist."""
    return _ROUTES.get((drug, route))


def day_facts(
    *,
    at: datetime,
    answers: DoorAnswers | None,
    readings: Iterable[Reading],
    hold: HoldParameters,
) -> DayFacts:
    """The facts of the day for a dose at `at` (aware). Consents, clearance and REMS are added by screening."""
    door = answers or DoorAnswers()
    return DayFacts(
        dose_at=at,
        readings=tuple(
            VitalsReading(
                ref=reading.key,
                taken_at=reading.taken_at,
                systolic=reading.systolic,
                diastolic=reading.diastolic,
                heart_rate=reading.heart_rate,
                spo2=reading.spo2,
                on_room_air=None if reading.spo2 is None else not reading.is_on_oxygen,
            )
            for reading in readings
        ),
        intoxication_suspected=_answer(door.intoxication_suspected),
        escort_confirmed=_answer(door.escort_confirmed),
        escort_name=door.escort_name,
        escort_phone=door.escort_phone,
        last_food=_intake(nothing=door.nothing_eaten, at=door.last_food_at),
        last_drink=_intake(nothing=door.nothing_drunk, at=door.last_drink_at),
        hold_systolic=hold.max_systolic,
        hold_diastolic=hold.max_diastolic,
    )


def door_findings(
    answers: DoorAnswers | None,
    *,
    at: datetime,
    route: RuleRoute | None,
    nasal_minutes: int,
    tested_negative_since: bool,
) -> tuple[Finding, ...]:
    """What the answers at the door mean by rules of the catalogue that are no `DAY-*` rules, for this session alone.

    `at` is the start of the dose (aware), `route` None before one is ordered. `MED-NASAL`: a nasal steroid or
    decongestant less than `nasal_minutes` before esketamine (exactly that long ago is enough). `CI-CHILDBEARING`:
    could be pregnant, and no negative test on the day of the check-in or later; a newer test clears it.
    """
    if answers is None:
        return ()
    found: list[Finding] = []
    used_at = answers.nasal_medicine_at
    if (
        used_at is not None
        and route in (None, RuleRoute.ESKETAMINE_INTRANASAL)
        and timedelta(0) <= at - used_at < timedelta(minutes=nasal_minutes)
    ):
        words = f"Nasal steroid or decongestant less than {nasal_minutes} minutes before the dose"
        found.append(_at_the_door("MED-NASAL", Evidence("check-in", "nasal", words)))
    if answers.pregnancy_possible == Answer.YES and not tested_negative_since:
        words = "Could be pregnant, said at check-in; no negative test since"
        found.append(_at_the_door("CI-CHILDBEARING", Evidence("check-in", "pregnancy", words)))
    return tuple(found)


def _at_the_door(code: str, evidence: Evidence) -> Finding:
    return Finding(replace(catalogue()[code], scope=Scope.SESSION), (evidence,))


def _answer(value: str) -> Answer | None:
    return Answer(value) if value else None


def _intake(*, nothing: bool, at: datetime | None) -> Intake | None:
    if at is not None:
        return Intake(at)
    return Intake(None) if nothing else None
