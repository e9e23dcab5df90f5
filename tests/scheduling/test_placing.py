"""Placing one session: the choice against a brute-force search, and the words when there is none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapclinic.scheduling.hours import Absence, Booking, Holiday, Place, Roster, WeeklyHours
from kapclinic.scheduling.placing import Candidate, Request, RoomCandidate, place
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import length_words, moment_words, span_words

DENVER = "America/Denver"
MONDAY_9 = datetime(2026, 6, 8, 15, tzinfo=UTC)


def after(hours: float) -> datetime:
    return MONDAY_9 + timedelta(hours=hours)


def weekdays(starts: int = 540, ends: int = 1020, place_: Place = Place.EITHER, days=range(1, 6)) -> tuple:
    return tuple(WeeklyHours(day, starts, ends, DENVER, place_) for day in days)


def therapist(name: str = "J. Ruiz", part: str = "therapist", **roster) -> Candidate:
    roster.setdefault("weekly", weekdays())
    return Candidate(key=name, name=name, roster=Roster(**roster), part=part)


def limited(most: int | None, **roster) -> Candidate:
    return replace(therapist(**roster), most_per_day=most)


def request(**changes) -> Request:
    values = {
        "key": "need",
        "window": Span(after(24), after(72)),
        "preferred": Span(after(24), after(48)),
        "duration_minutes": 60,
        "zone": DENVER,
    }
    return Request(**(values | changes))


def booked(first: float, last: float) -> Booking:
    return Booking(Span(after(first), after(last)))


def test_earliest_time_of_the_own_therapist_is_taken():
    choice = place(request(), [therapist(), therapist("M. Sol", "cover")]).choice
    assert choice is not None
    assert (choice.candidate_key, choice.starts_at, choice.ends_at) == ("J. Ruiz", after(24), after(25))
    assert choice.is_preferred
    assert choice.place is Place.IN_PERSON


def test_own_therapist_outside_the_preferred_part_beats_a_cover_inside_it():
    busy = therapist(bookings=(booked(0, 48.5),))
    choice = place(request(), [busy, therapist("M. Sol", "cover")]).choice
    assert choice is not None
    assert choice.candidate_key == "J. Ruiz"
    assert choice.starts_at == after(48.5)
    assert not choice.is_preferred


def test_cover_takes_it_when_the_therapist_is_away():
    away = therapist(absences=(Absence(Span(after(0), after(100))),))
    choice = place(request(), [away, therapist("M. Sol", "cover")]).choice
    assert choice is not None
    assert choice.candidate_key == "M. Sol"


def test_margin_is_kept_where_there_is_room():
    choice = place(request(margin_minutes=120), [therapist()]).choice
    assert choice is not None
    assert choice.starts_at == after(26)
    assert choice.keeps_margin


def test_margin_gives_way_where_there_is_none():
    only = therapist(weekly=(WeeklyHours(2, 540, 600, DENVER),))
    choice = place(request(margin_minutes=120), [only]).choice
    assert choice is not None
    assert choice.starts_at == after(24)
    assert not choice.keeps_margin


def test_time_before_the_next_dose_is_preferred():
    dose = after(50)
    early_busy = therapist(bookings=(booked(20, 48),))
    without = place(request(preferred=None), [early_busy]).choice
    with_dose = place(request(preferred=None, prefer_before=dose), [early_busy]).choice
    assert without == with_dose
    assert with_dose is not None
    assert with_dose.ends_at <= dose


@pytest.mark.parametrize(("shift", "hour"), [(-1, 24), (0, 24), (1, 24.25)])
def test_session_starts_at_the_windows_first_instant_or_later(shift, hour):
    window = Span(after(24) + timedelta(seconds=shift), after(72))
    choice = place(request(window=window), [therapist()]).choice
    assert choice is not None
    assert choice.starts_at == after(hour)


@pytest.mark.parametrize(("shift", "placed"), [(-1, False), (0, True), (1, True)])
def test_session_ends_at_the_windows_last_instant_or_earlier(shift, placed):
    window = Span(after(24), after(25) + timedelta(seconds=shift))
    assert (place(request(window=window), [therapist()]).choice is not None) is placed


def test_no_session_lies_where_the_patient_is_impaired_after_another_dose():
    blocked = (Booking(Span(after(24), after(29)), "recovering from dose 2"),)
    choice = place(request(blocked=blocked), [therapist()]).choice
    assert choice is not None
    assert choice.starts_at == after(29)


def test_room_is_found_for_a_session_in_person():
    rooms = [
        RoomCandidate("a", "Aspen", Roster(weekly=None, bookings=(booked(24, 26),))),
        RoomCandidate("b", "Birch", Roster(weekly=None)),
    ]
    choice = place(request(place=Place.IN_PERSON), [therapist()], rooms=rooms).choice
    assert choice is not None
    assert choice.room_key == "b"
    assert choice.starts_at == after(24)


def test_telehealth_is_used_where_either_will_do_and_every_room_is_taken():
    rooms = [RoomCandidate("a", "Aspen", Roster(weekly=None, bookings=(booked(0, 100),)))]
    choice = place(request(), [therapist()], rooms=rooms).choice
    assert choice is not None
    assert choice.place is Place.TELEHEALTH
    assert choice.room_key is None


def test_buffer_is_kept_to_the_sessions_on_both_sides():
    busy = therapist(bookings=(booked(24, 25), booked(26.25, 32)))
    tight = place(request(), [busy], buffer_minutes=0).choice
    wide = place(request(), [busy], buffer_minutes=10).choice
    assert tight is not None
    assert tight.starts_at == after(25)
    assert wide is not None
    assert wide.starts_at > after(32)


def test_reasons_name_every_person_and_what_is_in_the_way():
    friday_9 = MONDAY_9 + timedelta(days=4)
    window = Span(friday_9 + timedelta(hours=24), friday_9 + timedelta(hours=72))
    saturday = (WeeklyHours(6, 540, 720, DENVER),)
    people = [
        therapist(),
        therapist(
            "M. Sol",
            "cover",
            weekly=saturday,
            bookings=(Booking(Span(window.starts_at, window.starts_at + timedelta(hours=3))),),
        ),
        therapist("A. Kim", "cover", weekly=saturday, absences=(Absence(Span(friday_9, window.ends_at)),)),
        therapist(
            "B. Lee",
            "cover",
            weekly=saturday,
            holidays=(Holiday(date(2026, 6, 13), "Founders' Day", DENVER),),
        ),
        therapist("C. Roy", "cover", weekly=(WeeklyHours(6, 540, 580, DENVER),)),
    ]
    placement = place(request(window=window, preferred=None), people)
    assert placement.choice is None
    assert placement.reasons == (
        "J. Ruiz works no hours in the window.",
        "Cover M. Sol: booked Sat 13 Jun 09:00-12:00; nothing is left free.",
        "Cover A. Kim: away Fri 12 Jun 09:00 to Mon 15 Jun 09:00.",
        "Cover B. Lee: the clinic is closed for Founders' Day.",
        "Cover C. Roy: the longest free stretch is 40 min and the session takes 60.",
    )


def test_reasons_say_when_nobody_is_on_the_team():
    assert "no therapist and no cover" in place(request(), []).reasons[0]


def test_reasons_say_when_the_session_is_longer_than_the_window():
    short = request(window=Span(after(24), after(24.5)), preferred=None)
    assert "longer than its window" in place(short, [therapist()]).reasons[0]


def test_reasons_say_when_the_window_is_nearly_over():
    late = request(not_before=after(71.5))
    assert place(late, [therapist()]).reasons == (
        "The window closes Thu 11 Jun 09:00 MDT: 60 min do not fit any more.",
    )


def test_reasons_say_when_only_the_patient_or_the_rooms_are_in_the_way():
    patient = request(blocked=(Booking(Span(after(20), after(80)), "dose 2"),))
    assert "only where the patient cannot come: dose 2" in place(patient, [therapist()]).reasons[0]
    rooms = [RoomCandidate("a", "Aspen", Roster(weekly=None, bookings=(booked(0, 100),)))]
    in_person = place(request(place=Place.IN_PERSON), [therapist()], rooms=rooms)
    assert in_person.reasons == ("J. Ruiz is free, but every room is taken then (Aspen).",)
    none = place(request(place=Place.IN_PERSON), [therapist()], rooms=[])
    assert none.reasons == ("J. Ruiz is free, but the clinic has no room for it.",)


def test_reasons_say_when_no_hours_are_of_the_wanted_kind():
    far = therapist(weekly=weekdays(place_=Place.TELEHEALTH))
    assert place(request(place=Place.IN_PERSON), [far]).reasons == (
        "J. Ruiz works no hours in person in the window.",
    )


def test_time_that_has_passed_is_not_offered():
    choice = place(request(not_before=after(25.1)), [therapist()]).choice
    assert choice is not None
    assert choice.starts_at == after(25.25)


quarters = st.integers(0, 4 * 72)
bookings_lists = st.lists(
    st.tuples(quarters, st.integers(1, 12)).map(lambda pair: booked(pair[0] / 4, (pair[0] + pair[1]) / 4)),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(
    own=bookings_lists,
    cover=bookings_lists,
    blocked=bookings_lists,
    duration=st.sampled_from([30, 50, 60, 90, 120]),
    buffer=st.sampled_from([0, 10, 15]),
    margin=st.sampled_from([0, 120]),
    shift=st.integers(0, 3600),
)
def test_choice_agrees_with_a_search_of_every_quarter_hour(
    own, cover, blocked, duration, buffer, margin, shift
):
    window = Span(after(24) + timedelta(seconds=shift), after(72) + timedelta(seconds=shift))
    preferred = Span(window.starts_at, after(48) + timedelta(seconds=shift))
    asked = request(
        window=window,
        preferred=preferred,
        duration_minutes=duration,
        margin_minutes=margin,
        blocked=tuple(blocked),
    )
    people = [therapist(bookings=tuple(own)), therapist("M. Sol", "cover", bookings=tuple(cover))]
    found = place(asked, people, buffer_minutes=buffer).choice

    length, pad, keep = timedelta(minutes=duration), timedelta(minutes=buffer), timedelta(minutes=margin)
    best = None
    for rank, busy in enumerate((own, cover)):
        for quarter in range(4 * 80):
            start = MONDAY_9 + timedelta(minutes=15 * quarter)
            end = start + length
            if not (window.starts_at <= start and end <= window.ends_at):
                continue
            local = start - timedelta(hours=6)
            works = (
                local.isoweekday() <= 5
                and local.hour >= 9
                and (end - timedelta(hours=6)) <= local.replace(hour=17, minute=0)
            )
            clash = any(b.span.starts_at - pad < end and start < b.span.ends_at + pad for b in busy)
            patient = any(b.span.starts_at < end and start < b.span.ends_at for b in blocked)
            if works and not clash and not patient:
                margin_kept = start >= window.starts_at + keep and end <= window.ends_at - keep
                key = (rank, not margin_kept, not preferred.starts_at <= start <= preferred.ends_at, start)
                best = key if best is None else min(best, key)
    if best is None:
        assert found is None
    else:
        assert found is not None
        assert (found.candidate_key, found.starts_at) == (people[best[0]].key, best[3])


def test_moments_are_worded_with_their_zone():
    assert moment_words(after(0), DENVER) == "Mon 8 Jun 09:00 MDT"
    fold = Span(datetime(2026, 11, 1, 7, 30, tzinfo=UTC), datetime(2026, 11, 1, 8, 30, tzinfo=UTC))
    assert span_words(fold, DENVER) == "Sun 1 Nov 01:30 MDT-01:30 MST"
    assert [length_words(minutes) for minutes in (45, 60, 1590)] == ["45 min", "1 h", "26 h 30 min"]


# Two sessions on Tuesday, one on Wednesday.
_THREE = (booked(24, 25), booked(26, 27), booked(48, 49))


@pytest.mark.parametrize(
    ("most", "starts_at"),
    [(None, after(25)), (3, after(25)), (2, after(49)), (1, None)],
)
def test_day_with_as_many_sessions_as_it_may_hold_gets_no_more(most, starts_at):
    choice = place(request(preferred=None), [limited(most, bookings=_THREE)]).choice
    assert (None if choice is None else choice.starts_at) == starts_at


def test_sessions_of_a_day_are_counted_by_its_date_in_the_clinics_zone():
    # Tuesday 23:30 in Denver is Wednesday in UTC.
    late = Booking(Span(datetime(2026, 6, 10, 5, 30, tzinfo=UTC), datetime(2026, 6, 10, 6, 30, tzinfo=UTC)))
    choice = place(request(preferred=None), [limited(1, bookings=(late,))]).choice
    assert choice is not None
    assert choice.starts_at == after(48)


def test_full_days_are_named_when_nothing_else_is_in_the_way():
    full = limited(1, bookings=(booked(24, 25), booked(48, 49)), weekly=weekdays(days=(2, 3)))
    assert place(request(), [full]).reasons == (
        "J. Ruiz: as many sessions as a day may hold (1) on Tue 9 Jun, Wed 10 Jun.",
    )
