"""The medication list: adding, changing, classifying, going through it."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Episode
from episodes.readers import eyes_of
from episodes.views.withholding import withheld_row
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory
from screening.finding_selectors import medication_class_labels, medication_summary
from screening.forms.facts import ClassifyForm, MedicationForm, MedicationReviewForm
from screening.gathering import local_day
from screening.medications import class_label, recognise
from screening.models import Medication, MedicationReview
from screening.reading import withheld_of
from screening.services import facts as services
from screening.views.facts import after_entry, change_page, notice_beside


@page("screening.enter", fetch=episode_for)
def medications(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The medication list with its classes; adding one, and saying that the list was gone through."""
    sees = can(request.actor, "screening.view", episode)
    form = MedicationForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.record_medication(
                episode=episode,
                values=form.details(),
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            if row.is_settled:
                messages.success(request, f"On the list: {row.name}.")
            else:
                messages.warning(
                    request, f"On the list: {row.name}. It is unclassified: a prescriber looks at it."
                )
            return after_entry(request, episode, "screening:medications")
    now = timezone.now()
    eyes = eyes_of(request.actor, episode, now=now)
    earlier = Medication.objects.filter(episode=episode).select_related("created_by", "entered_in_error_by")
    active = medication_summary(episode, now=now)
    shown = {line.medication.pk for line in active.lines}
    summary = replace(
        active,
        lines=tuple(line for line in active.lines if eyes.reads_row(line.medication)),
        takes_none=active.takes_none and not eyes.withheld(ConsentCategory.MEDICATION),
    )
    return render(
        request,
        "screening/medications.html",
        {
            "episode": episode,
            "form": form,
            "summary": summary if sees else None,
            "earlier": [
                row for row in eyes.readable(earlier.order_by("-created_at")[:50]) if row.pk not in shown
            ]
            if sees
            else [],
            "review": MedicationReview.objects.current().of_episode(episode).first() if sees else None,
            "review_form": MedicationReviewForm(initial={"reviewed_on": local_day(episode, timezone.now())}),
            "sees": sees,
            "withheld": withheld_of(Medication, eyes) if sees else [],
            "part2_notice": eyes.part2_notice if sees else "",
            "may_classify": can(request.actor, "finding.answer", episode),
            "section": "medications",
        },
        status=422 if form.errors else 200,
    )


@page("screening.enter", fetch=episode_for, methods=("POST",))
def medication_review(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The list was gone through: complete, or nothing is taken."""
    form = MedicationReviewForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say on which day the list was gone through.")
        return after_entry(request, episode, "screening:medications")
    try:
        services.review_medications(
            episode=episode,
            takes_none=form.cleaned_data["takes_none"],
            reviewed_on=form.cleaned_data["reviewed_on"],
            actor=request.actor.user,
        )
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, "Recorded: the list was gone through.")
    return after_entry(request, episode, "screening:medications")


@page("screening.enter", fetch=row_for(Medication, "episode__patient", "episode__clinic"))
def medication_change(request: ActorRequest, medication: Medication) -> HttpResponse:
    """Another dose, or stopped."""
    return change_page(
        request,
        medication,
        form_class=MedicationForm,
        record=services.record_medication,
        title=f"Change: {medication.name}",
        section="medications",
    )


@page("screening.enter", fetch=episode_for)
def medication_recognise(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The class of a name while it is typed: a fragment. The name comes by POST and stands in no address."""
    name = request.POST.get("name", "")
    found = recognise(name, is_nasal=bool(request.POST.get("is_nasal")))
    return render(
        request,
        "screening/_recognition.html",
        {
            "found": found,
            "typed": bool(name.strip()),
            "labels": [class_label(key) for key in sorted(found.rule_classes)],
        },
    )


@page("finding.answer", fetch=row_for(Medication, "episode__patient", "episode__clinic"))
def medication_classify(request: ActorRequest, medication: Medication) -> HttpResponse:
    """A prescriber says what an unclassified medication is."""
    episode = medication.episode
    back = reverse("screening:medications", args=[episode.public_id])
    if (kept_back := withheld_row(request, medication, back=back)) is not None:
        return kept_back
    form = ClassifyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.classify_medication(
                medication=medication,
                classes=form.cleaned_data["classes"],
                reason=form.cleaned_data["reason"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, f"{medication.name}: classified.")
            return redirect("screening:medications", public_id=episode.public_id)
    return render(
        request,
        "screening/medication_classify.html",
        {
            "episode": episode,
            "form": form,
            "medication": medication,
            "labels": medication_class_labels(medication),
            "part2_notice": notice_beside(request, medication),
            "section": "medications",
        },
        status=422 if form.errors else 200,
    )
