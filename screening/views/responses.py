"""Questionnaires: filling in, reading, correcting, the list of a patient, and the review list."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from episodes.access import episode_for, patient_scope, row_for
from episodes.models import Episode, Patient
from episodes.readers import Eyes, eyes_of, eyes_of_each
from episodes.sharing import Discipline
from episodes.stages import Stage
from episodes.views.withholding import withheld_page
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor, can
from kapclinic.audit.access import note_rows
from kapclinic.clinics.refusals import Refused
from kapclinic.clinics.services import setting
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import score_trend
from screening import selectors
from screening.forms.responses import CorrectionForm, QuestionnaireForm
from screening.instruments import (
    Instrument,
    UnknownInstrument,
    instrument,
    instruments,
    loinc_notice,
    not_included,
)
from screening.models import Response, ResponseMode, ResponsePhase
from screening.response_settings import CRISIS_CONTACT, PCL5_CUT_POINT
from screening.services.responses import record_response, review_safety_answer, supersede_response
from screening.trends import score_line

_PHASE_OF_STAGE = {
    Stage.REFERRED: ResponsePhase.SCREENING,
    Stage.SCREENING: ResponsePhase.SCREENING,
    Stage.PREPARATION: ResponsePhase.PREPARATION,
    Stage.TREATMENT: ResponsePhase.BEFORE_DOSE,
    Stage.MAINTENANCE: ResponsePhase.MAINTENANCE,
}


def _blank_form(actor: Actor, public_id: str, instrument_id: str) -> tuple[Episode, Instrument]:
    episode = episode_for(actor, public_id)
    try:
        return episode, instrument(instrument_id)
    except UnknownInstrument as error:
        raise Http404 from error


def _eyes_on(actor: Actor, response: Response) -> Eyes:
    """How this person sees a questionnaire: by its episode's consents; history by those of the patient's latest episode."""
    episode = response.episode or _latest_episodes([response.patient_id]).get(response.patient_id)
    if episode is None:
        raise Http404
    return eyes_of(actor, episode, now=timezone.now())


def _latest_episodes(patients: Iterable[Any]) -> dict[Any, Episode]:
    """The newest standing episode of each of these patients, by the patient's key. One query."""
    rows = Episode.objects.standing().select_related("clinic").filter(patient__in=set(patients))
    return {row.patient_id: row for row in rows.order_by("patient_id", "-opened_at").distinct("patient_id")}


def _withheld(request: ActorRequest, response: Response, eyes: Eyes) -> HttpResponse:
    episode = response.episode
    back = "" if episode is None else reverse("screening:response-list", args=[episode.public_id])
    title = response.instrument.short_title
    return withheld_page(request, response, eyes, episode=episode, back=back, title=title)


def _first(pair: tuple[Episode, Instrument]) -> Episode:
    return pair[0]


def _rules(definition: Instrument, *, cut_off: int | None, cut_point: int | None, shows_score: bool) -> str:
    """What the page's script needs to show the score while it is being answered; the same data as the server's rules."""
    return json.dumps(
        {
            "items": [
                {
                    "number": item.number,
                    "skip": None
                    if item.skip is None
                    else {"item": item.skip.item, "value": item.skip.value, "countsAs": item.skip.counts_as},
                }
                for item in definition.items
            ],
            "bands": [
                {"min": band.minimum, "max": band.maximum, "label": band.label} for band in definition.bands
            ],
            "maximum": definition.maximum,
            "cutOff": cut_off,
            "cutPoint": cut_point,
            "safetyItem": definition.safety_item,
            "showsScore": shows_score,
        }
    )


def _page(
    request: ActorRequest, episode: Episode | None, patient: Patient, form: QuestionnaireForm, **extra: Any
) -> HttpResponse:
    definition = form.definition
    shows_score = can(request.actor, "screening.view", patient if episode is None else episode)
    cut_off = definition.cut_off.for_sex(patient.sex_at_birth) if definition.cut_off else None
    cut_point = setting(patient.clinic, PCL5_CUT_POINT) if definition.clusters else None
    context = {
        "episode": episode,
        "patient": patient,
        "definition": definition,
        "form": form,
        "rules": _rules(definition, cut_off=cut_off, cut_point=cut_point, shows_score=shows_score),
        "shows_score": shows_score,
        "crisis_contact": setting(patient.clinic, CRISIS_CONTACT),
        "loinc_notice": loinc_notice(),
        **extra,
    }
    return render(request, "screening/response_form.html", context, status=422 if form.errors else 200)


@page("screening.enter", fetch=_blank_form, about=_first)
def create(request: ActorRequest, pair: tuple[Episode, Instrument]) -> HttpResponse:
    """Fill in one questionnaire."""
    episode, definition = pair
    initial = {
        "completed_at": timezone.localtime(),
        "phase": _PHASE_OF_STAGE.get(Stage(episode.stage), ResponsePhase.OTHER),
        "mode": ResponseMode.STAFF,
        "request_key": uuid.uuid4(),
    }
    form = QuestionnaireForm(request.POST or None, definition=definition, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            response = record_response(
                patient=episode.patient,
                episode=episode,
                instrument_id=definition.id,
                answers=form.answers,
                functional=form.functional,
                completed_at=form.cleaned_data["completed_at"],
                phase=form.cleaned_data["phase"],
                dose_number=form.cleaned_data["dose_number"],
                mode=form.cleaned_data["mode"],
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            if response.mode == ResponseMode.PATIENT or not can(request.actor, "screening.view", episode):
                return redirect("screening:response-saved", pk=response.pk)
            what = "kept" if response.is_complete else "kept as incomplete: there is no total"
            messages.success(request, f"{definition.short_title} {what}.")
            return redirect("screening:response-detail", pk=response.pk)
    return _page(request, episode, episode.patient, form)


@page("screening.enter", fetch=row_for(Response, "patient", "episode"), methods=("GET", "HEAD"))
def saved(request: ActorRequest, response: Response) -> HttpResponse:
    """Thanks, without a score: safe to show to the patient, with whom to reach in a crisis."""
    is_endorsed = response.safety_status is not None and response.safety_status.is_endorsed
    context = {
        "response": response,
        "episode": response.episode,
        "definition": response.instrument,
        "is_endorsed": is_endorsed,
        "crisis_contact": setting(response.clinic, CRISIS_CONTACT),
        "may_view": can(request.actor, "screening.view", response),
    }
    return render(request, "screening/response_saved.html", context)


@page(
    "screening.view",
    fetch=row_for(Response, "patient__clinic", "episode", "created_by", "supersedes", "entered_in_error_by"),
    methods=("GET", "HEAD"),
)
def detail(request: ActorRequest, response: Response) -> HttpResponse:
    """One questionnaire: its answers, what they add up to, and the change since the one before."""
    eyes = _eyes_on(request.actor, response)
    if not eyes.reads_row(response):
        return _withheld(request, response, eyes)
    definition = response.instrument
    cut_point = setting(response.clinic, PCL5_CUT_POINT) if definition.clusters else None
    score = response.score(cut_point=cut_point)
    # Who sees this one as its recorder alone does not see those of others through it.
    points = (
        selectors.score_series(response.patient, instrument_id=definition.id)
        if eyes.reads(response.consent_category, origin=Discipline.MEDICAL)
        else []
    )
    earlier = [point for point in points if point.completed_at < response.completed_at and point.is_complete]
    here = next((point for point in points if point.response_id == response.pk), None)
    context = {
        "response": response,
        "episode": response.episode,
        "patient": response.patient,
        "definition": definition,
        "score": score,
        "rows": [
            {
                "item": item,
                "value": value,
                "option": item.option(value),
                "is_skipped": item.number in score.skipped,
                "is_safety": item.number == definition.safety_item,
            }
            for item, value in zip(definition.items, response.values, strict=True)
        ],
        "functional": definition.functional_item.option(response.functional)
        if definition.functional_item
        else None,
        "before": earlier[-1] if earlier else None,
        "change": selectors.change_since(earlier[-1], here) if earlier else None,
        # One form alone is no trend.
        "trend": score_trend(
            lines=[score_line(definition, points)], doses=[], zone=response.clinic.zone, chart_id="trend"
        )
        if len(points) > 1
        else None,
        "is_overlapping": here is not None and here.is_overlapping,
        "part2_notice": eyes.part2_notice if definition.segment else "",
        "correction": response.corrections.standing().first(),
        "loinc_notice": loinc_notice(),
    }
    return render(request, "screening/response_detail.html", context)


@page("screening.enter", fetch=episode_for, methods=("GET", "HEAD"))
def listing(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The questionnaires of a patient, what is still asked for, and starting one."""
    may_view = can(request.actor, "screening.view", episode)
    eyes = eyes_of(request.actor, episode, now=timezone.now())
    missing = set(selectors.missing_instruments(episode))
    due = set(selectors.due_instruments(episode, "screening"))
    responses = []
    if may_view:
        overlapping = {
            point.response_id: point.is_overlapping for point in selectors.score_series(episode.patient)
        }
        found = Response.objects.filter(patient=episode.patient).select_related(
            "created_by", "entered_in_error_by"
        )
        current = set(Response.objects.current().filter(patient=episode.patient).values_list("pk", flat=True))
        responses = [
            {
                "response": each,
                "is_current": each.pk in current,
                "is_overlapping": overlapping.get(each.pk, False),
            }
            for each in eyes.readable(found[:200])
        ]
    context = {
        "episode": episode,
        "may_view": may_view,
        "choices": [
            {"definition": each, "is_missing": each.id in missing, "is_due": each.id in due}
            for each in instruments()
        ],
        # The one to fill in first.
        "next_id": next((each.id for each in instruments() if each.id in missing), None),
        "rows": responses,
        "withheld": eyes.withheld(ConsentCategory.SCORES, ConsentCategory.SUBSTANCE_USE) if may_view else [],
        "part2_notice": eyes.part2_notice if may_view else "",
    }
    return render(request, "screening/response_list.html", context)


@page("screening.view", fetch=row_for(Response, "patient__clinic", "episode"))
def correct(request: ActorRequest, response: Response) -> HttpResponse:
    """Correct a stored questionnaire; the old one stays readable."""
    eyes = _eyes_on(request.actor, response)
    if not eyes.reads_row(response):
        return _withheld(request, response, eyes)
    form = CorrectionForm(request.POST or None, response=response, initial={"request_key": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        completed_at = form.cleaned_data["completed_at"]
        if "completed_at" not in form.changed_data:
            completed_at = response.completed_at
        try:
            new = supersede_response(
                response=response,
                answers=form.answers,
                functional=form.functional,
                completed_at=completed_at,
                reason=form.cleaned_data["reason"],
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(
                request, f"{new.instrument.short_title} corrected. The earlier version stays readable."
            )
            return redirect("screening:response-detail", pk=new.pk)
    notice = eyes.part2_notice if response.instrument.segment else ""
    return _page(request, response.episode, response.patient, form, correcting=response, part2_notice=notice)


@page("screening.review-history", methods=("GET", "HEAD"))
def review_list(request: ActorRequest) -> HttpResponse:
    """Old and imported answers to item 9 that no clinician has looked at: they alarmed nobody."""
    visible = Patient.objects.filter(patient_scope(request.actor))
    waiting = (
        Response.objects.awaiting_review()
        .of_clinic(request.actor.clinic)
        .filter(patient__in=visible)
        .select_related("patient", "episode")
    )
    shown = list(waiting[:100])
    note_rows(request, len(shown))
    latest = _latest_episodes(response.patient_id for response in shown)
    eyes = eyes_of_each(request.actor, latest.values(), now=timezone.now())
    rows = [{"response": response, "sees_total": _sees_total(response, latest, eyes)} for response in shown]
    return render(request, "screening/response_review.html", {"rows": rows, "count": waiting.count()})


def _sees_total(response: Response, latest: dict[Any, Episode], eyes: dict[uuid.UUID, Eyes]) -> bool:
    """Item 9 is safety and always stands on the list; the total is a score."""
    episode = latest.get(response.patient_id)
    return episode is not None and eyes[episode.pk].reads_row(response)


@page("screening.review-history", fetch=row_for(Response, "patient"), methods=("POST",))
def review_done(request: ActorRequest, response: Response) -> HttpResponse:
    """A clinician has looked at one of them."""
    if not Patient.objects.filter(patient_scope(request.actor), pk=response.patient_id).exists():
        raise Http404
    try:
        review_safety_answer(
            response=response, actor=request.actor.user, note=request.POST.get("note", "")[:300]
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Noted: you have looked at it.")
    return redirect("screening:response-review")


@page("desk.today", methods=("GET", "HEAD"))
def about(request: ActorRequest) -> HttpResponse:
    """Where the questionnaires come from, under which licence, and which ones are not part of the program."""
    context = {"instruments": instruments(), "not_included": not_included(), "loinc_notice": loinc_notice()}
    return render(request, "screening/response_about.html", context)
