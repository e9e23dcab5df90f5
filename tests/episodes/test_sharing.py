"""Who sees which category, with which consent, at which second. Pure: no database."""

import uuid
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from episodes.sharing import (
    SAFETY_CORE,
    UNNAMED,
    Discipline,
    Grant,
    Ground,
    Part,
    Reader,
    as_kept,
    rule,
    rule_all,
    said,
    sees_row,
    span_of_days,
)
from kapclinic.clinics.refusals import Reason
from kapclinic.documents.categories import ConsentCategory

BEGINS = datetime(2026, 3, 1, 7, tzinfo=UTC)
ENDS = datetime(2026, 6, 1, 6, tzinfo=UTC)
REVOKED = datetime(2026, 4, 10, 15, 30, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OUTSIDE = uuid.uuid4()
TEAM = frozenset({Part.PRESCRIBER, Part.NURSE, Part.THERAPIST})
C = ConsentCategory
SHAREABLE = tuple(category for category in C if category not in (C.ADMINISTRATIVE, C.SAFETY))


def grant(*categories: ConsentCategory, **changes: object) -> Grant:
    fields: dict[str, object] = {
        "key": "consent",
        "categories": frozenset(category.value for category in categories),
        "parts": TEAM,
        "begins_at": BEGINS,
        "ends_at": ENDS,
        **changes,
    }
    return Grant(**fields)  # type: ignore[arg-type]  # named as in the class


def reader(*parts: Part, **fields: object) -> Reader:
    return Reader(frozenset(parts), **fields)  # type: ignore[arg-type]  # named as in the class


# What each reader sees of what was drawn together from the record, without any consent, at a clinic that is no Part 2 program.
WITHOUT_CONSENT = {
    Part.PRESCRIBER: {C.ADMINISTRATIVE, C.SAFETY, C.DOSE, C.ADVERSE_EVENTS, C.MEDICATION, C.SUBSTANCE_USE},
    Part.NURSE: {C.ADMINISTRATIVE, C.SAFETY, C.DOSE, C.ADVERSE_EVENTS, C.MEDICATION, C.SUBSTANCE_USE},
    Part.THERAPIST: {C.ADMINISTRATIVE, C.SAFETY},
    Part.OUTSIDE: set(),
    Part.PATIENT: set(C),
    Part.HOUSE: {C.ADMINISTRATIVE},
}


@pytest.mark.parametrize(("part", "category"), list(product(Part, C)))
def test_category_is_shown_as_the_table_says_when_there_is_no_consent(part: Part, category: C) -> None:
    assert rule(category, reader(part), [], now=NOW).is_shown is (category in WITHOUT_CONSENT[part])


@pytest.mark.parametrize(("part", "category"), list(product(sorted(TEAM), SHAREABLE)))
def test_category_is_shown_to_the_team_when_the_consent_covers_it(part: Part, category: C) -> None:
    ruling = rule(category, reader(part), [grant(category)], now=NOW)
    assert ruling.is_shown
    if category not in WITHOUT_CONSENT[part]:
        assert (ruling.ground, ruling.grants) == (Ground.CONSENT, ("consent",))
    # A consent over everything else does not cover it.
    others = grant(*(other for other in SHAREABLE if other is not category))
    assert rule(category, reader(part), [others], now=NOW).is_shown is (category in WITHOUT_CONSENT[part])


STATES = {
    "a second before it begins": (grant(C.THEMES), BEGINS - SECOND, False),
    "when it begins": (grant(C.THEMES), BEGINS, True),
    "a second before it ends": (grant(C.THEMES), ENDS - SECOND, True),
    "when it ends": (grant(C.THEMES), ENDS, False),
    "a second after it ended": (grant(C.THEMES), ENDS + SECOND, False),
    "a second before it is revoked": (grant(C.THEMES, revoked_at=REVOKED), REVOKED - SECOND, True),
    "when it is revoked": (grant(C.THEMES, revoked_at=REVOKED), REVOKED, False),
    "a second after it was revoked": (grant(C.THEMES, revoked_at=REVOKED), REVOKED + SECOND, False),
    "with an element missing": (grant(C.THEMES, is_complete=False), NOW, False),
    "given to the nurse alone": (grant(C.THEMES, parts=frozenset({Part.NURSE})), NOW, False),
    "given outside alone": (grant(C.THEMES, parts=frozenset(), outside_id=OUTSIDE), NOW, False),
}


@pytest.mark.parametrize("state", STATES)
def test_themes_reach_the_prescriber_by_the_state_of_the_consent(state: str) -> None:
    consent, now, is_shown = STATES[state]
    assert rule(C.THEMES, reader(Part.PRESCRIBER), [consent], now=now).is_shown is is_shown


@pytest.mark.parametrize(
    ("part", "category", "state"), list(product((Part.PRESCRIBER, Part.NURSE), sorted(SAFETY_CORE), STATES))
)
def test_safety_core_is_never_withheld_from_those_who_treat(part: Part, category: C, state: str) -> None:
    consent, now, _ = STATES[state]
    assert rule(category, reader(part), [consent], now=now).is_shown
    assert rule(category, reader(part), [consent], now=now, is_part2=True).is_shown


@pytest.mark.parametrize("part", [Part.PRESCRIBER, Part.NURSE])
def test_substance_use_can_be_withheld_at_a_part_2_clinic_alone(part: Part) -> None:
    assert rule(C.SUBSTANCE_USE, reader(part), [], now=NOW).ground is Ground.TREATMENT
    assert not rule(C.SUBSTANCE_USE, reader(part), [], now=NOW, is_part2=True).is_shown
    covered = rule(C.SUBSTANCE_USE, reader(part), [grant(C.SUBSTANCE_USE)], now=NOW, is_part2=True)
    assert covered.ground is Ground.CONSENT


@pytest.mark.parametrize(("part", "origin"), list(product((Part.PRESCRIBER, Part.THERAPIST), Discipline)))
def test_own_discipline_reads_what_it_wrote_when_there_is_no_consent(part: Part, origin: Discipline) -> None:
    rulings = rule_all(reader(part), [], now=NOW, origin=origin)
    is_own = (part is Part.THERAPIST) is (origin is Discipline.THERAPY)
    assert all(ruling.is_shown for ruling in rulings.values()) is is_own


def test_one_person_in_both_parts_sees_both_sides() -> None:
    both = reader(Part.PRESCRIBER, Part.THERAPIST)
    assert rule(C.THEMES, both, [], now=NOW, origin=Discipline.THERAPY).is_shown
    assert rule(C.DOSE, both, [], now=NOW).is_shown


@pytest.mark.parametrize("category", list(C))
def test_clinician_outside_sees_only_what_a_consent_in_that_name_covers(category: C) -> None:
    named = grant(C.DOSE, C.SCORES, parts=frozenset(), outside_id=OUTSIDE)
    somebody = reader(Part.OUTSIDE, outside_id=OUTSIDE)
    # Who receives anything receives allergies and risk with it.
    expected = category in (C.DOSE, C.SCORES, C.SAFETY, C.ADMINISTRATIVE)
    assert rule(category, somebody, [named], now=NOW).is_shown is expected
    assert not rule(category, somebody, [named], now=ENDS).is_shown
    assert not rule(category, reader(Part.OUTSIDE, outside_id=uuid.uuid4()), [named], now=NOW).is_shown
    assert not rule(category, somebody, [grant(*SHAREABLE)], now=NOW).is_shown


@pytest.mark.parametrize(("after", "is_shown"), [(-SECOND, True), (timedelta(0), False), (SECOND, False)])
def test_emergency_opens_everything_until_it_ends(after: timedelta, is_shown: bool) -> None:
    until = NOW + timedelta(minutes=60)
    opened = reader(Part.THERAPIST, emergency_until=until)
    ruling = rule(C.DOSE, opened, [], now=until + after)
    assert ruling.is_shown is is_shown
    assert ruling.ground is (Ground.EMERGENCY if is_shown else None)


def test_consent_outranks_emergency_so_that_the_list_names_it() -> None:
    opened = reader(Part.THERAPIST, emergency_until=NOW + timedelta(minutes=60))
    assert rule(C.DOSE, opened, [grant(C.DOSE)], now=NOW).ground is Ground.CONSENT


@pytest.mark.parametrize(
    ("signed", "expires", "begins", "ends"),
    [
        # Both ends on the clinic's clock, across the change to summer time.
        (date(2026, 3, 7), date(2026, 3, 8), "2026-03-07T07:00", "2026-03-09T06:00"),
        (date(2026, 10, 31), date(2026, 11, 1), "2026-10-31T06:00", "2026-11-02T07:00"),
        (date(2026, 5, 1), date(2026, 5, 1), "2026-05-01T06:00", "2026-05-02T06:00"),
    ],
)
def test_consent_holds_from_the_first_to_the_last_second_of_its_days(
    signed: date, expires: date, begins: str, ends: str
) -> None:
    found = span_of_days(signed, expires, ZoneInfo("America/Denver"))
    expected = tuple(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begins, ends))
    assert tuple(at.astimezone(UTC) for at in found) == expected


@pytest.mark.parametrize(
    ("category", "part", "is_part2", "categories", "is_seen"),
    [
        # What the medical side recorded: its own, by consent the therapist's.
        (C.SCORES, Part.NURSE, False, (), True),
        (C.SCORES, Part.THERAPIST, False, (), False),
        (C.SCORES, Part.THERAPIST, False, (C.SCORES,), True),
        (C.SCORES, Part.HOUSE, False, (C.SCORES,), False),
        # Substance use has no side: at a Part 2 clinic a nurse does not see what another nurse wrote.
        (C.SUBSTANCE_USE, Part.NURSE, False, (), True),
        (C.SUBSTANCE_USE, Part.NURSE, True, (), False),
        (C.SUBSTANCE_USE, Part.PRESCRIBER, True, (C.MEDICATION,), False),
        (C.SUBSTANCE_USE, Part.PRESCRIBER, True, (C.SUBSTANCE_USE,), True),
        (C.SUBSTANCE_USE, Part.THERAPIST, False, (), False),
        (C.MEDICATION, Part.NURSE, True, (), True),
    ],
)
def test_row_is_seen_by_who_wrote_it_and_by_whom_the_consent_names(
    category: ConsentCategory,
    part: Part,
    is_part2: bool,
    categories: tuple[ConsentCategory, ...],
    is_seen: bool,
) -> None:
    grants = [grant(*categories)] if categories else []
    asked = {"now": NOW, "origin": Discipline.MEDICAL, "is_part2": is_part2}
    assert sees_row(category, reader(part), grants, **asked) is is_seen
    assert sees_row(category, reader(part), grants, is_own=True, **asked)
    revoked = [grant(*categories, revoked_at=NOW)] if categories else []
    without = sees_row(category, reader(part), [], **asked)
    assert sees_row(category, reader(part), revoked, **asked) is without


def test_reasons_name_what_is_withheld_to_nobody_and_leave_none_out() -> None:
    plain = Reason("no-order", "There is no order yet.")
    first = Reason("finding-one", "Made-up use.", "outcome-one", category=C.SUBSTANCE_USE)
    second = Reason("finding-two", "Made-up misuse.", category=C.SUBSTANCE_USE)
    assert said([first, plain, second], lambda category: True) == (first, plain, second)
    heard = as_kept([first, plain, second])
    assert [reason.text for reason in heard] == [UNNAMED, plain.text]
    assert [reason.code for reason in heard] == ["finding-unnamed", "no-order"]
    assert not heard[0].field
    assert heard[0].is_hard, "what is not named still stands"
