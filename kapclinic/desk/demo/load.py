"""Loading the demo clinic: every step goes through the services, with the clock set back to when it happened."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from episodes import services as spine
from episodes.models import Patient
from episodes.stages import CloseReason, Stage
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic, Room, RoomKind
from kapclinic.desk.demo import loop
from kapclinic.desk.demo.cast import (
    CAST,
    INDUCTION_DOSES,
    Role,
    details_of,
    dose_starts,
    external_id,
    script_of,
    working_time,
)
from kapclinic.desk.demo.doses import Dose
from kapclinic.desk.demo.journey import PRESCRIBER, Journey
from kapclinic.desk.demo.staff import make_rooms, make_staff
from kapclinic.scheduling.services.roster import add_time_off
from sessions.services import put_on_duty

NAME = "Demo Clinic (made-up people)"
_PAST = timedelta(days=200)
Say = Callable[[str], None]


def load_demo(*, say: Say, cast: Sequence[Role] = CAST, now: datetime | None = None) -> int:
    """Load what is missing of the demo clinic; returns how many patients of `cast` were added. Whole patients only."""
    now = now or timezone.now()
    clinic, people = _house(now)
    added = 0
    for number, role in enumerate(cast):
        if Patient.objects.filter(clinic=clinic, external_id=external_id(number)).exists():
            continue
        with transaction.atomic():
            _live(clinic, people, number, role, now)
        added += 1
        say(f"{added} of {len(cast)} made-up patients")
    with transaction.atomic():
        _today(clinic, people, now)
    return added


def _house(now: datetime) -> tuple[Clinic, dict[str, User]]:
    with transaction.atomic():
        clinic, _ = Clinic.objects.get_or_create(
            name=NAME,
            defaults={
                "is_demo": True, "address": "1 Made-up Street, Denver, CO 80200", "phone": "+1 303 555 0100",
                "after_hours_phone": "+1 303 555 0199", "time_zone": "America/Denver", "created_at": now - _PAST,
            },
        )  # fmt: skip
        spine.install_protocols(clinic=clinic, now=now - _PAST)
        make_rooms(clinic)
        people = make_staff(clinic, since=now - _PAST, today=now.astimezone(clinic.zone).date())
        # The therapist whose patient cannot be placed is away around now.
        add_time_off(
            clinic=clinic, person=people["therapist2"], starts_at=now - timedelta(hours=40),
            ends_at=now + timedelta(hours=30), actor=people["therapist2"], now=now - timedelta(days=3),
        )  # fmt: skip
    return clinic, people


def _live(clinic: Clinic, people: dict[str, User], number: int, role: Role, now: datetime) -> None:
    """Take one patient as far as the part says."""
    starts = dose_starts(clinic, role, number, now)
    journey = Journey(
        clinic=clinic,
        people=people,
        script=script_of(number, role),
        prescriber=people[role.prescriber],
        therapist=people[role.lead],
        nurse=people["nurse2" if number % 3 == 2 else "nurse"],
        cover=people[role.lead if role.twist == "unplaced" else "weekend"],
    )
    first = starts[0] if starts else now - timedelta(hours=5 + number % 7)
    begin = first - timedelta(days=17) if starts or role.stage == "preparation" else first - timedelta(days=6)
    journey.refer(begin, details_of(number))
    if role.stage == "referred":
        return
    journey.assign_team(begin + timedelta(hours=1))
    screened = begin + timedelta(days=2)
    journey.move(Stage.SCREENING, screened)
    if role.stage == "screening":
        _screening(journey, role, screened)
    elif role.twist in ("declined", "ineligible"):
        journey.screen(screened)
        _close(journey, role.twist, screened + timedelta(days=2))
    else:
        _treat(journey, role, starts, number, first, now)


def _screening(journey: Journey, role: Role, at: datetime) -> None:
    if role.twist == "half":
        journey.screen(at, history=False)
        return
    if role.twist == "scores only":
        journey.measure(at, journey.script.scores[0], phase="screening")
        return
    journey.screen(at, item_nine=2 if role.twist == "risk" else 0)


def _treat(
    journey: Journey, role: Role, starts: list[datetime], number: int, first: datetime, now: datetime
) -> None:
    """Decision, consents, preparation, the doses, and what came after them."""
    # The measurement before the first dose is the baseline, at most two weeks old.
    screened = first - timedelta(days=9)
    journey.screen(screened)
    journey.assess_risk(screened + timedelta(minutes=30))
    journey.decide(screened + timedelta(hours=2))
    journey.consent(screened + timedelta(hours=3))
    journey.move(Stage.PREPARATION, screened + timedelta(hours=4))
    if role.stage != "closed":
        loop.agree(journey, screened + timedelta(hours=5), by_both=role.twist != "prepared")
    if role.stage == "preparation":
        _prepared(journey, role, now)
        return
    if journey.patient.sex_at_birth != "male":
        journey.test_pregnancy(first - timedelta(days=3))
        journey.decide(first - timedelta(days=3) + timedelta(minutes=20))
    journey.prepare(first - timedelta(hours=50))
    journey.move(Stage.TREATMENT, first - timedelta(hours=40))
    rooms = list(Room.objects.filter(clinic=journey.clinic, kind=RoomKind.DOSING).order_by("name"))
    doses = [
        Dose(journey, index, start, rooms[number % len(rooms)]) for index, start in enumerate(starts, start=1)
    ]
    for dose in doses:
        _give(dose, doses, role, now)
    if role.stage == "closed":
        _follow_up_and_close(journey, role, starts[-1], now)
    elif role.twist in ("later today", "tomorrow"):
        _book_next(journey, doses, role, rooms[number % len(rooms)], now)


def _give(dose: Dose, doses: list[Dose], role: Role, now: datetime) -> None:
    journey = dose.journey
    if role.stage in ("maintenance", "closed") and dose.number == INDUCTION_DOSES + 1:
        journey.move(Stage.MAINTENANCE, dose.at(-60 * 24))
    if journey.decided_until is None or journey.decided_until < journey.day(dose.start):
        journey.decide(dose.at(-120))
    dose.plan(dose.start)
    is_last = dose.number == len(doses)
    if dose.number > 1:
        loop.hand_over_before(dose)
    dose.arrive()
    dose.begin()
    if is_last and role.twist == "under way":
        _so_far(dose, now)
        return
    dose.finish()
    if not (is_last and role.twist == "not told"):
        loop.hand_over_after(dose)
    if is_last and role.twist == "told" and role.protocol == "preparation-integration":
        loop.correct_after(dose)
    journey.work(min(dose.at(60 * 4), now))
    if not is_last or role.twist != "not told":
        dose.tell(min(dose.at(60 * 5), now))
    if is_last and role.twist == "missed":
        journey.work(now)
        return
    dose.integrate(now)
    journey.work(min(dose.at(60 * 170), now))
    dose.explain_misses(now)


def _so_far(dose: Dose, now: datetime) -> None:
    """Readings up to now of a dose that runs."""
    for minute, rise in ((15, 14),):
        if dose.at(10 + minute) <= now:
            dose.measure_vitals(10 + minute, rise=rise, sedation=4)


def _prepared(journey: Journey, role: Role, now: datetime) -> None:
    if role.twist in ("prepared", "first dose booked"):
        journey.prepare(now - timedelta(hours=26))
    elif role.twist == "draft":
        journey.draft_preparation(now - timedelta(hours=3))
    if role.twist == "first dose booked":
        journey.move(Stage.TREATMENT, now - timedelta(hours=20))
        room = Room.objects.filter(clinic=journey.clinic, kind=RoomKind.DOSING).order_by("name")[1]
        day = now.astimezone(journey.clinic.zone).date() + timedelta(days=1)
        while day.isoweekday() > 5:
            day += timedelta(days=1)
        Dose(journey, 1, working_time(journey.clinic, day, 13), room).plan(now - timedelta(hours=19))


def _book_next(journey: Journey, doses: list[Dose], role: Role, room: Room, now: datetime) -> None:
    start = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    if role.twist == "tomorrow":
        day = now.astimezone(journey.clinic.zone).date() + timedelta(days=1)
        start = datetime.combine(day, start.timetz().replace(hour=10), tzinfo=journey.clinic.zone)
    coming = Dose(journey, len(doses) + 1, start, room)
    coming.plan(now - timedelta(hours=30))
    if role.twist == "later today":
        loop.hand_over_before(coming, is_read=False, **loop.CONCERNS)
    elif role.prescriber == "prescriber":
        loop.talk(journey, now)


def _follow_up_and_close(journey: Journey, role: Role, last: datetime, now: datetime) -> None:
    scores = journey.script.scores
    for days in (28, 56):
        at = last + timedelta(days=days)
        if role.twist == "completed" and at < now:
            journey.measure(at, scores[-1] + (2 if days == 56 else 0), phase="after-course")
    _close(journey, role.twist, min(last + timedelta(days=58), now - timedelta(days=1)))


def _close(journey: Journey, twist: str, at: datetime) -> None:
    reason = {
        "completed": CloseReason.COMPLETED,
        "lost": CloseReason.LOST,
        "declined": CloseReason.DECLINED,
    }.get(twist, CloseReason.INELIGIBLE)
    was_treated = twist in ("completed", "lost")
    spine.close_episode(
        episode=journey.episode, reason=reason, actor=journey.prescriber, roles=PRESCRIBER, now=at,
        insights="Asking for help is allowed. The morning belongs to the body." if was_treated else "",
        next_steps="Therapy every other week; ring the clinic when sleep fails for a week." if was_treated else "",
    )  # fmt: skip


def _today(clinic: Clinic, people: dict[str, User], now: datetime) -> None:
    """Who is on duty today and tomorrow."""
    today = now.astimezone(clinic.zone).date()
    for day in (today, today + timedelta(days=1)):
        for key, role in (("nurse", "nurse"), ("prescriber", "prescriber")):
            put_on_duty(
                clinic=clinic, person=people[key], role=role, on=day, actor=people["coordinator"], now=now
            )
