"""Staff: the list, one person, their roles."""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts import second_step, services, sign_ins
from kapclinic.accounts.models import Invitation, Membership, Role, SignIn
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.staff import StaffMember, credentials_of, staff_list, staff_member_for
from kapclinic.administration.fetch import own_row
from kapclinic.administration.forms import GrantRoleForm
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.text import printable

_ROLES = frozenset(Role.values)


@page("staff.manage")
def index(request: ActorRequest) -> HttpResponse:
    """Who works here, with roles and licences; the text to search for travels in the body."""
    clinic, now = request.actor.clinic, timezone.now()
    asked = request.POST if request.method == "POST" else request.GET
    role = asked.get("role", "")
    text = printable(request.POST.get("q", "")).strip()[:100]
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


@page("staff.manage", fetch=staff_member_for, confirm=("POST",))
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
            "sign_ins": SignIn.objects.open_at(timezone.now()).filter(user=member.user).count(),
            "has_second_step": second_step.has_step(member.user),
        },
        status=422 if form.errors else 200,
    )


@page("staff.manage", fetch=own_row(Membership, "user"), methods=("POST",), confirm=("POST",))
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


@page("staff.manage", fetch=own_row(Membership, "user"), methods=("POST",), confirm=("POST",))
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


@page("staff.manage", fetch=staff_member_for, methods=("POST",))
def end_sign_ins(request: ActorRequest, member: StaffMember) -> HttpResponse:
    """End every sign-in of a person, on every device, from their next request on."""
    count = sign_ins.end_others(user=member.user)
    messages.success(request, f"{count} sign-in{'' if count == 1 else 's'} of {member.user.name} ended.")
    return redirect("administration:person", pk=member.pk)


@page("staff.manage", fetch=staff_member_for, methods=("POST",), confirm=("POST",))
def reset_second_step(request: ActorRequest, member: StaffMember) -> HttpResponse:
    """Remove a person's app, passkeys and recovery codes because a device is lost; they hear of it by e-mail."""
    second_step.remove_all(user=member.user)
    get_adapter(request).send_notification_mail("accounts/email/second_step_removed", member.user)
    messages.success(request, f"The second step of {member.user.name} is removed, and their sign-ins ended.")
    return redirect("administration:person", pk=member.pk)
