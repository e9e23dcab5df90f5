"""Clinical settings: what is in force and why, proposing, deciding."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor, can
from kapclinic.administration import services
from kapclinic.administration.fetch import own_row
from kapclinic.administration.forms import DecisionForm, ProposalForm
from kapclinic.administration.services.settings import is_alone, medical_directors
from kapclinic.administration.settings_page import SettingLine, groups_for, in_words
from kapclinic.clinics.models import Clinic, ClinicalSetting, SettingState
from kapclinic.clinics.refusals import Refused
from kapclinic.clinics.settings_registry import spec_of


@dataclass(frozen=True)
class ClinicSetting:
    """A declared setting at the actor's clinic; `clinic_id` lets the access policy ask."""

    line: SettingLine
    clinic: Clinic

    @property
    def clinic_id(self) -> Any:
        """The clinic."""
        return self.clinic.pk

    @property
    def pk(self) -> str:
        """The setting's key."""
        return self.line.spec.key


def _setting_for(actor: Actor, key: str) -> ClinicSetting:
    try:
        spec = spec_of(key)
    except KeyError as error:
        raise Http404 from error
    rows = ClinicalSetting.objects.filter(clinic=actor.clinic, key=key).select_related(
        "created_by", "decided_by"
    )
    own = rows.filter(state=SettingState.APPROVED).first()
    proposal = rows.filter(state=SettingState.PROPOSED).first()
    return ClinicSetting(SettingLine(spec, own, proposal), actor.clinic)


@page("settings.view", methods=("GET", "HEAD"))
def index(request: ActorRequest) -> HttpResponse:
    """Every declared setting, by group."""
    groups = groups_for(request.actor.clinic)
    return render(
        request,
        "administration/settings.html",
        {
            "groups": groups,
            "waiting": [line for _name, lines in groups for line in lines if line.proposal is not None],
            "directors": medical_directors(request.actor.clinic),
        },
    )


@page("settings.view", fetch=_setting_for)
def show(request: ActorRequest, asked: ClinicSetting) -> HttpResponse:
    """One setting with its history; a manager proposes another value here."""
    line = asked.line
    may_propose = can(request.actor, "settings.propose", asked)
    if request.method == "POST" and not may_propose:
        raise PermissionDenied
    form = ProposalForm(request.POST or None, spec=line.spec, current=line.value)
    if request.method == "POST" and form.is_valid():
        try:
            services.propose_setting(
                clinic=request.actor.clinic, key=line.spec.key, actor=request.actor.user, **form.cleaned_data
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The value is proposed; the medical director decides.")
            return redirect("administration:setting", key=line.spec.key)
    return _page(request, line, form, DecisionForm(), status=422 if form.errors else 200)


def _page(
    request: ActorRequest, line: SettingLine, form: ProposalForm, decision: DecisionForm, *, status: int
) -> HttpResponse:
    actor, proposal = request.actor, line.proposal
    history = ClinicalSetting.objects.filter(clinic=actor.clinic, key=line.spec.key).select_related(
        "created_by", "decided_by"
    )
    may_decide = (
        proposal is not None
        and actor.is_medical_director
        and can(actor, "settings.approve", proposal)
        and (proposal.created_by_id != actor.user.pk or is_alone(actor.user, actor.clinic))
    )
    return render(
        request,
        "administration/setting.html",
        {
            "line": line,
            "form": form if can(actor, "settings.propose") and proposal is None else None,
            "decision": decision if may_decide else None,
            "may_withdraw": proposal is not None and can(actor, "settings.propose", proposal),
            "history": [(row, in_words(line.spec, row.value)) for row in history],
            "directors": medical_directors(actor.clinic),
        },
        status=status,
    )


@page("settings.approve", fetch=own_row(ClinicalSetting, "created_by"), methods=("POST",))
def decide(request: ActorRequest, proposal: ClinicalSetting) -> HttpResponse:
    """The medical director puts a proposed value in force or declines it."""
    if not request.actor.is_medical_director:
        raise PermissionDenied
    form = DecisionForm(request.POST)
    if request.POST.get("decision") not in {"approve", "decline"}:
        form.add_error(None, "Choose to approve or to decline.")
    if form.is_valid():
        approve = request.POST["decision"] == "approve"
        try:
            services.decide_setting(
                proposal=proposal, approve=approve, actor=request.actor.user, note=form.cleaned_data["note"]
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The value is in force." if approve else "The proposal is declined.")
            return redirect("administration:setting", key=proposal.key)
    line = _setting_for(request.actor, proposal.key).line
    empty = ProposalForm(spec=line.spec, current=line.value)
    return _page(request, line, empty, form, status=422)


@page("settings.propose", fetch=own_row(ClinicalSetting), methods=("POST",))
def withdraw(request: ActorRequest, proposal: ClinicalSetting) -> HttpResponse:
    """A manager takes a proposal back."""
    try:
        services.withdraw_proposal(proposal=proposal, actor=request.actor.user)
    except Refused as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, "The proposal is withdrawn.")
    return redirect("administration:setting", key=proposal.key)
