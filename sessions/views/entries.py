"""Pages on which something is written into the record of a dosing session."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role
from kapclinic.accounts.pages import ActorRequest, page
from sessions import selectors, services
from sessions.discharge import Ending
from sessions.dose import RUNNING_ROUTES
from sessions.forms.base import AnswerForm
from sessions.forms.record import (
    AdverseEventForm,
    AdverseEventUpdateForm,
    ChallengeAnswerForm,
    ChallengeForm,
    CorrectGivenForm,
    CorrectVitalsForm,
    DischargeCheckForm,
    EndingForm,
    GivenForm,
    LogForm,
    MedicineForm,
    PassForm,
    StartForm,
    StopForm,
    VitalsForm,
    first_moment,
)
from sessions.forms.session import CheckInForm
from sessions.models import (
    Administration,
    AdverseEvent,
    ChallengeKind,
    ChallengingExperience,
    DosingSession,
    Incident,
    VitalsReading,
)
from sessions.views.common import entry_page, fetch_in_session, fetch_session

_CHECK_IN_KEPT = (
    "weight_kg",
    "escort_confirmed",
    "escort_name",
    "escort_phone",
    "nothing_eaten",
    "last_food_at",
    "nothing_drunk",
    "last_drink_at",
    "nasal_medicine_at",
    "intoxication_suspected",
    "medicines_changed",
    "pregnancy_possible",
    "new_complaints",
    "intention",
)


@page("dose.check-in", fetch=fetch_session)
def check_in(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """At the door: what was told before is filled in for confirmation."""
    initial: dict[str, Any] = {"at": first_moment(session, timezone.now())}
    before = session.checkins.current().first()
    if before is not None:
        initial |= {name: getattr(before, name) for name in _CHECK_IN_KEPT}
    else:
        named = session.episode.preparations.standing().exclude(escort_name="").first()
        if named is not None:
            initial |= {"escort_name": named.escort_name, "escort_phone": named.escort_phone}
    form = CheckInForm(request.POST or None, initial=initial)
    return entry_page(
        request,
        session,
        form,
        lambda: services.check_in(
            session=session,
            details=form.details(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Check in" if before is None else "Check-in, again",
        done="Checked in.",
        action="Check in",
        anchor="door",
        template="dosing/check_in.html",
    )


@page("dose.give", fetch=fetch_session)
def start(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Start the dose when every rule allows; what yields to a reason asks for one."""
    now = timezone.now()
    order = selectors.active_order(session)
    initial: dict[str, Any] = {"started_at": now}
    if order is not None:
        initial |= {"drug": order.drug, "route": order.route, "volume_ml": order.volume_ml}
        if order.route_value not in RUNNING_ROUTES:
            initial["amount_mg"] = order.dose_mg if order.drug != "esketamine" else 28
    reasons = guards.reasons(
        GuardContext("dose.start", session.episode, now, request.actor.roles, subject=session)
    )
    if session.administrations.current().exists():
        reasons = ()
    passable = [reason for reason in reasons if reason.passable_by & request.actor.roles]
    form = StartForm(request.POST or None, initial=initial)
    passing = PassForm(request.POST or None, reasons=passable)

    def save() -> Administration:
        passing.is_valid()
        return services.start_administration(
            session=session,
            details=form.given(),
            passing=passing.passing(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
            roles=request.actor.roles,
        )

    return entry_page(
        request,
        session,
        form,
        save,
        title="Start the dose" if not session.administrations.current().exists() else "Give a further part",
        done="Started.",
        action="Start now",
        anchor="given",
        template="dosing/start.html",
        holding=reasons,
        passing=passing,
        order=order,
    )


@page("dose.give", fetch=fetch_session)
def given(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Write down what was given, whatever it was."""
    initial: dict[str, Any] = {"started_at": first_moment(session, timezone.now())}
    order = selectors.active_order(session)
    if order is not None:
        initial |= {"drug": order.drug, "route": order.route, "amount_mg": order.dose_mg}
    form = GivenForm(request.POST or None, initial=initial)
    return entry_page(
        request,
        session,
        form,
        lambda: services.record_administration(
            session=session,
            details=form.given(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
            roles=request.actor.roles,
        ),
        title="Record what was given",
        done="Recorded.",
        action="Record",
        anchor="given",
        lead="What was given is always recorded. Where it departs from the order or a rule it is marked, an incident"
        " opens, and the prescriber is told.",
    )


_administration = fetch_in_session(Administration)


@page("dose.give", fetch=_administration)
def stop(request: ActorRequest, row: Administration) -> HttpResponse:
    """The end of an infusion: the real stop."""
    initial = {"ended_at": timezone.now(), "amount_mg": row.order.dose_mg if row.order is not None else None}
    form = StopForm(request.POST or None, initial=initial)
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.stop_administration(
            administration=row, actor=request.actor.user, **form.cleaned_data
        ),
        title="Stop the infusion",
        done="Stopped. T0 is set.",
        action="Record the stop",
        anchor="given",
        lead="Enter the real time of the stop, also when it was stopped early: the integration window counts from it.",
    )


@page("dose.give", fetch=_administration)
def correct_given(request: ActorRequest, row: Administration) -> HttpResponse:
    """A right record in place of a wrong one."""
    kept = services.details_of(row)
    initial = {name: getattr(kept, name) for name in kept.__dataclass_fields__}
    form = CorrectGivenForm(request.POST or None, initial=initial)
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.correct_administration(
            administration=row,
            details=form.given(),
            reason=form.cleaned_data["correction_reason"],
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Correct an administration",
        done="Corrected. The earlier record stays visible.",
        action="Correct",
        anchor="given",
        lead="The new record takes the place of the old one. When the end moves, T0 and the integration window move with it.",
    )


@page("dose.give", fetch=fetch_session)
def medicine(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Another medicine that was given."""
    form = MedicineForm(request.POST or None, initial={"given_at": first_moment(session, timezone.now())})
    return entry_page(
        request,
        session,
        form,
        lambda: services.record_medicine(
            session=session,
            details=form.details(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Other medicine given",
        done="Recorded.",
        action="Record",
        anchor="given",
    )


@page("dose.vitals", fetch=fetch_session)
def vitals(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """A set of vital signs."""
    form = VitalsForm(request.POST or None, initial={"taken_at": first_moment(session, timezone.now())})
    return entry_page(
        request,
        session,
        form,
        lambda: services.record_vitals(
            session=session,
            details=form.details(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Vital signs",
        done="Reading saved.",
        action="Save",
        anchor="vitals",
        template="dosing/vitals_form.html",
    )


@page("dose.vitals", fetch=fetch_in_session(VitalsReading))
def correct_vitals(request: ActorRequest, row: VitalsReading) -> HttpResponse:
    """A right reading in place of a wrong one."""
    names = [name for name in VitalsForm.base_fields if name != "request_key"]
    form = CorrectVitalsForm(request.POST or None, initial={name: getattr(row, name) for name in names})
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.record_vitals(
            session=row.session,
            details=form.details("correction_reason"),
            supersedes=row,
            correction_reason=form.cleaned_data["correction_reason"],
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Correct a reading",
        done="Corrected. The earlier reading stays visible.",
        action="Correct",
        anchor="vitals",
        template="dosing/vitals_form.html",
    )


@page("dose.log", fetch=fetch_session)
def log(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """A line of the log."""
    form = LogForm(request.POST or None, initial={"at": first_moment(session, timezone.now())})
    return entry_page(
        request,
        session,
        form,
        lambda: services.write_log(session=session, actor=request.actor.user, **form.cleaned_data),
        title="Log",
        done="Written.",
        action="Write",
        anchor="log",
    )


def _session_of_kind(actor: Any, pk: Any, kind: str) -> DosingSession:
    if kind not in ChallengeKind.values:
        raise Http404
    session = fetch_session(actor, pk)
    session.challenge_kind = ChallengeKind(kind)
    return session


@page("dose.log", fetch=_session_of_kind)
def challenge(request: ActorRequest, session: Any) -> HttpResponse:
    """A challenging experience of one class, with what practice guide G0 names for it."""
    kind = session.challenge_kind
    form = ChallengeForm(
        request.POST or None, kind=kind.value, initial={"began_at": first_moment(session, timezone.now())}
    )
    return entry_page(
        request,
        session,
        form,
        lambda: services.record_challenge(
            session=session,
            details={**form.details(), "kind": kind.value},
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title=f"Challenging experience: {kind.label.lower()}",
        done="Recorded. The therapist answers it before the next dose.",
        action="Record",
        anchor="challenges",
        lead="Material, not pathology." if kind is ChallengeKind.EXISTENTIAL else "",
    )


@page("dose.log", fetch=fetch_in_session(ChallengingExperience))
def challenge_answer(request: ActorRequest, row: ChallengingExperience) -> HttpResponse:
    """What a challenging experience means for the next dose."""
    form = ChallengeAnswerForm(request.POST or None)
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.answer_challenge(
            challenge=row, actor=request.actor.user, roles=request.actor.roles, **form.cleaned_data
        ),
        title=f"{row.get_kind_display()}: what it means for the next dose",
        done="Answered.",
        action="Answer",
        anchor="challenges",
    )


@page("dose.adverse-event", fetch=fetch_session)
def adverse_event(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """An adverse event."""
    form = AdverseEventForm(request.POST or None, initial={"began_at": first_moment(session, timezone.now())})
    return entry_page(
        request,
        session,
        form,
        lambda: services.report_adverse_event(
            session=session,
            details=form.details(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Adverse event",
        done="Recorded.",
        action="Record",
        anchor="events",
        lead="Sedation and dissociation that pass are expected: write them with the vital signs. Here belongs what is severe,"
        " lasts more than two hours, or needed treatment.",
    )


@page("dose.adverse-event", fetch=fetch_in_session(AdverseEvent))
def adverse_event_update(request: ActorRequest, row: AdverseEvent) -> HttpResponse:
    """News of an adverse event, as a new row."""
    names = [name for name in AdverseEventForm.base_fields if name != "request_key"]
    form = AdverseEventUpdateForm(request.POST or None, initial={name: getattr(row, name) for name in names})
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.report_adverse_event(
            session=row.session,
            details=form.details("correction_reason"),
            supersedes=row,
            correction_reason=form.cleaned_data["correction_reason"],
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Bring an adverse event up to date",
        done="Brought up to date.",
        action="Save",
        anchor="events",
    )


def _answer_page(
    request: ActorRequest, row: Any, save: Callable[[str], Any], *, title: str, anchor: str
) -> HttpResponse:
    form = AnswerForm(request.POST or None)
    return entry_page(
        request,
        row.session,
        form,
        lambda: save(form.cleaned_data["answer"]),
        title=title,
        done="Answered.",
        action="Answer",
        anchor=anchor,
    )


@page("dose.override", fetch=fetch_in_session(AdverseEvent))
def adverse_event_review(request: ActorRequest, row: AdverseEvent) -> HttpResponse:
    """A prescriber reviews an adverse event."""
    return _answer_page(
        request,
        row,
        lambda words: services.review_adverse_event(
            event=row, review=words, actor=request.actor.user, roles=request.actor.roles
        ),
        title=f"Review: {row.term}",
        anchor="events",
    )


@page("dose.override", fetch=fetch_in_session(Incident))
def incident_answer(request: ActorRequest, row: Incident) -> HttpResponse:
    """A prescriber answers an incident."""
    return _answer_page(
        request,
        row,
        lambda words: services.answer_incident(
            incident=row, answer=words, actor=request.actor.user, roles=request.actor.roles
        ),
        title=f"Answer: {row.get_kind_display().lower()}",
        anchor="events",
    )


@page("dose.discharge", fetch=fetch_session)
def leaving_check(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """What is seen before the patient leaves; what was seen before is filled in."""
    initial: dict[str, Any] = {"at": first_moment(session, timezone.now())}
    before = session.dischargechecks.standing().first()
    names = [name for name in DischargeCheckForm.base_fields if name not in ("request_key", "at")]
    if before is not None:
        initial |= {name: getattr(before, name) for name in names}
    else:
        door = session.checkins.current().first()
        initial["escort_name"] = "" if door is None else door.escort_name
    form = DischargeCheckForm(request.POST or None, initial=initial)
    return entry_page(
        request,
        session,
        form,
        lambda: services.look_before_leaving(
            session=session,
            details=form.details(),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Before leaving",
        done="Saved.",
        action="Save",
        anchor="leaving",
    )


@page("dose.discharge", fetch=fetch_session)
def ending(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """How the visit ended."""
    now = timezone.now()
    opened = selectors.discharge_gate(session, now=now)
    before = session.sessionendings.current().first()
    dosed = session.anchors().d0 is not None
    form = EndingForm(
        request.POST or None,
        gate=opened,
        may_override=request.actor.has(Role.PRESCRIBER),
        is_correction=before is not None,
        initial={
            "ended_at": first_moment(session, now),
            "ending": Ending.DISCHARGED if dosed else Ending.NOT_DOSED,
        },
    )

    def save() -> Any:
        data = form.cleaned_data
        return services.end_session(
            session=session,
            ending=Ending(data["ending"]),
            ended_at=data["ended_at"],
            reason=data["reason"],
            transport=data["transport"],
            destination=data["destination"],
            correction_reason=data.get("correction_reason", ""),
            overrides=form.overrides(),
            request_key=data["request_key"],
            actor=request.actor.user,
            roles=request.actor.roles,
        )

    return entry_page(
        request,
        session,
        form,
        save,
        title="How the visit ends" if before is None else "Correct how the visit ended",
        done="Recorded.",
        action="Record the ending",
        anchor="leaving",
        template="dosing/ending.html",
        gate=opened,
    )
