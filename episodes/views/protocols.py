"""Protocols and their versions."""

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from episodes import services
from episodes.forms import ProtocolVersionForm
from episodes.models import Protocol, ProtocolVersion
from episodes.reading_times import GIVEN_WORDS
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor, can
from kapclinic.clinics.refusals import Refused


def _protocol_for(actor: Actor, slug: str) -> Protocol:
    try:
        return Protocol.objects.get(clinic=actor.clinic, slug=slug)
    except Protocol.DoesNotExist as error:
        raise Http404 from error


@page("protocols.view")
def index(request: ActorRequest) -> HttpResponse:
    """The clinic's models of care."""
    newest_first = Prefetch("versions", queryset=ProtocolVersion.objects.order_by("-number"))
    protocols = Protocol.objects.filter(clinic=request.actor.clinic).prefetch_related(newest_first)
    return render(request, "episodes/protocols.html", {"protocols": protocols})


@page("protocols.view", fetch=_protocol_for)
def detail(request: ActorRequest, protocol: Protocol) -> HttpResponse:
    """One protocol: what its newest version asks for, and the versions before."""
    versions = list(
        protocol.versions.annotate(episode_count=Count("episodes"))
        .select_related("created_by")
        .order_by("-number")
    )
    spec = versions[0].spec
    return render(
        request,
        "episodes/protocol_detail.html",
        {
            "protocol": protocol,
            "versions": versions,
            "spec": spec,
            "readings": [(GIVEN_WORDS[key], minutes) for key, minutes in spec.readings.items()],
            "may_manage": can(request.actor, "protocols.manage", protocol),
        },
    )


@page("protocols.manage", fetch=_protocol_for)
def new_version(request: ActorRequest, protocol: Protocol) -> HttpResponse:
    """Changes a protocol for episodes that begin from now on."""
    form = ProtocolVersionForm(request.POST or None, latest=protocol.latest.data)
    if request.method == "POST" and form.is_valid():
        try:
            version = services.save_protocol_version(
                protocol=protocol,
                data=form.data_of_version(),
                change_note=form.cleaned_data["change_note"],
                actor=request.actor.user,
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"Version {version.number} is in force for new episodes.")
            return redirect("episodes:protocol-detail", slug=protocol.slug)
    return render(
        request,
        "episodes/protocol_form.html",
        {"form": form, "protocol": protocol},
        status=422 if form.errors else 200,
    )
