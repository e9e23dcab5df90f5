"""The record of a dosing session, the list of an episode's doses, planning and completing."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import Episode
from episodes.readers import eyes_of
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import Given, Limit, VitalsPoint, vitals_chart
from kapclinic.scheduling.models import AppointmentKind, Part
from kapclinic.scheduling.views.undoing import say_done
from sessions import selectors
from sessions.clinical_settings import DosingSettings, settings_in_force
from sessions.dose import ROUTE_SHORT, plain
from sessions.forms.record import LogForm, VitalsForm
from sessions.forms.session import CallOffForm, PlanForm, SettingForm
from sessions.jobs import readiness_gaps
from sessions.models import ChallengeKind, DosingSession, SessionState
from sessions.services import call_off_session, complete_session, describe_setting, plan_session
from sessions.services.findings import day_evaluation
from sessions.views.common import entry_page, fetch_session, to_session
from sessions.vitals import SIGN_LABELS, Sign, next_due
from sessions.wording import (
    CHALLENGE_FOLLOW_UP,
    CHALLENGE_SIGNS,
    CHALLENGE_STEPS,
    ENVIRONMENT,
    HOME_ENVIRONMENT,
    words_of,
)

_RIGHTS = {
    "order": "dose.order",
    "plan": "dose.plan",
    "check_in": "dose.check-in",
    "give": "dose.give",
    "vitals": "dose.vitals",
    "log": "dose.log",
    "event": "dose.adverse-event",
    "discharge": "dose.discharge",
    "override": "dose.override",
    "strike": "entry.strike",
    "screening": "screening.enter",
    "instructions": "document.instructions",
}


@page("dose.view", fetch=episode_for, methods=("GET", "HEAD"))
def session_list(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Doses that were given, and sessions to come."""
    doses = selectors.doses_of_episode(episode)
    given = {dose.session.pk for dose in doses}
    others = (
        DosingSession.objects.filter(episode=episode)
        .exclude(pk__in=given)
        .select_related("room")
        .order_by("-planned_at")
    )
    return render(
        request,
        "dosing/session_list.html",
        {
            "episode": episode,
            "doses": list(reversed(doses)),
            "withheld": eyes_of(request.actor, episode, now=timezone.now()).withheld(ConsentCategory.DOSE),
            "others": others,
            "may_plan": policy.can(request.actor, "dose.plan", episode),
        },
    )


@page("dose.plan", fetch=episode_for)
def session_plan(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Book a dose; a time that has passed is recorded without booking."""
    spec = episode.protocol
    is_first = not selectors.has_had_a_dose(episode)
    minutes = spec.first_dose_minutes if is_first else spec.later_dose_minutes
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    team = {
        member.part: member.user
        for member in episode.team.in_force(timezone.now()).filter(user__isnull=False)
    }
    form = PlanForm(
        request.POST or None,
        episode=episode,
        initial={
            "planned_at": start,
            "planned_until": start + timedelta(minutes=minutes),
            "therapist": team.get("therapist"),
            "nurse": team.get("nurse"),
            "prescriber": team.get("prescriber"),
        },
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        shared = [
            (data[name], part)
            for name, part in (("nurse", Part.NURSE), ("prescriber", Part.PRESCRIBER))
            if data[name] is not None
        ]
        try:
            session = plan_session(
                episode=episode,
                planned_at=data["planned_at"],
                planned_until=data["planned_until"],
                place=data["place"],
                place_note=data["place_note"],
                room=data["room"],
                people=[] if data["therapist"] is None else [(data["therapist"], Part.THERAPIST)],
                shared_people=shared,
                reason=data["reason"],
                request_key=data["request_key"],
                actor=request.actor.user,
                roles=request.actor.roles,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            if session.appointment is None:
                messages.success(request, "Dosing session recorded.")
            else:
                say_done(request, "Dosing session planned.", session.appointment)
            if policy.can(request.actor, "dose.view", session):
                return to_session(session)
            return redirect("episodes:episode-detail", public_id=episode.public_id)
    return render(
        request,
        "dosing/session_plan.html",
        {"episode": episode, "form": form, "minutes": minutes, "is_first": is_first},
        status=422 if request.method == "POST" else 200,
    )


def _appointment(actor: Actor, pk: Any) -> DosingSession:
    found = DosingSession.objects.filter(
        clinic=actor.clinic, appointment_id=pk, appointment__kind=AppointmentKind.DOSING
    ).first()
    if found is None:
        raise Http404
    return found


@page("dose.view", fetch=_appointment, methods=("GET", "HEAD"))
def session_of_appointment(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """From the calendar to the record."""
    return to_session(session)


@page("dose.view", fetch=fetch_session, methods=("GET", "HEAD"))
def session_detail(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """One page from check-in to the way home."""
    return render(request, "dosing/session.html", detail_context(request.actor, session, now=timezone.now()))


def detail_context(actor: Actor, session: DosingSession, *, now: datetime) -> dict[str, Any]:
    """Everything that the record's page shows."""
    settings = settings_in_force(session.clinic)
    anchors = session.anchors()
    eyes = eyes_of(actor, session.episode, now=now)
    withheld = {
        category: eyes.withheld(category)
        for category in (ConsentCategory.DOSE, ConsentCategory.ADVERSE_EVENTS, ConsentCategory.MEDICATION)
    }
    sees_dose = not withheld[ConsentCategory.DOSE]
    order = selectors.active_order(session)
    ending = session.sessionendings.current().select_related("recorded_by").first()
    rights = {name: policy.can(actor, action, session) for name, action in _RIGHTS.items()}
    due = selectors.readings_due(session, now=now, anchors=anchors, settings=settings)
    readings = eyes.readable(
        session.vitalsreadings.select_related("taken_by").order_by("-taken_at", "-created_at")
    )
    return {
        "episode": session.episode,
        "session": session,
        "now": now,
        "number": selectors.dose_number(session),
        "may": rights,
        "anchors": anchors,
        "expected_end": _expected_end(session, anchors),
        "phase": selectors.phase_of(session, d0=anchors.d0, is_running=anchors.is_running, now=now),
        "order": order,
        "shown_order": order if order is not None and eyes.reads_row(order) else None,
        "orders": eyes.readable(
            session.doseorders.select_related("ordered_by", "read_back_by", "countersigned_by")
        ),
        "withheld_dose": withheld[ConsentCategory.DOSE],
        "withheld_events": withheld[ConsentCategory.ADVERSE_EVENTS],
        "withheld_given": [*withheld[ConsentCategory.DOSE], *withheld[ConsentCategory.MEDICATION]],
        "to_repeat": selectors.order_to_repeat(session) if order is None else None,
        "check_in": session.checkins.current().select_related("checked_by").first(),
        "day": day_evaluation(session, now=now) if session.state == SessionState.CHECKED_IN else None,
        "gaps": readiness_gaps(session, now=now, said=eyes.said)
        if session.state == SessionState.PLANNED
        else [],
        "given": [
            {"row": row, "is_late": row.is_entered_late(settings.late_entry_minutes)}
            for row in eyes.readable(
                session.administrations.select_related("given_by", "order").order_by(
                    "started_at", "created_at"
                )
            )
        ],
        "running": [row for row in session.administrations.current() if row.is_running],
        "total_mg": selectors.total_given_mg(session) if sees_dose else None,
        "medicines": eyes.readable(session.othermedicines.select_related("given_by")),
        "readings": [{"row": row, "signs": _signs(row.signs)} for row in readings],
        "chart": _chart(session, anchors, readings, settings) if readings and sees_dose else None,
        "due": due,
        "next_due": next_due(due) if ending is None else None,
        "vitals_form": VitalsForm(initial={"taken_at": now}),
        "log_form": LogForm(initial={"at": now}),
        "log": eyes.readable(session.log.select_related("created_by").order_by("-at", "-created_at")),
        "challenges": [
            {**_challenge(row), "is_shown": eyes.reads_row(row)}
            for row in session.challengingexperiences.select_related("answered_by")
        ],
        "challenge_kinds": ChallengeKind.choices,
        "events": eyes.readable(session.adverseevents.select_related("reported_by", "reviewed_by")),
        "incidents": eyes.readable(session.incidents.select_related("answered_by")),
        "gate": selectors.discharge_gate(session, now=now)
        if anchors.d0 is not None and ending is None
        else None,
        "ending": ending,
        "missing": selectors.missing_from_record(session) if session.state == SessionState.ENDED else [],
        "environment": words_of(session.environment, {**HOME_ENVIRONMENT, **ENVIRONMENT}),
        "is_over": session.is_called_off or session.is_struck,
    }


def _expected_end(session: DosingSession, anchors: Any) -> datetime | None:
    from sessions.services.common import expected_t0

    return expected_t0(session, anchors) if anchors.is_running else None


def _signs(keys: list[str]) -> list[str]:
    return [SIGN_LABELS[Sign(key)] for key in keys]


def _challenge(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "signs": words_of(row.signs, CHALLENGE_SIGNS[row.kind]),
        "steps": words_of(row.steps_taken, CHALLENGE_STEPS[row.kind]),
        "follow_up": words_of(row.follow_up, CHALLENGE_FOLLOW_UP[row.kind]),
    }


def _chart(session: DosingSession, anchors: Any, readings: list[Any], settings: DosingSettings) -> Any:
    points = [
        VitalsPoint(
            at=row.taken_at,
            systolic=row.systolic,
            diastolic=row.diastolic,
            heart_rate=row.heart_rate,
            respiratory_rate=row.respiratory_rate,
            spo2=row.spo2,
            moaas=row.sedation,
            note=row.note,
        )
        for row in readings
        if row.is_current
    ]
    given = [
        Given(
            start=row.started_at,
            stop=row.ended_at,
            label=_given_words(row),
            running=row.is_running,
        )
        for row in session.administrations.current()
    ]
    limits = [
        Limit("systolic", settings.vitals.alert_systolic, f"call {settings.vitals.alert_systolic}"),
        Limit("spo2", settings.vitals.alert_spo2_below, f"call < {settings.vitals.alert_spo2_below}"),
    ]
    return vitals_chart(
        readings=points,
        given=given,
        limits=limits,
        zone=session.clinic.zone,
        chart_id=f"vitals-{session.pk}",
    )


def _given_words(row: Any) -> str:
    route = ROUTE_SHORT[row.route_value]
    return route if row.amount_mg is None else f"{route} {plain(row.amount_mg)} mg"


@page("dose.plan", fetch=fetch_session)
def session_call_off(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """The visit does not take place."""
    form = CallOffForm(request.POST or None)
    return entry_page(
        request,
        session,
        form,
        lambda: call_off_session(session=session, actor=request.actor.user, **form.cleaned_data),
        title="Call off this session",
        done="Called off.",
        appointment=session.appointment,
        action="Call off",
    )


@page("dose.log", fetch=fetch_session)
def session_setting(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Approach, environment, playlist, homework."""
    initial = {
        name: getattr(session, name)
        for name in ("approach", "playlist", "environment", "environment_note", "place_note", "homework")
    }
    form = SettingForm(request.POST or None, session=session, initial=initial)
    return entry_page(
        request,
        session,
        form,
        lambda: describe_setting(session=session, details=form.cleaned_data, actor=request.actor.user),
        title=f"Setting and approach: {session.get_place_display().lower()}",
        done="Saved.",
        action="Save",
        anchor="setting",
    )


@page("dose.discharge", fetch=fetch_session, methods=("POST",))
def session_complete(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Say that the record is complete."""
    try:
        complete_session(session=session, actor=request.actor.user, roles=request.actor.roles)
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, "Record completed.")
    return to_session(session)
