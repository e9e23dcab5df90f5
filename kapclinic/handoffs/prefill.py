"""What the record offers for the fields of a handoff: text to start from, and where each piece was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from episodes.models import CareTeamMember, Consent, ConsentKind, Episode
from episodes.readers import Eyes
from integration.models import ActionStep, IntegrationSession
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import day_label
from kapclinic.documents.parts import local_time
from kapclinic.handoffs.fields import (
    ACUTE_RISK,
    EMERGENCY,
    NO_RISK,
    RISK,
    SOME_RISK,
    TO_PRESCRIBER,
    TO_THERAPIST,
    field_of,
)
from screening.finding_selectors import latest_decision, open_risk
from screening.models import Condition, Medication, RiskAssessment
from screening.selectors import medication_summary
from sessions.dose import ROUTE_LABELS, Route
from sessions.models import DosingSession, Incident, PreparationSession
from sessions.selectors import DoseReport, dose_report, unanswered_challenges
from sessions.vitals import SEDATION_STEPS

# What the outcome of a risk assessment says in the words that both disciplines use.
RISK_VIEW: Mapping[str, str] = {
    "none": NO_RISK,
    "passive": SOME_RISK,
    "active-no-intent": SOME_RISK,
    "intent-or-plan": ACUTE_RISK,
    "imminent": ACUTE_RISK,
}
_MOST_CONDITIONS = 12


@dataclass(frozen=True, slots=True)
class Source:
    """Where in the record something was found: words, and the address of its page."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to start from, and where in the record it was found."""

    text: str
    sources: tuple[Source, ...]

    @property
    def source(self) -> str:
        """The sources in one line of words."""
        return ", ".join(source.words for source in self.sources)


def suggestions(
    kind: str,
    *,
    episode: Episode,
    session: DosingSession | None = None,
    now: datetime,
    eyes: Eyes | None = None,
) -> dict[str, Suggestion]:
    """What the record offers for the fields of a handoff; fields of which it says nothing are left out.

    `eyes` are the author's: of medications only those are offered that they see. None: their texts are shown to nobody.
    """
    if kind == TO_PRESCRIBER:
        found = _before_the_dose(episode, eyes)
    elif kind == TO_THERAPIST:
        report = None if session is None else dose_report(session)
        found = {} if report is None or session is None else _after_the_dose(report, session)
    elif kind == EMERGENCY:
        found = _emergency(episode, now)
    else:
        found = _coordination(episode, now)
    found |= _views(kind, episode)
    return {key: suggestion for key, suggestion in found.items() if suggestion.text.strip()}


def as_stored(offered: Mapping[str, Suggestion]) -> dict[str, list[list[str]]]:
    """Sources by field as a handoff keeps them."""
    return {key: [[source.words, source.url] for source in each.sources] for key, each in offered.items()}


def from_stored(stored: Mapping[str, Any]) -> dict[str, tuple[Source, ...]]:
    """Sources by field from what a handoff keeps; older ones keep words alone."""
    return {
        key: (Source(value),) if isinstance(value, str) else tuple(Source(*pair) for pair in value)
        for key, value in stored.items()
    }


def _page(name: str, episode: Episode) -> str:
    return reverse(name, args=[episode.public_id])


def _joined(lines: Iterable[tuple[str, Source]]) -> Suggestion:
    """Lines of text with the place of each; a place that gave several lines is named once."""
    found = [(text, source) for text, source in lines if text.strip()]
    return Suggestion(
        "\n".join(text for text, _ in found), tuple(dict.fromkeys(source for _, source in found))
    )


def _views(kind: str, episode: Episode) -> dict[str, Suggestion]:
    """The words that both disciplines use, as far as the record has them; the author confirms or changes each."""
    found: dict[str, Suggestion] = {}
    risk = RiskAssessment.objects.standing().filter(episode=episode, state="recorded").first()
    if risk is not None and risk.assessed_at is not None and field_of(kind, RISK.key):
        when = day_label(risk.assessed_at.astimezone(episode.clinic.zone).date())
        source = Source(f"risk assessment of {when}", _page("screening:risk-assess", episode))
        found[RISK.key] = Suggestion(RISK_VIEW.get(risk.outcome, ""), (source,))
    return found


def _before_the_dose(episode: Episode, eyes: Eyes | None) -> dict[str, Suggestion]:
    zone = episode.clinic.zone
    notes = IntegrationSession.objects.standing().filter(episode=episode, state="signed")
    last = notes.order_by("-held_from").first()
    preparations = PreparationSession.objects.standing().filter(episode=episode, state="signed")
    preparation = preparations.order_by("-held_from").first()
    themes: list[tuple[str, Source]] = []
    if last is not None and last.themes:
        words = f"integration session of {day_label(last.held_from.astimezone(zone).date())}"
        themes.append((last.themes, Source(words, reverse("integration:session-detail", args=[last.pk]))))
    if preparation is not None and preparation.intention:
        words = f"preparation of {day_label(preparation.held_from.astimezone(zone).date())}"
        source = Source(words, reverse("dosing:preparation-detail", args=[preparation.pk]))
        themes.append((f"Intention: {preparation.intention}", source))
    steps = list(ActionStep.objects.open().filter(episode=episode).values_list("text", flat=True))
    if steps:
        source = Source("open action steps", _page("integration:overview", episode))
        themes.append(("Open action steps: " + "; ".join(steps), source))
    concerns: list[tuple[str, Source]] = []
    if open_risk(episode) is not None:
        source = Source("open risk assessment", _page("screening:risk-assess", episode))
        concerns.append(("A suicide-risk assessment is open.", source))
    concerns += [
        (
            f"{challenge.get_kind_display()} of {day_label(challenge.began_at.astimezone(zone).date())} is not answered yet.",
            Source("challenging experiences", reverse("dosing:session-detail", args=[challenge.session_id])),
        )
        for challenge in unanswered_challenges(episode)
    ]
    if preparation is None:
        source = Source("list of preparations", _page("dosing:preparation-list", episode))
        concerns.append(("No preparation session is signed.", source))
    medications = medication_summary(episode)
    listed = "\n".join(
        f"{line.medication}:"
        for line in medications.lines
        if eyes is None or _is_offered(line.medication, eyes)
    )
    sees_list = eyes is None or not eyes.withheld(ConsentCategory.MEDICATION)
    taken = "Takes no medication." if medications.takes_none and sees_list else listed
    return {
        "themes": _joined(themes),
        "readiness": _joined(concerns),
        "adherence": _joined([(taken, Source("medication list", _page("screening:medications", episode)))]),
    }


def _is_offered(medication: Medication, eyes: Eyes) -> bool:
    """At a Part 2 clinic nothing that tells of substance use is put into a field that the consent reads as medication."""
    is_telling = medication.consent_category is ConsentCategory.SUBSTANCE_USE
    return eyes.reads_row(medication) and not (is_telling and eyes.is_part2)


def _after_the_dose(report: DoseReport, session: DosingSession) -> dict[str, Suggestion]:
    zone = session.clinic.zone
    url = reverse("dosing:session-detail", args=[session.pk])
    when = f"dosing record of {day_label(report.dose.on)}"

    def of(text: str, words: str = when) -> Suggestion:
        return Suggestion(text, (Source(words, url),))

    parts = [f"{report.dose.summary}, {ROUTE_LABELS[Route(report.dose.route)].lower()}."]
    if any(entry.stopped_early for entry in report.administrations):
        parts.append(
            "Stopped early: " + "; ".join(e.stop_reason for e in report.administrations if e.stopped_early)
        )
    parts += [
        f"Also given: {medicine.name} {medicine.amount} ({medicine.reason})." for medicine in report.medicines
    ]
    told = [entry.text for entry in report.narrative if entry.text]
    deepest = min((r.sedation for r in report.readings if r.sedation is not None), default=None)
    if deepest is not None:
        told.append(
            f"Deepest sedation: {SEDATION_STEPS[deepest]} (MOAA/S {deepest})."
            if deepest < max(SEDATION_STEPS)
            else f"Awake at every reading (MOAA/S {deepest})."
        )
    told += [
        f"{challenge.get_kind_display()} at {challenge.began_at.astimezone(zone):%H:%M}: {challenge.description}".strip(
            ": "
        )
        for challenge in report.challenges
        if challenge.kind != "trauma"
    ]
    events = [
        f"{event.term}, grade {event.grade}{', serious' if event.is_serious else ''}: {event.get_outcome_display().lower()}"
        + (f"; {event.action_taken}" if event.action_taken else "")
        for event in report.adverse_events
    ]
    trauma = [challenge.description for challenge in report.challenges if challenge.kind == "trauma"]
    focus = [f"Until integration: {report.homework}"] if report.homework else []
    return {
        "dose": of("\n".join(parts)),
        "response": of("\n".join(told), f"log and readings, {when}"),
        "adverse_events": of("\n".join(events) or "None recorded."),
        "mental_status": of(report.mental_status, f"discharge check, {when}"),
        "focus": of("\n".join(focus)),
        "trauma": of("\n".join(trauma), f"challenging experiences, {when}"),
    }


def _coordination(episode: Episode, now: datetime) -> dict[str, Suggestion]:
    """The six topics of the first meeting, as far as the record has them."""
    overview = _page("screening:overview", episode)
    home = _page("episodes:episode-detail", episode)
    known = Condition.objects.current().of_episode(episode)
    # Substance use has a field of its own, with a category of its own.
    conditions = [
        str(condition)
        for condition in known
        if condition.consent_category is not ConsentCategory.SUBSTANCE_USE
    ][:_MOST_CONDITIONS]
    indication = episode.get_indication_display()
    if episode.indication_detail:
        indication += f": {episode.indication_detail}"
    presentation = [(indication, Source("episode", home))]
    presentation += [
        (words, Source("conditions", _page("screening:conditions", episode))) for words in conditions
    ]
    decision = latest_decision(episode)
    if decision is not None:
        words = f"{decision.get_outcome_display()}: {decision.rationale}"
        presentation.append((words, Source("eligibility decision", overview)))
    goals = episode.goals.standing().filter(superseded_by__isnull=True)
    consent = Consent.objects.valid_on(now.astimezone(episode.clinic.zone).date()).filter(
        episode=episode, kind=ConsentKind.SHARING
    ).first()  # fmt: skip
    shared = "No sharing consent is on file."
    if consent is not None:
        labels = [
            ConsentCategory(each).label for each in consent.categories if each in ConsentCategory.values
        ]
        until = "" if consent.expires_on is None else f", until {day_label(consent.expires_on)}"
        shared = (
            f"Sharing consent of {day_label(consent.signed_on)}{until}: {', '.join(labels) or 'no category'}."
        )
    return {
        "presentation": _joined(presentation),
        "goals": _joined((goal.text, Source("goals of the episode", home)) for goal in goals),
        "roles": _team(episode, now),
        "escalation": _safety_plan(episode),
        "consent": _joined([(shared, Source("consents", _page("episodes:consents", episode)))]),
    }


def _team(episode: Episode, now: datetime) -> Suggestion:
    rows = CareTeamMember.objects.in_force(now).filter(episode=episode).select_related("user", "outside")
    source = Source("care team", _page("episodes:team", episode))
    return _joined((f"{row.get_part_display()}: {row.user or row.outside}", source) for row in rows)


def _safety_plan(episode: Episode) -> Suggestion:
    preparations = PreparationSession.objects.standing().filter(episode=episode, state="signed")
    last = preparations.exclude(safety_plan="").order_by("-held_from").first()
    patient = episode.patient
    contact = " ".join(
        part for part in (patient.emergency_name, patient.emergency_relation, patient.emergency_phone) if part
    )
    lines: list[tuple[str, Source]] = []
    if last is not None:
        words = f"preparation of {day_label(last.held_from.astimezone(episode.clinic.zone).date())}"
        lines.append((last.safety_plan, Source(words, reverse("dosing:preparation-detail", args=[last.pk]))))
    if contact:
        lines.append(
            (f"Emergency contact: {contact}", Source("patient", _page("episodes:episode-detail", episode)))
        )
    return _joined(lines)


def _emergency(episode: Episode, now: datetime) -> dict[str, Suggestion]:
    zone = episode.clinic.zone
    incident = (
        Incident.objects.standing().filter(session__episode=episode, kind="emergency", at__lte=now)
        .select_related("session", "created_by").order_by("-at").first()
    )  # fmt: skip
    happened: list[tuple[str, Source]] = []
    acted: list[tuple[str, Source]] = []
    if incident is not None:
        url = reverse("dosing:session-detail", args=[incident.session_id])
        source = Source(f"incident of {local_time(incident.at, zone)}", url)
        happened += [(str(finding.get("text", "")), source) for finding in incident.findings]
        for event in incident.session.adverseevents.current():
            words = f"{event.term}, grade {event.grade}, {event.began_at.astimezone(zone):%H:%M}"
            happened.append((words, Source("adverse events", url)))
            if event.action_taken:
                acted.append((event.action_taken, Source("adverse events", url)))
        if incident.created_by is not None:
            acted.append((f"Recorded by {incident.created_by}.", source))
    if open_risk(episode) is not None:
        source = Source("open risk assessment", _page("screening:risk-assess", episode))
        happened.append(("A suicide-risk assessment is open.", source))
    clinic = episode.clinic
    home = Source("clinic", _page("episodes:episode-detail", episode))
    phones = [(f"Clinic after hours: {clinic.after_hours_phone}", home)] if clinic.after_hours_phone else []
    plan = _safety_plan(episode)
    return {
        "happened": _joined(happened),
        "acted": _joined(acted),
        "after_hours": Suggestion(
            "\n".join([*(text for text, _ in phones), plan.text]).strip(),
            (*(source for _, source in phones), *plan.sources),
        ),
    }
