"""Pages of integration."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Episode
from episodes.readers import eyes_of
from episodes.services import read_note
from episodes.sharing import Discipline
from integration import selectors, services
from integration.forms import AddendumForm, ApplyForm, MissForm, NoteForm, RecordForm
from integration.models import IntegrationNeed, IntegrationSession, Modality, NeedPart
from integration.services.planning import applied_repair
from integration.views.explanations import explanation_for, may_undo
from integration.windows import NeedState
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role, current_members
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.audit.access import note_rows
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.versions import Difference, carry_on_from, differences
from kapclinic.scheduling.forms import HeldForm
from kapclinic.scheduling.models import INTEGRATION_KINDS, Appointment
from kapclinic.scheduling.views.appointments import appointment_for
from kapclinic.scheduling.views.undoing import say_done

need_for = row_for(IntegrationNeed, "episode__patient", "episode__protocol_version", "appointment")
session_for = row_for(
    IntegrationSession, "episode__patient", "episode__protocol_version", "therapist", "outside", "signed_by"
)


def integration_appointment_for(actor: Actor, pk: Any) -> Appointment:
    """A booked integration session of the clinic; Http404 for other kinds."""
    appointment = appointment_for(actor, pk)
    if appointment.kind not in INTEGRATION_KINDS or appointment.episode is None:
        raise Http404
    return appointment


@page("integration.read", fetch=episode_for, methods=("GET", "HEAD"))
def overview(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Windows, held sessions and open action steps of an episode."""
    now = timezone.now()
    sessions = IntegrationSession.objects.filter(episode=episode).select_related(
        "therapist", "outside", "entered_in_error_by"
    )
    sees_themes = eyes_of(request.actor, episode, now=now).sees(ConsentCategory.THEMES, Discipline.THERAPY)
    return render(
        request,
        "integration/overview.html",
        {
            "episode": episode,
            "windows": selectors.window_facts(episode, now),
            "ahead": selectors.ahead_of_doses(episode.clinic, now, episode=episode),
            "sessions": sessions,
            "steps": selectors.open_action_steps(episode),
            "withheld": [] if sees_themes else [ConsentCategory.THEMES.label],
            "may_write": policy.can(request.actor, "integration.write", episode),
            "may_book": policy.can(request.actor, "appointment.book", episode),
            "may_plan": policy.can(request.actor, "integration.plan", episode),
        },
    )


@page("integration.unplaced", methods=("GET", "HEAD"))
def waiting(request: ActorRequest) -> HttpResponse:
    """What has no time yet, every open window, and misses without a reason."""
    now, actor = timezone.now(), request.actor
    rows = selectors.open_needs(actor.clinic, now, actor)
    note_rows(request, len(rows))
    return render(
        request,
        "integration/waiting.html",
        {
            "unplaced": [row for row in rows if row.appointment is None and row.need.is_planned_here],
            "flagged": [
                row for row in rows if row.appointment is not None and row.appointment.flagged_at is not None
            ],
            "placed": [
                row for row in rows if row.appointment is not None and row.appointment.flagged_at is None
            ],
            "recorded_elsewhere": [
                row for row in rows if row.appointment is None and not row.need.is_planned_here
            ],
            "missed": selectors.missed_without_reason(actor.clinic, now, actor),
            "ahead": [
                row for row in selectors.ahead_of_doses(actor.clinic, now, actor) if row.appointment is None
            ],
            "may_repair": policy.can(actor, "integration.repair"),
            "now": now,
        },
    )


@page("integration.plan", fetch=need_for)
def need_detail(request: ActorRequest, need: IntegrationNeed) -> HttpResponse:
    """One window: where it stands, what the program proposes, why nothing fits, why it was missed."""
    return _need_page(request, need)


def _need_page(
    request: ActorRequest, need: IntegrationNeed, miss_form: MissForm | None = None
) -> HttpResponse:
    now = timezone.now()
    state = need.state_at(now)
    booking = need.live_appointment
    waits_ahead = need.is_ahead and booking is None and need.withdrawn_at is None and need.closes_at > now
    wants_time = (
        state is NeedState.OPEN
        or waits_ahead
        or (state is NeedState.PLACED and booking is not None and not need.window.covers(booking.span))
    )
    proposal = services.propose(need=need, now=now) if wants_time and need.is_planned_here else None
    fits = proposal is None or proposal.placement.choice is not None
    failed = miss_form is not None and bool(miss_form.errors)
    return render(
        request,
        "integration/need.html",
        {
            "need": need,
            "episode": need.episode,
            "facts": selectors.facts_of(need, now),
            "state": state,
            "is_missed": state is NeedState.MISSED,
            "proposal": proposal,
            "why": None if fits else explanation_for(request.actor, need, now=now),
            "kind": "integration" if need.part == NeedPart.PRIMARY else "secondary-integration",
            "miss_form": miss_form or MissForm(initial={"reason": need.miss_reason, "note": need.miss_note}),
            "may_book": policy.can(request.actor, "appointment.book", need.episode),
            "may_record": policy.can(request.actor, "integration.write", need.episode),
            "repaired": applied_repair(need),
            "may_undo": may_undo(request.actor, need),
        },
        status=422 if failed else 200,
    )


@page("integration.plan", fetch=need_for, methods=("POST",))
def need_apply(request: ActorRequest, need: IntegrationNeed) -> HttpResponse:
    """Apply the proposal that stood on the page."""
    form = ApplyForm(request.POST)
    if form.is_valid():
        try:
            made = services.apply_choice(
                need=need,
                starts_at=form.cleaned_data["starts_at"],
                person_id=str(form.cleaned_data["person"]),
                actor=request.actor.user,
                roles=request.actor.roles,
            )
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            say_done(request, "Booked. Tell the patient the time.", made)
            return redirect("scheduling:appointment-detail", pk=made.pk)
    else:
        messages.error(request, "The proposal could not be read. Here is what fits now.")
    return redirect("integration:need-detail", pk=need.pk)


@page("integration.plan", fetch=need_for, methods=("POST",))
def need_miss(request: ActorRequest, need: IntegrationNeed) -> HttpResponse:
    """Record why the window was missed."""
    form = MissForm(request.POST)
    if form.is_valid():
        try:
            services.record_miss(
                need=need,
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded.")
            return redirect("integration:need-detail", pk=need.pk)
    return _need_page(request, need, form)


@page("integration.write", fetch=integration_appointment_for)
def session_hold(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """A booked session took place: its real start and end, then its note."""
    known = IntegrationSession.objects.filter(appointment=appointment).first()
    if known is not None:
        return redirect("integration:session-detail", pk=known.pk)
    starts, ends = timezone.localtime(appointment.starts_at), timezone.localtime(appointment.ends_at)
    form = HeldForm(
        request.POST or None, initial={"day": starts.date(), "began": starts.time(), "ended": ends.time()}
    )
    if request.method == "POST" and form.is_valid():
        try:
            session = services.hold_session(
                appointment=appointment,
                held_from=form.cleaned_data["held_from"],
                held_until=form.cleaned_data["held_until"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded as held. Now the note.")
            return redirect("integration:session-detail", pk=session.pk)
    return render(
        request,
        "scheduling/complete.html",
        {
            "appointment": appointment,
            "episode": appointment.episode,
            "form": form,
            "base": "episodes/_episode_base.html",
        },
        status=422 if form.errors else 200,
    )


@page("integration.write", fetch=episode_for)
def session_record(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Record a session that was not booked here, as with an outside therapist."""
    actor = request.actor
    therapists = list(current_members(actor.clinic, Role.THERAPIST))
    initial = {"held_by": f"person:{actor.user.pk}", "day": timezone.localdate(), "place": "in_person"}
    form = RecordForm(request.POST or None, initial=initial, clinic=actor.clinic, therapists=therapists)
    if request.method == "POST" and form.is_valid():
        try:
            session = services.record_session(
                episode=episode,
                held_from=form.cleaned_data["held_from"],
                held_until=form.cleaned_data["held_until"],
                place=form.cleaned_data["place"],
                request_key=form.cleaned_data["request_key"],
                actor=actor.user,
                **form.who(),
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded as held. Now the note.")
            return redirect("integration:session-detail", pk=session.pk)
    return render(
        request,
        "integration/record.html",
        {"episode": episode, "form": form},
        status=422 if form.errors else 200,
    )


@page("integration.read", fetch=session_for)
def session_detail(request: ActorRequest, session: IntegrationSession) -> HttpResponse:
    """The note: a draft to write, or the signed text with its addenda."""
    may_write = policy.can(request.actor, "integration.write", session.episode) and not session.is_struck
    # What was typed while somebody else signed comes back with the refusal.
    if not may_write or (session.is_signed and not request.POST):
        return _note_page(request, session, may_write=may_write)
    open_steps = selectors.open_action_steps(session.episode)
    form = NoteForm(
        request.POST or None, session=session, spec=session.episode.protocol, open_steps=open_steps
    )
    reasons: list[Any] = []
    other: list[Difference] = []
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_note(session=session, actor=request.actor.user, **form.values())
            if request.POST.get("then") == "sign":
                session = saved
                services.sign_note(session=saved, version=saved.version, actor=request.actor.user)
                messages.success(request, "Signed.")
            else:
                messages.success(request, "Saved as a draft.")
            return redirect("integration:session-detail", pk=session.pk)
        except Refused as refused:
            reasons = list(refused.reasons)
            session.refresh_from_db()
            if any(reason.code in {"changed", "signed"} for reason in reasons):
                saved_form = NoteForm(session=session, spec=session.episode.protocol, open_steps=open_steps)
                other = differences(form, saved_form)
            carry_on_from(form, session.version)
            refused.add_to(form)
    return render(
        request,
        "integration/note_form.html",
        {"episode": session.episode, "session": session, "form": form, "reasons": reasons, "other": other},
        status=422 if form.errors else 200,
    )


def _note_page(
    request: ActorRequest, session: IntegrationSession, *, may_write: bool, form: AddendumForm | None = None
) -> HttpResponse:
    parts = session.body.get("parts", {})
    categories = {ConsentCategory.THEMES}
    if Modality.TRAUMA in session.modalities:
        categories.add(ConsentCategory.TRAUMA)
    withheld = read_note(
        actor=request.actor,
        episode=session.episode,
        note_id=session.pk,
        what=f"Integration note of {timezone.localtime(session.held_from):%Y-%m-%d}",
        categories=categories,
        origin=Discipline.THERAPY,
        now=timezone.now(),
    )
    return render(
        request,
        "integration/note.html",
        {
            "episode": session.episode,
            "session": session,
            "withheld": withheld,
            "parts": [
                {"part": part, **parts.get(part.key, {"covered": False, "note": ""})}
                for part in session.episode.protocol.integration_parts
            ],
            "steps": session.action_steps.standing(),
            "reviews": session.step_reviews.standing().select_related("step"),
            "addenda": session.addenda.select_related("created_by"),
            "form": form or AddendumForm(),
            "may_add": may_write and session.is_signed,
            "meets": session.meets.all(),
        },
        status=422 if form is not None else 200,
    )


@page("integration.write", fetch=session_for, methods=("POST",))
def session_addendum(request: ActorRequest, session: IntegrationSession) -> HttpResponse:
    """Add text to a signed note."""
    form = AddendumForm(request.POST)
    if form.is_valid():
        try:
            services.add_addendum(
                session=session,
                text=form.cleaned_data["text"],
                addendum_id=form.cleaned_data["addendum_id"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Added.")
            return redirect("integration:session-detail", pk=session.pk)
    return _note_page(request, session, may_write=True, form=form)
