"""Where the administration begins: what needs a manager, and the way to everything else."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from kapclinic.accounts.credentials import LicenceState
from kapclinic.accounts.models import Invitation
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.staff import staff_list
from kapclinic.administration.services.settings import medical_directors
from kapclinic.clinics.models import ClinicalSetting, Room, SettingState
from kapclinic.clinics.settings_registry import spec_of
from kapclinic.jobs.models import Job

_NEEDS_CARE = frozenset({LicenceState.EXPIRING, LicenceState.EXPIRED})


@page("staff.manage", methods=("GET", "HEAD"))
def show(request: ActorRequest) -> HttpResponse:
    """Licences that run out, invitations and proposals that wait, failed work. A fixed number of queries."""
    clinic, now = request.actor.clinic, timezone.now()
    staff = staff_list(clinic, now=now)
    proposals = ClinicalSetting.objects.filter(clinic=clinic, state=SettingState.PROPOSED).select_related(
        "created_by"
    )
    return render(
        request,
        "administration/overview.html",
        {
            "now": now,
            "people": len(staff),
            "care": [
                line
                for line in staff
                if line.needs_licence and (line.licence is None or line.licence.state in _NEEDS_CARE)
            ],
            "invitations": Invitation.objects.filter(
                clinic=clinic, accepted_at__isnull=True, revoked_at__isnull=True
            ).order_by("expires_at"),
            "proposals": [(proposal, spec_of(proposal.key)) for proposal in proposals],
            "directors": medical_directors(clinic),
            "rooms": Room.objects.filter(clinic=clinic, is_active=True).count(),
            "failed_jobs": Job.objects.failed().filter(clinic=clinic).count(),
        },
    )
