"""May this person be treated? The overview, answering findings, the eligibility decision."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import Episode
from episodes.readers import Eyes, eyes_of
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents.categories import ConsentCategory
from screening.contraindications import Evidence, MissingFact, Standing
from screening.finding_selectors import FindingView, Overview, overview_of
from screening.forms.findings import AnswerForm, DecisionForm, SignAnswersForm, add_refusal
from screening.models import AnswerOutcome, EligibilityDecision
from screening.questions import QUESTION_BY_KEY, SYSTEM_BY_KEY
from screening.reading import lapse_words, overview_for
from screening.services.decisions import decide_eligibility, last_valid_day
from screening.services.findings import answer_findings


@dataclass(frozen=True)
class Gap:
    """A group of missing facts that one page can fill."""

    label: str
    url: str
    items: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many facts."""
        return len(self.items)


_PAGES = {
    "medications": ("Medications", "screening:medications"),
    "medication": ("Medications", "screening:medications"),
    "pregnancy": ("Pregnancy and breastfeeding", "screening:pregnancy"),
    "vitals": ("Vital signs", "screening:vitals"),
    "risk": ("Suicide-risk assessment", "screening:risk-assess"),
    "condition": ("Conditions", "screening:conditions"),
}


def _address(name: str, *args: Any, anchor: str = "") -> str:
    try:
        return reverse(name, args=args) + anchor
    except NoReverseMatch:
        return ""


def gaps_of(episode: Episode, missing: Iterable[MissingFact]) -> list[Gap]:
    """The missing facts as a short checklist: one line for each page that fills them."""
    found: dict[tuple[str, str], list[str]] = {}
    for fact in missing:
        area, _, rest = fact.key.partition(":")
        if area == "history":
            system = SYSTEM_BY_KEY[QUESTION_BY_KEY[rest].system]
            place = (
                f"History: {system.label}",
                _address("screening:history", episode.public_id, anchor=f"#system-{system.key}"),
            )
        elif area == "phq9":
            place = ("PHQ-9", _address("screening:response-create", episode.public_id, "phq-9"))
        elif area == "audit-c":
            place = ("AUDIT-C", _address("screening:response-create", episode.public_id, "audit-c"))
        elif area == "patient":
            place = ("Patient's details", _address("episodes:patient-edit", episode.patient.public_id))
        else:
            label, name = _PAGES[area]
            place = (label, _address(name, episode.public_id))
        found.setdefault(place, []).append(f"{fact.text} (asked, not known)" if fact.asked else fact.text)
    return [Gap(label, url, tuple(items)) for (label, url), items in found.items()]


_STANDING = {
    Standing.BLOCKED: (
        "red",
        "Not while this stands",
        "An absolute finding stops treatment. It is corrected with evidence, never overridden.",
    ),
    Standing.INCOMPLETE: (
        "amber",
        "Not known yet",
        "Answers are missing. Until they are there nobody can be called eligible.",
    ),
    Standing.NEEDS_PRESCRIBER: ("amber", "A prescriber decides", "Findings wait for a prescriber's answer."),
    Standing.CLEAR: (
        "green",
        "Nothing stands against it",
        "Every question is answered and every finding is accepted.",
    ),
}


def standing_words(overview: Overview) -> dict[str, str]:
    """Tone, title and sentence for where the patient stands."""
    tone, title, text = _STANDING[overview.standing]
    return {"tone": tone, "title": title, "text": text}


_EVIDENCE_PAGES = {
    "condition": "screening:condition-change",
    "medication": "screening:medication-change",
}
_RETRACTABLE = {
    "condition": "condition",
    "pregnancy": "pregnancyrecord",
    "pregnancy-test": "pregnancytest",
    "history": "historyanswer",
    "allergy": "allergy",
}


def _evidence_line(entry: Evidence, *, may_correct: bool) -> dict[str, Any]:
    url = (
        _address(_EVIDENCE_PAGES[entry.kind], entry.ref)
        if entry.ref and entry.kind in _EVIDENCE_PAGES
        else ""
    )
    correct = (
        _address("screening:retract", _RETRACTABLE[entry.kind], entry.ref)
        if may_correct and entry.ref and entry.kind in _RETRACTABLE
        else ""
    )
    return {"text": entry.text, "on": entry.on, "url": url, "correct_url": correct}


def _shown(views: Iterable[FindingView], *, may_correct: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "view": view,
            "rule": view.rule,
            "evidence": [_evidence_line(entry, may_correct=may_correct) for entry in view.evidence],
        }
        for view in views
    ]


def _latest_decisions(episode: Episode, eyes: Eyes) -> list[dict[str, Any]]:
    rows = EligibilityDecision.objects.of_episode(episode).select_related(
        "signed_by", "lapse", "entered_in_error_by"
    )
    return [{"decision": row, "lapsed_over": lapse_words(row, eyes)} for row in rows[:10]]


def _heard(reasons: Iterable[Reason], found: Overview, eyes: Eyes) -> tuple[Reason, ...]:
    """Refusals as this reader may hear them: those about a finding that stands on the page by its name."""
    shown = tuple(view.rule.code for view in (*found.absolute, *found.relative))
    named = (
        replace(reason, category="") if f"{reason.code} {reason.field or ''}".endswith(shown) else reason
        for reason in reasons
    )
    return eyes.said(named)


def _sharing(eyes: Eyes, has_withheld: bool) -> dict[str, Any]:
    """What a page of findings says of the sharing consent."""
    return {
        "withheld": eyes.withheld(ConsentCategory.SUBSTANCE_USE),
        "has_withheld_finding": has_withheld,
        "part2_notice": eyes.part2_notice,
    }


@page("screening.view", fetch=episode_for, methods=("GET", "HEAD"))
def overview(request: ActorRequest, episode: Episode) -> HttpResponse:
    """May this person be treated? What is missing, what was found, what was decided."""
    now = timezone.now()
    eyes = eyes_of(request.actor, episode, now=now)
    whole = overview_of(episode, now=now)
    found, has_withheld = overview_for(whole, eyes)
    may_answer = can(request.actor, "finding.answer", episode)
    return render(
        request,
        "screening/overview.html",
        {
            "episode": episode,
            "overview": found,
            "standing": standing_words(found),
            "gaps": gaps_of(episode, found.missing),
            "absolute": _shown(found.absolute, may_correct=may_answer),
            "relative": _shown(found.relative),
            "informational": _shown(found.informational),
            "unanswered": len(whole.unanswered),
            "stopping": len(whole.absolute),
            "decisions": _latest_decisions(episode, eyes),
            **_sharing(eyes, has_withheld),
            "may_answer": may_answer,
            "may_decide": can(request.actor, "eligibility.decide", episode),
            "may_assess": can(request.actor, "risk.assess", episode),
            "section": "overview",
        },
    )


def _answer_forms(request: ActorRequest, found: Overview) -> list[AnswerForm]:
    return [
        AnswerForm(
            request.POST or None,
            view=view,
            initial={
                "outcome": view.answer.outcome,
                "rationale": view.answer.rationale,
                "conditions": view.answer.conditions,
                "scope": view.answer.scope,
            }
            if view.answer
            else None,
        )
        for view in found.relative
        if not view.is_accepted
    ]


@page("finding.answer", fetch=episode_for)
def answer(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Answer the findings that wait, several with one signature, without a new decision."""
    now = timezone.now()
    eyes = eyes_of(request.actor, episode, now=now)
    found, has_withheld = overview_for(overview_of(episode, now=now), eyes)
    form = SignAnswersForm(request.POST or None)
    answer_forms = _answer_forms(request, found)
    valid = [form.is_valid(), *(entry.is_valid() for entry in answer_forms)]
    if request.method == "POST" and all(valid):
        answers = [given for entry in answer_forms if (given := entry.answer()) is not None]
        try:
            if not answers:
                messages.warning(request, "Nothing was answered.")
                return redirect("screening:finding-answer", public_id=episode.public_id)
            answer_findings(
                episode=episode,
                answers=answers,
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refused:
            add_refusal(_heard(refused.reasons, found, eyes), form, answer_forms)
        else:
            messages.success(
                request, f"Signed: {len(answers)} finding{'s' if len(answers) > 1 else ''} answered."
            )
            return redirect("screening:overview", public_id=episode.public_id)
    sharing = _sharing(eyes, has_withheld)
    return _decision_page(request, episode, found, form, answer_forms, is_decision=False, sharing=sharing)


@page("eligibility.decide", fetch=episode_for)
def decide(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The eligibility decision with an answer to every finding, in one form and with one signature."""
    now = timezone.now()
    eyes = eyes_of(request.actor, episode, now=now)
    found, has_withheld = overview_for(overview_of(episode, now=now), eyes)
    form = DecisionForm(request.POST or None, initial={"valid_until": last_valid_day(episode, now=now)})
    answer_forms = _answer_forms(request, found)
    valid = [form.is_valid(), *(entry.is_valid() for entry in answer_forms)]
    if request.method == "POST" and all(valid):
        try:
            decision = decide_eligibility(
                episode=episode,
                outcome=form.cleaned_data["outcome"],
                rationale=form.cleaned_data["rationale"],
                conditions=form.cleaned_data["conditions"],
                valid_until=form.cleaned_data["valid_until"],
                answers=[given for entry in answer_forms if (given := entry.answer()) is not None],
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refused:
            add_refusal(_heard(refused.reasons, found, eyes), form, answer_forms)
        else:
            messages.success(request, f"Signed: {decision.get_outcome_display().lower()}.")
            return redirect("screening:overview", public_id=episode.public_id)
    sharing = _sharing(eyes, has_withheld)
    return _decision_page(request, episode, found, form, answer_forms, is_decision=True, sharing=sharing)


def _decision_page(
    request: ActorRequest,
    episode: Episode,
    found: Overview,
    form: Any,
    answer_forms: list[AnswerForm],
    *,
    is_decision: bool,
    sharing: dict[str, Any],
) -> HttpResponse:
    has_errors = bool(form.errors) or any(entry.errors for entry in answer_forms)
    return render(
        request,
        "screening/decision.html",
        {
            "episode": episode,
            "overview": found,
            "standing": standing_words(found),
            "gaps": gaps_of(episode, found.missing),
            "form": form,
            "answers": [
                {
                    "form": entry,
                    "evidence": [_evidence_line(line, may_correct=False) for line in entry.view.evidence],
                }
                for entry in answer_forms
            ],
            "absolute": _shown(found.absolute, may_correct=True),
            "accepted": _shown(view for view in found.relative if view.is_accepted),
            "informational": _shown(found.informational),
            "is_decision": is_decision,
            "outcomes": AnswerOutcome.choices,
            "has_errors": has_errors,
            "section": "decision",
            **sharing,
        },
        status=422 if request.method == "POST" and has_errors else 200,
    )
