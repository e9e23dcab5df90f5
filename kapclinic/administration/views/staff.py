"""Staff: the list, one person, their roles."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts import services
from kapclinic.accounts.models import Invitation, Membership, Role
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.staff import StaffMember, credentials_of, staff_list, staff_member_for
from kapclinic.administration.fetch import own_row
from kapclinic.administration.forms import GrantRoleForm
from kapclinic.clinics.refusals import Refused

_ROLES = frozenset(Role.values)


@page("staff.manage")
def index(request: ActorRequest) -> HttpResponse:
    """Who works here, with roles and licences; the text to search for travels in the body."""
    clinic, now = request.actor.clinic, timezone.now()
    asked = request.POST if request.method == "POST" else request.GET
    role = asked.get("role", "")
    text = request.POST.get("q", "").strip()[:100]
    role = role if role in _ROLES else ""
    former = asked.get("former") == "yes"
    return render(
        request,
        "administration/staff.html",
        {
            "lines": staff_list(clinic, now=now, text=text, role=role, former=former),
            "text": text,
            "role": role,
            "former": former,
            "roles": Role.choices,
            "invitations": Invitation.objects.filter(
                clinic=clinic, accepted_at__isnull=True, revoked_at__isnull=True
            ).select_related("created_by"),
            "now": now,
        },
    )


@page("staff.manage", fetch=staff_member_for)
def show(request: ActorRequest, member: StaffMember) -> HttpResponse:
    """One person: roles, licences, training, competencies; giving a further role."""
    form = GrantRoleForm(request.POST or None, held=[membership.role for membership in member.current])
    if request.method == "POST" and form.is_valid():
        membership = services.grant_role(
            user=member.user, clinic=member.clinic, role=form.cleaned_data["role"], actor=request.actor.user
        )
        messages.success(request, f"{member.user.name} is a {membership.get_role_display().lower()} now.")
        return redirect("administration:person", pk=member.pk)
    return render(
        request,
        "administration/person.html",
        {
            "member": member,
            "form": form,
            "credentials": credentials_of(member.user, member.clinic, now=timezone.now()),
            "may_grant": len(member.current) < len(_ROLES),
        },
        status=422 if form.errors else 200,
    )


@page("staff.manage", fetch=own_row(Membership, "user"), methods=("POST",))
def end_role(request: ActorRequest, membership: Membership) -> HttpResponse:
    """End a role from this moment on."""
    try:
        services.end_role(membership=membership, actor=request.actor.user)
    except Refused as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(
            request, f"{membership.user.name} is no {membership.get_role_display().lower()} any more."
        )
    if membership.user_id == request.actor.user.pk:
        # The manager may just have given away the right to see the next page.
        return redirect("desk:today")
    return redirect("administration:person", pk=membership.user_id)


@page("staff.manage", fetch=own_row(Membership, "user"), methods=("POST",))
def set_director(request: ActorRequest, membership: Membership) -> HttpResponse:
    """Mark a prescriber as medical director, or take the mark away."""
    try:
        changed = services.set_medical_director(
            membership=membership,
            is_director=request.POST.get("is_director") == "yes",
            actor=request.actor.user,
        )
    except Refused as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason.text)
    else:
        word = "is" if changed.is_medical_director else "is no longer"
        messages.success(request, f"{membership.user.name} {word} medical director.")
    return redirect("administration:person", pk=membership.user_id)
