"""A whole course: asked for, shown before anything is booked, changed, booked in one go, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Episode
from integration.course_forms import ChangesForm, CourseForm
from integration.coursing import Talk
from integration.models import CourseProposal, CourseState
from integration.services import coursing
from integration.services.coursing.asking import CourseAsk, default_people
from integration.services.coursing.proposing import line_key
from integration.services.coursing.words import TALK_WORDS
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.models import MeetingPlace

course_for = row_for(
    CourseProposal, "episode__patient", "episode__protocol_version__protocol", "decided_by", "undone_by"
)
_SHOWN = 10
_WEEK = 7


@dataclass(frozen=True)
class Line:
    """One session on the page."""

    key: str
    what: str
    starts_at: datetime
    ends_at: datetime
    person: str
    where: str
    is_ticked: bool
    prepares: int | None
    appointment: str | None


@dataclass(frozen=True)
class DoseLine:
    """One dose on the page, with what belongs to it. `choices`: beginnings in order, each as sent, and whether chosen."""

    number: int
    is_ticked: bool
    starts_at: datetime | None
    ends_at: datetime | None
    room: str
    appointment: str | None
    choices: list[tuple[str, datetime, bool]]
    reasons: list[str]
    before: list[Line]
    after: list[Line]
    missing: list[dict[str, Any]]


@dataclass(frozen=True)
class Day:
    """One day of the strip: `items` are start, words and whether it is a dose."""

    day: date
    items: list[tuple[datetime, str, bool]]


@page("integration.plan", fetch=episode_for)
def ask(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Ask for a course; it is worked out and shown, nothing is booked."""
    now, spec = timezone.now(), episode.protocol
    people = default_people(episode, now=now)
    form = CourseForm(
        request.POST or None,
        episode=episode,
        today=timezone.localdate(now),
        initial={
            "doses": coursing.doses_to_come(episode, now=now) or spec.induction.planned_doses,
            "first": coursing.first_days(episode, now=now),
            "at_doses": spec.therapist_present,
            **people,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            proposal = coursing.propose_course(
                episode=episode,
                ask=form.ask(),
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
                now=now,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            return redirect("integration:course-detail", pk=proposal.pk)
    return render(
        request,
        "integration/course_ask.html",
        {
            "episode": episode,
            "form": form,
            "may_ask": coursing.may_ask(episode),
            "spec": spec,
            "earlier": episode.course_proposals.select_related("decided_by")[:_SHOWN],
        },
        status=422 if request.method == "POST" else 200,
    )


@page("integration.plan", fetch=course_for, methods=("GET", "HEAD"))
def detail(request: ActorRequest, course: CourseProposal) -> HttpResponse:
    """The course as it could be booked, or what became of it."""
    return _detail(request, course)


def _detail(
    request: ActorRequest,
    course: CourseProposal,
    *,
    form: ChangesForm | None = None,
    refused: Refused | None = None,
) -> HttpResponse:
    doses = _dose_lines(course, form)
    asked = CourseAsk.from_data(course.asked)
    return render(
        request,
        "integration/course.html",
        {
            "episode": course.episode,
            "course": course,
            "doses": doses,
            "weeks": _weeks(course, request.actor.zone),
            "asked": asked,
            "at_doses": _at_doses(asked),
            "with_time": sum(dose.starts_at is not None for dose in doses),
            "sessions": len(course.sessions),
            "lacking": sum(bool(dose.reasons) for dose in doses) + len(course.missing),
            "can_undo": course.state == CourseState.BOOKED,
            "reasons": [] if refused is None else refused.reasons,
        },
        status=200 if refused is None else 422,
    )


def _changes(request: ActorRequest, course: CourseProposal) -> ChangesForm:
    return ChangesForm(request.POST, doses=course.doses, lines=[line_key(line) for line in course.sessions])


_CHANGED = Refused(
    Reason("changed", "This course was worked out again since this page was opened. Here is what it is now.")
)


@page("integration.plan", fetch=course_for, methods=("POST",))
def adjust(request: ActorRequest, course: CourseProposal) -> HttpResponse:
    """Work it out again with what was ticked and chosen; still nothing is booked."""
    form = _changes(request, course)
    if not form.is_valid():
        return _detail(request, course, refused=_CHANGED)
    return _adjusted(request, course, form, "Worked out with your changes. Nothing is booked yet.")


def _adjusted(request: ActorRequest, course: CourseProposal, form: ChangesForm, done: str) -> HttpResponse:
    ticked = form.ticked()
    shown = {dose["number"]: dose["starts_at"] for dose in course.doses}
    try:
        coursing.adjust_course(
            proposal=course,
            version=form.cleaned_data["version"],
            starts={
                number: datetime.fromisoformat(start)
                for number, start in form.starts().items()
                if number in ticked
            },
            without=set(shown) - ticked,
            unticked=form.unticked_lines(),
        )
    except Refused as refused:
        course.refresh_from_db()
        return _detail(request, course, refused=refused)
    messages.success(request, done)
    return redirect("integration:course-detail", pk=course.pk)


@page("integration.plan", fetch=course_for, methods=("POST",))
def book(request: ActorRequest, course: CourseProposal) -> HttpResponse:
    """Book all of it in one go; what was changed on the page is worked in and shown first."""
    if course.state == CourseState.BOOKED:
        messages.success(request, "This course is booked already.")
        return redirect("integration:course-detail", pk=course.pk)
    form = _changes(request, course)
    if not form.is_valid():
        return _detail(request, course, refused=_CHANGED)
    if form.cleaned_data["version"] == course.version and _is_changed(course, form):
        return _adjusted(
            request,
            course,
            form,
            "Your changes are worked in. Look once more, then book: nothing is booked yet.",
        )
    try:
        booked = coursing.book_course(
            proposal=course,
            version=form.cleaned_data["version"],
            without=form.unticked_lines(),
            actor=request.actor.user,
            roles=request.actor.roles,
        )
    except Refused as refused:
        before = course.version
        course.refresh_from_db()
        return _detail(request, course, form=form if course.version == before else None, refused=refused)
    for words in booked.changed:
        messages.warning(request, f"A time had just been taken. {words}.")
    messages.success(
        request,
        "The course is booked. Tell the patient the times of the doses; each dose still waits for its order.",
    )
    return redirect("integration:course-detail", pk=course.pk)


def _is_changed(course: CourseProposal, form: ChangesForm) -> bool:
    ticked, starts = form.ticked(), form.starts()
    return any(
        (dose["number"] in ticked) != dose["is_on"]
        or (dose["starts_at"] is not None and starts.get(dose["number"]) != dose["starts_at"])
        for dose in course.doses
    )


@page("integration.plan", fetch=course_for, methods=("POST",))
def drop(request: ActorRequest, course: CourseProposal) -> HttpResponse:
    """Book nothing of it."""
    coursing.drop_course(proposal=course, actor=request.actor.user)
    messages.success(request, "Nothing was booked.")
    return redirect("integration:course-ask", public_id=course.episode.public_id)


@page("integration.plan", fetch=course_for, methods=("POST",))
def undo(request: ActorRequest, course: CourseProposal) -> HttpResponse:
    """Cancel everything that the course booked, while nothing has happened to it."""
    try:
        coursing.undo_course(proposal=course, actor=request.actor.user)
    except Refused as refused:
        return _detail(request, course, refused=refused)
    messages.success(request, "The whole course is taken back.")
    return redirect("integration:course-detail", pk=course.pk)


def _dose_lines(course: CourseProposal, form: ChangesForm | None) -> list[DoseLine]:
    """The doses with their sessions and names: two queries."""
    people = {str(person.pk): str(person) for person in User.objects.filter(pk__in=_of(course, "person"))}
    rooms = {str(room.pk): room.name for room in Room.objects.filter(pk__in=_of(course, "room"))}
    off = {line_key(line) for line in course.sessions if not line["is_on"]}
    unticked = off if form is None else form.unticked_lines()
    found = []
    for dose in course.doses:
        lines = [
            _line(each, people, rooms, unticked) for each in course.sessions if each["dose"] == dose["number"]
        ]
        starts_at = None if dose["starts_at"] is None else datetime.fromisoformat(dose["starts_at"])
        offered = sorted(each for each in (dose["starts_at"], *dose["others"]) if each)
        found.append(
            DoseLine(
                number=dose["number"],
                is_ticked=dose["is_on"],
                starts_at=starts_at,
                ends_at=None if starts_at is None else datetime.fromisoformat(dose["ends_at"]),
                room=rooms.get(dose["room"] or "", ""),
                appointment=dose.get("appointment"),
                choices=[
                    (start, datetime.fromisoformat(start), start == dose["starts_at"]) for start in offered
                ],
                reasons=dose["reasons"],
                before=[line for line in lines if starts_at is not None and line.starts_at < starts_at],
                after=[line for line in lines if starts_at is None or line.starts_at >= starts_at],
                missing=[
                    {"what": TALK_WORDS[Talk(each["talk"])], "reasons": each["reasons"]}
                    for each in course.missing
                    if each["dose"] == dose["number"]
                ],
            )
        )
    return found


def _at_doses(asked: CourseAsk) -> list[str]:
    """The names of those who are there at a dose."""
    keys = [asked.nurse, asked.prescriber, asked.therapist if asked.at_doses else None]
    people = {str(person.pk): str(person) for person in User.objects.filter(pk__in=filter(None, keys))}
    return [people[key] for key in keys if key is not None]


def _of(course: CourseProposal, what: str) -> set[str]:
    return {line[what] for line in (*course.doses, *course.sessions) if line.get(what)}


def _line(line: dict[str, Any], people: dict[str, str], rooms: dict[str, str], unticked: set[str]) -> Line:
    is_telehealth = line["place"] == MeetingPlace.TELEHEALTH
    key = line_key(line)
    return Line(
        key=key,
        what=TALK_WORDS[Talk(line["talk"])],
        starts_at=datetime.fromisoformat(line["starts_at"]),
        ends_at=datetime.fromisoformat(line["ends_at"]),
        person=people.get(line["person"], ""),
        where="telehealth" if is_telehealth else rooms.get(line["room"] or "", "in person"),
        is_ticked=key not in unticked,
        prepares=line["prepares"],
        appointment=line.get("appointment"),
    )


def _weeks(course: CourseProposal, zone: Any) -> list[list[Day]]:
    """The course by weeks and days on the clinic's calendar, from its first to its last session."""
    items = sorted(_items(course))
    if not items:
        return []
    by_day: dict[date, list[tuple[datetime, str, bool]]] = {}
    for item in items:
        by_day.setdefault(item[0].astimezone(zone).date(), []).append(item)
    first, last = min(by_day), max(by_day)
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while monday <= last:
        days = [monday + timedelta(days=number) for number in range(_WEEK)]
        weeks.append([Day(day, by_day.get(day, [])) for day in days])
        monday += timedelta(days=_WEEK)
    return weeks


def _items(course: CourseProposal) -> Iterator[tuple[datetime, str, bool]]:
    for dose in course.doses:
        if dose["starts_at"] is not None:
            yield datetime.fromisoformat(dose["starts_at"]), f"Dose {dose['number']}", True
    for line in course.sessions:
        yield datetime.fromisoformat(line["starts_at"]), TALK_WORDS[Talk(line["talk"])], False
