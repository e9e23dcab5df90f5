"""When a patient can come, and how."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import patient_for
from episodes.models import Patient
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling import services
from kapclinic.scheduling.forms import PatientPlaceForm, PatientTimesForm, SpanForm
from kapclinic.scheduling.models import (
    Appointment,
    HoursPlace,
    PatientAbsence,
    PatientPlace,
    PatientTimes,
)
from kapclinic.scheduling.patient_times import availability_of
from kapclinic.scheduling.spans import Span

_ROWS = {"times": PatientTimes, "away": PatientAbsence}


def row_for(actor: Actor, what: str, pk: Any) -> Any:
    """What a patient said and did not take back; Http404 when there is none."""
    model: Any = _ROWS.get(what)
    if model is None:
        raise Http404
    row = model.objects.standing().select_related("patient").filter(clinic=actor.clinic, pk=pk).first()
    if row is None:
        raise Http404
    return row


def _patient_of(row: Any) -> Patient:
    patient: Patient = row.patient
    return patient


@page("patient.edit", fetch=patient_for)
def availability(request: ActorRequest, patient: Patient) -> HttpResponse:
    """Times in which the patient cannot or would rather come, and how; small forms on one page."""
    which = request.POST.get("which", "")
    standing = PatientPlace.objects.standing().filter(patient=patient).first()
    place = HoursPlace.EITHER if standing is None else standing.place
    forms = {
        "times": PatientTimesForm(request.POST if which == "times" else None),
        "away": SpanForm(request.POST if which == "away" else None, prefix="away"),
        "place": PatientPlaceForm(request.POST if which == "place" else None, initial={"place": place}),
    }
    form = forms.get(which)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            _add(patient, which, form.cleaned_data, actor=request.actor.user)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded.")
            return redirect("scheduling:patient-availability", public_id=patient.public_id)
    now, today = timezone.now(), timezone.localdate()
    return render(
        request,
        "scheduling/availability.html",
        {
            "patient": patient,
            "forms": forms,
            "times": [
                row
                for row in PatientTimes.objects.standing().filter(patient=patient)
                if row.valid_until is None or row.valid_until >= today
            ],
            "away": PatientAbsence.objects.standing().filter(patient=patient, ends_at__gte=now),
            "affected": _booked_all_the_same(patient),
        },
        status=422 if form is not None and form.errors else 200,
    )


def _add(patient: Patient, which: str, data: dict[str, Any], *, actor: User) -> None:
    if which == "times":
        for weekday in data["weekdays"]:
            services.add_patient_times(
                patient=patient,
                wish=data["wish"],
                weekday=weekday,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
                actor=actor,
            )
    elif which == "away":
        services.add_patient_absence(
            patient=patient, starts_at=data["starts_at"], ends_at=data["ends_at"], actor=actor
        )
    else:
        services.set_patient_place(patient=patient, place=data["place"], actor=actor)


def _booked_all_the_same(patient: Patient) -> list[Appointment]:
    """The patient's bookings ahead that lie in time that they ruled out."""
    ahead = list(
        Appointment.objects.of_clinic(patient.clinic)
        .live()
        .filter(episode__patient=patient, starts_at__gte=timezone.now())
    )
    if not ahead:
        return []
    limits = Span(ahead[0].starts_at, max(appointment.ends_at for appointment in ahead))
    ruled_out = availability_of(patient.clinic, [patient.pk], limits)[patient.pk].unavailable
    return [each for each in ahead if any(each.span.overlaps(span) for span in ruled_out)]


@page("patient.edit", fetch=row_for, about=_patient_of, methods=("POST",))
def withdraw(request: ActorRequest, row: Any) -> HttpResponse:
    """Take back what was recorded; it stays in the history."""
    services.withdraw_patient_row(row=row, actor=request.actor.user)
    messages.success(request, "Taken back.")
    return redirect("scheduling:patient-availability", public_id=row.patient.public_id)
