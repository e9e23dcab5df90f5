"""Do our patients get better, and stay so?"""

from defusedcsv import csv
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts.models import Role
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.documents.views import url_name
from kapclinic.outcomes.backdrop import backdrops_of
from kapclinic.outcomes.report import COLUMNS, PERIODS, build_report, rows_of
from kapclinic.outcomes.services import issue_report, method

_DEFAULT_PERIOD = "12"


def _period(request: HttpRequest) -> str:
    asked = request.GET.get("period") or request.POST.get("period") or _DEFAULT_PERIOD
    return asked if asked in PERIODS else _DEFAULT_PERIOD


@page("outcomes.view", methods=("GET", "HEAD"))
def overview(request: ActorRequest) -> HttpResponse:
    """The clinic for a manager (de-identified), the own caseload for a clinician; who is both chooses."""
    actor = request.actor
    may_clinic = actor.has(Role.MANAGER)
    may_own = actor.has(Role.THERAPIST, Role.PRESCRIBER)
    is_clinic = may_clinic and not (may_own and request.GET.get("of") == "mine")
    report = build_report(actor, is_clinic=is_clinic, period=_period(request), now=timezone.now())
    return render(
        request,
        "outcomes/overview.html",
        {
            "report": report,
            "periods": PERIODS,
            "may_choose": may_clinic and may_own,
            "may_export": may_clinic,
            "method": method(report),
            "backdrops": backdrops_of(report, actor),
        },
    )


@page("outcomes.export", methods=("GET", "HEAD"), confirm=("GET", "HEAD"))
def export_csv(request: ActorRequest) -> HttpResponse:
    """The clinic's report as CSV; cells that a spreadsheet would run are neutralised."""
    report = build_report(request.actor, is_clinic=True, period=_period(request), now=timezone.now())
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="outcome-report.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    writer.writerows(rows_of(report))
    return response


@page("outcomes.export", methods=("POST",), confirm=("POST",))
def issue(request: ActorRequest) -> HttpResponse:
    """The clinic's report as a document with its PDF."""
    document = issue_report(actor=request.actor, period=_period(request))
    return redirect(url_name(document, "detail"), pk=document.pk)
