"""Entering facts: conditions, medications, pregnancy, vital signs, results, checks."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Allergy, Episode
from episodes.readers import eyes_of
from episodes.views.withholding import withheld_row
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.services import store_attachment
from screening.forms.facts import (
    ConditionForm,
    FactForm,
    MedicationForm,
    MonitoringForm,
    PregnancyForm,
    PregnancyTestForm,
    RemsForm,
    ResultForm,
    RetractForm,
    VitalsForm,
)
from screening.gathering import local_day
from screening.models import (
    FACT_MODELS,
    Condition,
    Fact,
    MonitoringCheck,
    PregnancyRecord,
    PregnancyTest,
    RemsEnrolment,
    ScreeningVitals,
    StudyResult,
)
from screening.reading import categories_of, withheld_of
from screening.services import facts as services
from screening.services.findings import Evidence


def after_entry(request: ActorRequest, episode: Episode, name: str) -> HttpResponse:
    """Back to where the person can go on: the page itself, for those who see it."""
    if can(request.actor, "screening.enter", episode):
        return redirect(name, public_id=episode.public_id)
    return redirect("desk:today")


Record = Callable[..., Any]


def _fact_page(
    *,
    name: str,
    title: str,
    subtitle: str,
    button: str,
    empty: str,
    form_class: type[FactForm],
    model: type[Fact],
    record: Record,
    initial: Callable[[ActorRequest, Episode], dict[str, Any]] | None = None,
    extra: Callable[[ActorRequest, FactForm], dict[str, Any]] | None = None,
    keeps_one: bool = False,
) -> Callable[..., HttpResponse]:
    """A page that records one kind of fact and lists what is recorded."""

    @page("screening.enter", fetch=episode_for)
    def view(request: ActorRequest, episode: Episode) -> HttpResponse:
        sees = can(request.actor, "screening.view", episode)
        rows = (
            list(
                model._base_manager.filter(episode=episode)
                .select_related("evidence", "created_by", "entered_in_error_by")
                .order_by("-created_at")[:50]
            )
            if sees
            else []
        )
        eyes = eyes_of(request.actor, episode, now=timezone.now())
        rows = eyes.readable(rows)
        current = next((row for row in rows if row.is_current), None) if keeps_one else None
        form = form_class(
            request.POST or None,
            request.FILES or None,
            initial=initial(request, episode) if initial else None,
            instance=None if request.POST or current is None else current,
        )
        if request.method == "POST" and form.is_valid():
            try:
                arguments: dict[str, Any] = {
                    "episode": episode,
                    "values": form.details() | (extra(request, form) if extra else {}),
                    "actor": request.actor.user,
                }
                if hasattr(form, "evidence"):
                    arguments["evidence"] = form.evidence()
                if not keeps_one:
                    arguments["request_key"] = form.cleaned_data["request_key"]
                record(**arguments)
            except Refused as refused:
                refused.add_to(form)
            else:
                messages.success(request, "Recorded.")
                return after_entry(request, episode, f"screening:{name}")
        return render(
            request,
            "screening/fact.html",
            {
                "episode": episode,
                "form": form,
                "rows": rows,
                "title": title,
                "subtitle": subtitle,
                "button": button,
                "empty": empty,
                "sees": sees,
                "withheld": withheld_of(model, eyes),
                "part2_notice": eyes.part2_notice
                if ConsentCategory.SUBSTANCE_USE in categories_of(model)
                else "",
                "section": name,
                "strike_label": model._meta.label_lower,
            },
            status=422 if form.errors else 200,
        )

    return view


def _today(request: ActorRequest, episode: Episode) -> Any:
    return local_day(episode, timezone.now())


def _record_result(*, values: dict[str, Any], episode: Episode, actor: Any, **more: Any) -> Any:
    """A result's paper is stored first; a refused file leaves nothing behind."""
    upload = values.pop("upload")
    if upload is not None:
        values["evidence"] = store_attachment(
            clinic=episode.clinic,
            subject_id=episode.pk,
            title=values["title"],
            upload=upload,
            actor=actor,
            dated_on=values["performed_on"],
            field="evidence_file",
        )
    return services.record_result(episode=episode, values=values, actor=actor, **more)


vitals = _fact_page(
    name="vitals",
    title="Vital signs",
    subtitle="At screening. Two readings on different days say whether blood pressure is controlled.",
    button="Record vital signs",
    empty="No vital signs yet.",
    form_class=VitalsForm,
    model=ScreeningVitals,
    record=services.record_vitals,
    initial=lambda request, episode: {"taken_at": timezone.localtime(timezone=episode.clinic.zone)},
)
pregnancy = _fact_page(
    name="pregnancy",
    title="Pregnancy and breastfeeding",
    subtitle="As asked today. A test is recorded on its own page.",
    button="Save",
    empty="Not asked yet.",
    form_class=PregnancyForm,
    model=PregnancyRecord,
    record=services.record_pregnancy,
    keeps_one=True,
)
pregnancy_test = _fact_page(
    name="pregnancy-test",
    title="Pregnancy test",
    subtitle="A negative test counts for the days that the clinic has set before the first dose.",
    button="Record the test",
    empty="No test yet.",
    form_class=PregnancyTestForm,
    model=PregnancyTest,
    record=services.record_pregnancy_test,
    initial=lambda request, episode: {"tested_on": _today(request, episode)},
)
results = _fact_page(
    name="results",
    title="Results",
    subtitle="Laboratory, ECG, imaging and letters, each with its day and its paper.",
    button="Put on file",
    empty="No results yet.",
    form_class=ResultForm,
    model=StudyResult,
    record=_record_result,
    initial=lambda request, episode: {"performed_on": _today(request, episode)},
    extra=lambda request, form: {"upload": form.cleaned_data.get("evidence_file")},
)
monitoring = _fact_page(
    name="monitoring",
    title="Prescription monitoring",
    subtitle="A look into the state's prescription-monitoring programme.",
    button="Record the check",
    empty="No check yet.",
    form_class=MonitoringForm,
    model=MonitoringCheck,
    record=services.record_monitoring_check,
    initial=lambda request, episode: {"checked_on": _today(request, episode)},
    extra=lambda request, form: {"checked_by": request.actor.user},
)
rems = _fact_page(
    name="rems",
    title="REMS enrolment",
    subtitle="For esketamine: the patient is enrolled before the first treatment.",
    button="Save",
    empty="Not enrolled.",
    form_class=RemsForm,
    model=RemsEnrolment,
    record=services.record_rems_enrolment,
    keeps_one=True,
)
conditions = _fact_page(
    name="conditions",
    title="Conditions",
    subtitle="The problem list, with how each stands and when it happened.",
    button="Add the condition",
    empty="No conditions yet. Those asked for in the history can be described here.",
    form_class=ConditionForm,
    model=Condition,
    record=services.record_condition,
)


def _list_of(row: Fact, section: str) -> str:
    return reverse(f"screening:{section}", args=[row.episode.public_id])


def notice_beside(request: ActorRequest, row: Fact) -> str:
    """What stands beside one fact that tells of substance use, at a Part 2 clinic; else nothing."""
    if row.consent_category is not ConsentCategory.SUBSTANCE_USE:
        return ""
    return eyes_of(request.actor, row.episode, now=timezone.now()).part2_notice


def change_page(
    request: ActorRequest,
    row: Any,
    *,
    form_class: type[ConditionForm] | type[MedicationForm],
    record: Record,
    title: str,
    section: str,
) -> HttpResponse:
    """How a listed fact stands now: a new entry that supersedes `row`, which stays in the record."""
    episode = row.episode
    if (kept_back := withheld_row(request, row, back=_list_of(row, section))) is not None:
        return kept_back
    form = form_class(request.POST or None, request.FILES or None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            record(
                episode=episode,
                values=form.details(),
                actor=request.actor.user,
                # The form has written what was typed into `row`.
                supersedes=type(row).objects.get(pk=row.pk),
                evidence=form.evidence(),
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded. The earlier entry stays in the record.")
            return after_entry(request, episode, f"screening:{section}")
    return render(
        request,
        "screening/fact_change.html",
        {
            "episode": episode,
            "form": form,
            "title": title,
            "section": section,
            "part2_notice": notice_beside(request, row),
        },
        status=422 if form.errors else 200,
    )


@page("screening.enter", fetch=row_for(Condition, "episode__patient", "episode__clinic"))
def condition_change(request: ActorRequest, condition: Condition) -> HttpResponse:
    """How a condition stands now."""
    return change_page(
        request,
        condition,
        form_class=ConditionForm,
        record=services.record_condition,
        title=f"Change: {condition.title}",
        section="conditions",
    )


FACT_BY_LABEL = {model._meta.model_name: model for model in FACT_MODELS}


def _fact_or_404(actor: Any, kind: str, pk: Any) -> Any:
    if kind == "allergy":
        return row_for(Allergy, "patient")(actor, pk)
    model = FACT_BY_LABEL.get(kind)
    if model is None:
        raise Http404
    return row_for(model, "episode__patient", "episode__clinic")(actor, pk)


def _open_episode_of(fact: Any) -> Any:
    if isinstance(fact, Allergy):
        return (
            Episode.objects.select_related("patient", "clinic")
            .filter(patient=fact.patient)
            .latest("opened_at")
        )
    return fact.episode


@page("finding.answer", fetch=_fact_or_404, about=_open_episode_of)
def retract(request: ActorRequest, fact: Any) -> HttpResponse:
    """A prescriber strikes a fact under an absolute finding, with a reason and the paper."""
    if (
        isinstance(fact, Fact)
        and (kept_back := withheld_row(request, fact, back=_list_of(fact, "overview"))) is not None
    ):
        return kept_back
    episode = _open_episode_of(fact)
    form = RetractForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        evidence = form.evidence() or Evidence(reason="")
        try:
            if isinstance(fact, Allergy):
                services.correct_allergy(
                    episode=episode, allergy=fact, evidence=evidence, actor=request.actor.user
                )
            else:
                services.retract_fact(fact=fact, evidence=evidence, actor=request.actor.user)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(
                request, "Corrected with evidence. The entry stays in the record, struck through."
            )
            return redirect("screening:overview", public_id=episode.public_id)
    return render(
        request,
        "screening/retract.html",
        {"episode": episode, "form": form, "fact": fact, "section": "overview"},
        status=422 if form.errors else 200,
    )
