"""Registering patients and keeping their details."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes import services
from episodes.access import patient_for, row_for
from episodes.forms import AllergyForm, PatientForm
from episodes.models import Allergy, Patient
from episodes.services.patients import Duplicate, possible_duplicates
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused


@page("patient.register")
def register(request: ActorRequest) -> HttpResponse:
    """A form for a new patient; people on file who resemble them are shown before anything is saved."""
    actor = request.actor
    form = PatientForm(request.POST or None)
    duplicates: list[Duplicate] = []
    if request.method == "POST" and form.is_valid():
        try:
            patient = services.register_patient(
                clinic=actor.clinic,
                actor=actor.user,
                details=form.details(),
                duplicates_seen=form.cleaned_data["duplicates_seen"],
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refusal:
            if any(reason.code == "possible-duplicate" for reason in refusal.reasons):
                details = form.details()
                duplicates = possible_duplicates(
                    clinic=actor.clinic,
                    given_name=details["given_name"],
                    family_name=details["family_name"],
                    date_of_birth=details["date_of_birth"],
                )
                # The next press says that they were looked at.
                data = request.POST.copy()
                data["duplicates_seen"] = "on"
                form.data = data
            else:
                refusal.add_to(form)
        else:
            messages.success(request, f"{patient} is registered as {patient.public_id}.")
            return redirect("episodes:patient-detail", public_id=patient.public_id)
    return render(
        request,
        "episodes/patient_form.html",
        {"form": form, "duplicates": duplicates},
        status=422 if form.errors else 200,
    )


@page("patient.view", fetch=patient_for)
def detail(request: ActorRequest, patient: Patient) -> HttpResponse:
    """Who the patient is, how to reach them, allergies and episodes."""
    return _detail_page(request, patient, AllergyForm())


def _detail_page(request: ActorRequest, patient: Patient, allergy_form: AllergyForm) -> HttpResponse:
    episodes = list(patient.episodes.select_related("protocol_version__protocol").order_by("-opened_at"))
    return render(
        request,
        "episodes/patient_detail.html",
        {
            "patient": patient,
            "age": patient.age_on(timezone.localdate()),
            "episodes": episodes,
            "open_episode": next((episode for episode in episodes if episode.is_open), None),
            "allergies": list(patient.allergies.select_related("entered_in_error_by")),
            "allergy_form": allergy_form,
            "may_edit": can(request.actor, "patient.edit", patient),
            "may_open": can(request.actor, "episode.open", patient),
        },
        status=422 if allergy_form.errors else 200,
    )


@page("patient.edit", fetch=patient_for)
def edit(request: ActorRequest, patient: Patient) -> HttpResponse:
    """The same form as for registering; the history keeps what stood before."""
    form = PatientForm(request.POST or None, instance=patient)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_patient(patient=patient, actor=request.actor.user, details=form.details())
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "Saved.")
            return redirect("episodes:patient-detail", public_id=patient.public_id)
    return render(
        request,
        "episodes/patient_form.html",
        {"form": form, "patient": patient},
        status=422 if form.errors else 200,
    )


@page("patient.edit", fetch=patient_for, methods=("POST",))
def allergy_add(request: ActorRequest, patient: Patient) -> HttpResponse:
    """Records an allergy."""
    form = AllergyForm(request.POST)
    if form.is_valid():
        try:
            services.add_allergy(patient=patient, actor=request.actor.user, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "Allergy recorded.")
            return redirect("episodes:patient-detail", public_id=patient.public_id)
    return _detail_page(request, patient, form)


def _allergy_patient(allergy: Allergy) -> Patient:
    return allergy.patient


@page("patient.edit", fetch=row_for(Allergy, "patient"), about=_allergy_patient, methods=("POST",))
def allergy_resolve(request: ActorRequest, allergy: Allergy) -> HttpResponse:
    """Marks an allergy as no longer standing from today."""
    services.resolve_allergy(allergy=allergy, actor=request.actor.user, on=timezone.localdate())
    messages.success(request, f"{allergy.substance} is marked as resolved.")
    return redirect("episodes:patient-detail", public_id=allergy.patient.public_id)
