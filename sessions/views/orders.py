"""Pages of orders, and of what holds a dose on its day."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from screening.services.findings import AnswerInput
from sessions import selectors
from sessions.dose import ROUNDING_RULE
from sessions.forms.base import ReasonForm
from sessions.forms.session import OrderForm, TelephoneOrderForm
from sessions.models import DoseOrder, DosingSession
from sessions.services import cancel_order, countersign_order, judge_order, order_dose
from sessions.services.findings import answer_day_findings, day_evaluation
from sessions.views.common import entry_page, fetch_in_session, fetch_session, to_session

_order = fetch_in_session(DoseOrder)
_REPEATED = (
    "drug",
    "route",
    "amount",
    "unit",
    "salt",
    "infusion_minutes",
    "concentration_mg_per_ml",
    "diluted_to_ml",
    "hold_systolic",
    "hold_diastolic",
    "hold_spo2",
    "hold_heart_low",
    "hold_heart_high",
    "note",
)


def _order_page(request: ActorRequest, session: DosingSession, form: OrderForm, **extra: Any) -> HttpResponse:
    now = timezone.now()
    is_telephone = isinstance(form, TelephoneOrderForm)

    def save() -> DoseOrder:
        data = form.cleaned_data
        return order_dose(
            session=session,
            request=form.request(),
            hold=form.hold(),
            note=data["note"],
            warnings_reason=data["warnings_reason"],
            change_reason=data["change_reason"],
            telephone_from=data.get("telephone_from"),
            read_back=bool(data.get("read_back")),
            request_key=data["request_key"],
            actor=request.actor.user,
            roles=request.actor.roles,
        )

    judgement = None
    if form.is_bound and form.is_valid():
        judgement = judge_order(session, form.request(), now=now)
    return entry_page(
        request,
        session,
        form,
        save,
        title="Telephone order" if is_telephone else "Order",
        done="Ordered.",
        action="Write the order",
        anchor="order",
        template="dosing/order_form.html",
        judgement=judgement,
        rounding=ROUNDING_RULE,
        weight=selectors.latest_weight(session),
        active=selectors.active_order(session),
        last=selectors.order_to_repeat(session),
        is_telephone=is_telephone,
        **extra,
    )


def _repeat(request: ActorRequest, session: DosingSession) -> dict[str, Any]:
    """The last order as a beginning: of this session when there is one, else of an earlier one on request."""
    source = selectors.active_order(session)
    if source is None and "repeat" in request.GET:
        source = selectors.order_to_repeat(session)
    return {} if source is None else {name: getattr(source, name) for name in _REPEATED}


@page("dose.order", fetch=fetch_session)
def order_new(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """A prescriber writes or changes the order."""
    return _order_page(request, session, OrderForm(request.POST or None, initial=_repeat(request, session)))


@page("dose.give", fetch=fetch_session)
def order_by_telephone(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Somebody at the bedside writes down an order given by telephone."""
    form = TelephoneOrderForm(request.POST or None, session=session, initial=_repeat(request, session))
    return _order_page(request, session, form)


@page("dose.view", fetch=fetch_session, methods=("POST",))
def order_preview(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """The arithmetic and the rules' answer to what is typed so far; changes nothing."""
    form = OrderForm(request.POST)
    form.is_valid()
    judgement = judge_order(session, form.request(), now=timezone.now())
    return render(request, "dosing/_arithmetic.html", {"judgement": judgement, "rounding": ROUNDING_RULE})


@page("dose.order", fetch=_order, methods=("POST",))
def order_countersign(request: ActorRequest, order: DoseOrder) -> HttpResponse:
    """The prescriber signs a telephone order."""
    try:
        countersign_order(order=order, actor=request.actor.user)
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, "Countersigned.")
    return to_session(order.session, "order")


@page("dose.order", fetch=_order)
def order_cancel(request: ActorRequest, order: DoseOrder) -> HttpResponse:
    """Take an order back."""
    form = ReasonForm(request.POST or None)
    return entry_page(
        request,
        order.session,
        form,
        lambda: cancel_order(order=order, reason=form.cleaned_data["reason"], actor=request.actor.user),
        title="Cancel the order",
        done="Order cancelled.",
        action="Cancel the order",
        anchor="order",
    )


@page("dose.override", fetch=fetch_session, methods=("POST",))
def day_findings(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """A prescriber answers relative findings of the day, each with a rationale, signed together."""
    judged = day_evaluation(session, now=timezone.now())
    answers = [
        AnswerInput(
            code=finding.code,
            evidence_hash=finding.evidence_hash,
            outcome=request.POST.get(f"outcome-{finding.code}", ""),
            rationale=request.POST.get(f"rationale-{finding.code}", ""),
        )
        for finding in judged.waiting
        if request.POST.get(f"outcome-{finding.code}", "")
    ]
    try:
        answer_day_findings(
            session=session, answers=answers, actor=request.actor.user, request_key=_key(request)
        )
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, "Findings of the day answered.")
    return to_session(session, "door")


def _key(request: ActorRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("request_key", ""))
    except ValueError:
        return None
