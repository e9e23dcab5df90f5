"""The review of the record: who reached for what, and the reads that a manager should look at."""

from typing import Any

from defusedcsv import csv
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.administration import review, services
from kapclinic.administration.forms import EventFilterForm, ReadReviewForm
from kapclinic.audit.access import note_rows
from kapclinic.audit.models import UnusualRead, Verdict
from kapclinic.clinics.refusals import Refused

PAGE = 50
# More rows than this are no review any more: choose a shorter period.
MOST_EXPORTED = 100_000
_ANSWERED_SHOWN = 50


def _filter_form(request: ActorRequest) -> EventFilterForm:
    """What was asked for in the body, else the last week."""
    values: Any = (
        request.POST if request.method == "POST" else EventFilterForm.first_values(timezone.localdate())
    )
    return EventFilterForm(values, clinic=request.actor.clinic)


@page("audit.review")
def events(request: ActorRequest) -> HttpResponse:
    """Access events by patient, person, action, outcome and period; what is searched for travels in the body."""
    form = _filter_form(request)
    lines: list[review.EventLine] = []
    older = None
    if form.is_valid():
        found = review.events_of(request.actor.clinic, **form.cleaned_data)
        before = request.POST.get("before", "")
        if before.isdecimal() and len(before) < 19:
            found = found.filter(pk__lt=int(before))
        shown = list(found[: PAGE + 1])
        lines = review.lines_of(shown[:PAGE])
        older = shown[PAGE - 1].pk if len(shown) > PAGE else None
    note_rows(request, len(lines))
    return render(
        request,
        "administration/review_events.html",
        {"form": form, "lines": lines, "older": older},
        status=422 if form.errors else 200,
    )


@page("audit.export", methods=("POST",), confirm=("POST",))
def export(request: ActorRequest) -> HttpResponse:
    """The same events as CSV; cells that a spreadsheet would run are neutralised."""
    form = _filter_form(request)
    if not form.is_valid():
        return render(request, "administration/review_events.html", {"form": form, "lines": []}, status=422)
    found = review.events_of(request.actor.clinic, **form.cleaned_data)
    if found[MOST_EXPORTED:].exists():
        form.add_error("since", f"More than {MOST_EXPORTED:,} events: choose a shorter period.")
        return render(request, "administration/review_events.html", {"form": form, "lines": []}, status=422)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="access-events.csv"'
    rows = list(review.csv_rows(request.actor.clinic, found))
    csv.writer(response).writerows(rows)
    note_rows(request, len(rows) - 1)
    return response


@page("audit.review", methods=("GET", "HEAD"))
def unusual(request: ActorRequest) -> HttpResponse:
    """Unusual reads: those that wait for an answer, and the last answered ones."""
    clinic = request.actor.clinic
    waiting = review.unusual_lines(review.unusual_of(clinic, is_open=True)[:PAGE])
    note_rows(request, len(waiting))
    return render(
        request,
        "administration/review_unusual.html",
        {
            "waiting": waiting,
            "answered": review.unusual_lines(review.unusual_of(clinic, is_open=False)[:_ANSWERED_SHOWN]),
            "count": review.unusual_of(clinic, is_open=True).count(),
        },
    )


def _unusual(actor: Actor, pk: int) -> UnusualRead:
    try:
        return UnusualRead.objects.select_related("review").get(clinic_id=actor.clinic.pk, pk=pk)
    except UnusualRead.DoesNotExist as error:
        raise Http404 from error


@page("audit.review", fetch=_unusual)
def answer(request: ActorRequest, read: UnusualRead) -> HttpResponse:
    """One unusual read and its answer."""
    form = ReadReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.review_read(
                unusual=read,
                verdict=Verdict(form.cleaned_data["verdict"]),
                comment=form.cleaned_data["comment"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Your answer is on the record.")
            return redirect("administration:review-unusual")
    (line,) = review.unusual_lines([read])
    return render(
        request,
        "administration/review_answer.html",
        {"line": line, "form": None if hasattr(read, "review") and not form.errors else form},
        status=422 if form.errors else 200,
    )
