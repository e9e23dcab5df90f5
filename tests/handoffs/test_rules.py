"""The pure rules of the loop: due times, escalation, what an edition changed, where two records differ."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kapclinic.handoffs import due
from kapclinic.handoffs.changes import IN, KEPT, OUT, field_changes, pieces
from kapclinic.handoffs.divergence import TOPICS, Claim, divergences
from kapclinic.handoffs.due import DueRule, WorkingDays
from kapclinic.handoffs.escalation import Step, StepTimes, after_staffed, instants, steps_taken
from kapclinic.handoffs.fields import COORDINATION, EMERGENCY, FIELDS, TO_PRESCRIBER, TO_THERAPIST, cleaned
from kapclinic.scheduling.hours import WeeklyHours
from kapclinic.scheduling.spans import Span

ZONE = "America/Denver"
DENVER = ZoneInfo(ZONE)


def at(text: str) -> datetime:
    """A wall-clock time in Denver."""
    return datetime.fromisoformat(text).replace(tzinfo=DENVER)


def week(*days: int, starts: int = 8, ends: int = 17) -> tuple[WeeklyHours, ...]:
    return tuple(WeeklyHours(day, starts * 60, ends * 60, ZONE) for day in days)


OFFICE = WorkingDays(ZONE, weekly=(*week(1, 2, 3, 4), *week(5, ends=15), *week(1, starts=10, ends=18)))
CLOSED_MONDAY = WorkingDays(ZONE, weekly=OFFICE.weekly, holidays=frozenset({date(2026, 3, 9)}))
NOBODY = WorkingDays(ZONE, fallback_ends_minute=16 * 60)


@pytest.mark.parametrize(
    ("days", "dose", "before", "expected"),
    [
        # Tuesday's dose: Monday, when the last of two people leaves.
        (OFFICE, "2026-03-10T09:00", 1, "2026-03-09T18:00"),
        # Monday's dose: over the weekend to Friday.
        (OFFICE, "2026-03-09T09:00", 1, "2026-03-06T15:00"),
        (OFFICE, "2026-03-08T09:00", 1, "2026-03-06T15:00"),
        # Monday is a holiday: Tuesday's dose is due on Friday too.
        (CLOSED_MONDAY, "2026-03-10T09:00", 1, "2026-03-06T15:00"),
        (OFFICE, "2026-03-10T09:00", 2, "2026-03-06T15:00"),
        (OFFICE, "2026-03-10T09:00", 0, "2026-03-10T09:00"),
        # The clocks go forward in the night to Sunday 8 March and back on 1 November: 15:00 stays 15:00 on the wall.
        (OFFICE, "2026-11-02T09:00", 1, "2026-10-30T15:00"),
        # One minute after and before midnight belong to different days.
        (OFFICE, "2026-03-10T23:59", 1, "2026-03-09T18:00"),
        (OFFICE, "2026-03-11T00:00", 1, "2026-03-10T17:00"),
        # No hours on file: Monday to Friday, until the hour of the setting.
        (NOBODY, "2026-03-09T09:00", 1, "2026-03-06T16:00"),
        (NOBODY, "2026-03-10T09:00", 1, "2026-03-09T16:00"),
    ],
)
def test_handoff_before_a_dose_is_due_at_the_end_of_the_working_day_before(
    days: WorkingDays, dose: str, before: int, expected: str
) -> None:
    rule = DueRule(before_working_days=before)
    assert due.before_dose(at(dose).astimezone(UTC), rule, days) == at(expected)


def test_dose_itself_is_the_limit_when_nobody_works_for_a_month() -> None:
    closed = WorkingDays(ZONE, holidays=frozenset(date(2026, 2, 1) + timedelta(days=n) for n in range(60)))
    assert due.before_dose(at("2026-03-10T09:00"), DueRule(), closed) == at("2026-03-10T09:00")


@pytest.mark.parametrize(
    ("t0", "after", "expected"),
    [
        ("2026-03-10T16:00", 0, "2026-03-11T00:00"),
        ("2026-03-10T23:59", 0, "2026-03-11T00:00"),
        ("2026-03-11T00:00", 0, "2026-03-12T00:00"),
        ("2026-03-10T16:00", 1, "2026-03-12T00:00"),
        # Both changes of clocks: the day is 23 and 25 hours long, its end is midnight.
        ("2026-03-08T01:30", 0, "2026-03-09T00:00"),
        ("2026-11-01T00:30", 0, "2026-11-02T00:00"),
    ],
)
def test_handoff_after_a_dose_is_due_at_the_end_of_its_day(t0: str, after: int, expected: str) -> None:
    assert due.after_dose(at(t0).astimezone(UTC), DueRule(after_days=after), OFFICE) == at(expected)


def test_days_of_the_clock_change_are_as_long_as_they_are() -> None:
    short = due.after_dose(at("2026-03-08T00:00"), DueRule(), OFFICE) - at("2026-03-08T00:00").astimezone(UTC)
    long = due.after_dose(at("2026-11-01T00:00"), DueRule(), OFFICE) - at("2026-11-01T00:00").astimezone(UTC)
    assert (short, long) == (timedelta(hours=23), timedelta(hours=25))


def test_handoff_is_read_before_the_session_when_one_is_booked() -> None:
    booked, opens, by = at("2026-03-12T10:00"), at("2026-03-11T16:00"), at("2026-03-11T00:00")
    assert due.read_after_dose(booked_from=booked, window_opens=opens, written_by=by) == booked
    assert due.read_after_dose(booked_from=None, window_opens=opens, written_by=by) == opens
    assert due.read_after_dose(booked_from=None, window_opens=None, written_by=by) == by + timedelta(hours=24)


def test_protocol_states_its_own_days_when_it_does() -> None:
    rule = DueRule(before_working_days=1, after_days=0, emergency_hours=4)
    assert rule.with_protocol({}) == rule
    assert rule.with_protocol({"after_days": 2}) == DueRule(1, 2, 4)
    assert rule.with_protocol({"before_working_days": 0}) == DueRule(0, 0, 4)


TIMES = StepTimes(timedelta(hours=2), timedelta(hours=6), timedelta(hours=1))
DAY_1 = Span(at("2026-03-09T08:00"), at("2026-03-09T17:00"))
DAY_2 = Span(at("2026-03-10T08:00"), at("2026-03-10T17:00"))
STAFFED: Mapping[Step, tuple[Span, ...]] = {Step.COORDINATOR: (DAY_1, DAY_2), Step.MANAGER: (DAY_1, DAY_2)}


@pytest.mark.parametrize(
    ("due_at", "too_late", "coordinator", "manager"),
    [
        # In the morning: two and six staffed hours later.
        ("2026-03-09T09:00", None, "2026-03-09T11:00", "2026-03-09T15:00"),
        # At closing time staffed hours go on in the morning.
        ("2026-03-09T16:00", None, "2026-03-10T09:00", "2026-03-10T13:00"),
        # A dose at ten next day: an hour of staffed time is left.
        ("2026-03-09T17:00", "2026-03-10T10:00", "2026-03-10T09:00", "2026-03-10T09:00"),
        # A dose at opening: the last staffed hour was before the due time, so at the due time.
        ("2026-03-09T17:00", "2026-03-10T08:00", "2026-03-09T17:00", "2026-03-09T17:00"),
        # Too late already when it became due: nothing is brought forward.
        ("2026-03-09T09:00", "2026-03-09T08:00", "2026-03-09T11:00", "2026-03-09T15:00"),
    ],
)
def test_alarms_follow_staffed_hours_and_what_they_still_serve(
    due_at: str, too_late: str | None, coordinator: str, manager: str
) -> None:
    late = None if too_late is None else at(too_late)
    found = instants(at(due_at), late, STAFFED, TIMES)
    assert found[Step.REMINDER] == at(due_at)
    assert (found[Step.COORDINATOR], found[Step.MANAGER]) == (at(coordinator), at(manager))


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [
        (-7201, ()),
        (-7200, (Step.REMINDER,)),
        (-1, (Step.REMINDER,)),
        (0, (Step.REMINDER, Step.COORDINATOR)),
        (1, (Step.REMINDER, Step.COORDINATOR)),
        (4 * 3600, (Step.REMINDER, Step.COORDINATOR, Step.MANAGER)),
    ],
)
def test_step_is_taken_from_its_second_on(seconds: int, steps: tuple[Step, ...]) -> None:
    now = at("2026-03-09T11:00") + timedelta(seconds=seconds)
    assert steps_taken(at("2026-03-09T09:00"), None, STAFFED, TIMES, now) == steps


def test_elapsed_time_counts_when_nobody_works() -> None:
    assert after_staffed((), DAY_1.starts_at, timedelta(hours=2)) == DAY_1.starts_at + timedelta(hours=2)
    assert after_staffed((DAY_1,), DAY_1.ends_at, timedelta(hours=1)) == DAY_1.ends_at + timedelta(hours=1)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("34 mg given.", "30 mg given.", [(OUT, "34"), (IN, "30"), (KEPT, " mg given.")]),
        ("", "New.", [(IN, "New.")]),
        ("Gone.", "", [(OUT, "Gone.")]),
        ("Same.", "Same.", [(KEPT, "Same.")]),
        ("a  b", "a\nb", [(KEPT, "a"), (OUT, "  "), (IN, "\n"), (KEPT, "b")]),
    ],
)
def test_change_is_told_word_by_word(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert [(piece.what, piece.text) for piece in pieces(before, after)] == expected


def test_nothing_is_lost_when_a_long_text_changed() -> None:
    before, after = "one two " * 3000, "one three " * 3000
    found = pieces(before, after)
    assert "".join(piece.text for piece in found if piece.what != IN) == before
    assert "".join(piece.text for piece in found if piece.what != OUT) == after


def test_only_changed_fields_are_named_and_words_of_a_list_in_words() -> None:
    before = {"themes": "Grief.", "readiness_view": "ready", "stressors": "Work."}
    after = {"themes": "Grief.", "readiness_view": "not-ready", "stressors": "Work and home."}
    found = field_changes(TO_PRESCRIBER, before, after)
    assert [change.key for change in found] == ["stressors", "readiness_view"]
    assert [(piece.what, piece.text) for piece in found[1].pieces] == [(OUT, "Ready"), (IN, "Not ready")]


NOW = at("2026-03-10T12:00")
MONTH = timedelta(days=30)


def claim(topic: str, part: str, value: str, days_ago: float = 1) -> Claim:
    return Claim(topic, part, value, NOW - timedelta(days=days_ago), "Someone", "handoff")


@pytest.mark.parametrize("topic", list(TOPICS))
def test_two_different_words_diverge_and_equal_ones_do_not(topic: str) -> None:
    values = [value for value, _words in TOPICS[topic].choices]
    for mine in values:
        for theirs in values:
            claims = [claim(topic, "therapist", mine), claim(topic, "prescriber", theirs)]
            found = [(each.topic, each.therapist.value, each.prescriber.value)
                     for each in divergences(claims, now=NOW, most_age=MONTH)]  # fmt: skip
            assert found == ([] if mine == theirs else [(topic, mine, theirs)])


@pytest.mark.parametrize(
    ("claims", "differs"),
    [
        # Only one has said anything.
        ([claim("risk", "therapist", "acute")], False),
        ([claim("risk", "therapist", "acute"), claim("risk", "prescriber", "")], False),
        # Two words of the same discipline are its own matter.
        ([claim("risk", "therapist", "acute"), claim("risk", "therapist", "none-known")], False),
        # Different questions.
        ([claim("risk", "therapist", "acute"), claim("goals", "prescriber", "changed")], False),
        # The newer word of a discipline counts, whatever the order.
        ([claim("risk", "therapist", "acute", 2), claim("risk", "therapist", "watched", 1),
          claim("risk", "prescriber", "watched", 3)], False),
        ([claim("risk", "therapist", "watched", 1), claim("risk", "therapist", "acute", 2),
          claim("risk", "prescriber", "acute", 3)], True),
        # An empty word does not take back an earlier one.
        ([claim("risk", "therapist", "acute", 2), claim("risk", "therapist", "", 1),
          claim("risk", "prescriber", "watched", 3)], True),
    ],
)  # fmt: skip
def test_last_word_of_each_discipline_is_compared(claims: list[Claim], differs: bool) -> None:
    assert bool(divergences(claims, now=NOW, most_age=MONTH)) is differs


@pytest.mark.parametrize(("seconds", "counts"), [(-1, False), (0, True), (1, True)])
def test_word_counts_up_to_its_age(seconds: int, counts: bool) -> None:
    old = Claim("risk", "therapist", "acute", NOW - MONTH + timedelta(seconds=seconds), "Someone", "handoff")
    found = divergences([old, claim("risk", "prescriber", "watched")], now=NOW, most_age=MONTH)
    assert bool(found) is counts


def test_last_word_is_named() -> None:
    claims = [claim("risk", "therapist", "acute", 3), claim("risk", "prescriber", "watched", 1)]
    (found,) = divergences(claims, now=NOW, most_age=MONTH)
    assert (found.newer, found.title) == (claims[1], "Risk of self-harm")
    assert [each.words for each in found.sides] == ["Acute", "Present, watched"]


def test_every_kind_asks_what_the_guide_names() -> None:
    required = {kind: {field.key for field in FIELDS[kind] if field.is_required} for kind in FIELDS}
    assert required[COORDINATION] == {
        "presentation",
        "goals",
        "roles",
        "communication",
        "escalation",
        "consent",
    }
    assert required[TO_PRESCRIBER] == {"themes", "mental_status", "readiness", "stressors", "adherence"}
    assert required[TO_THERAPIST] == {"dose", "response", "adverse_events", "mental_status", "focus"}
    assert required[EMERGENCY] == {"happened", "acted", "after_hours", "hospital"}


def test_word_that_no_list_has_is_left_out() -> None:
    assert cleaned(TO_PRESCRIBER, {"readiness_view": "sure"})["readiness_view"] == ""
    assert cleaned(TO_PRESCRIBER, {"readiness_view": "ready"})["readiness_view"] == "ready"
