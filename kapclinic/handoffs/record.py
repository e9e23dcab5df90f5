"""What the record itself says about a dose: text to start a handoff from, and the parts that are printed as recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from episodes.models import Episode
from integration.models import ActionStep, IntegrationSession
from kapclinic.documents import snapshots
from kapclinic.documents.charts import (
    Band,
    DoseMark,
    Given,
    Limit,
    ScoreLine,
    ScorePoint,
    VitalsPoint,
    day_label,
)
from kapclinic.documents.parts import local_time
from kapclinic.documents.snapshots import Block
from kapclinic.handoffs.models import HandoffKind
from screening.finding_selectors import open_risk
from screening.instruments import instrument
from screening.selectors import medication_summary, score_series
from sessions.clinical_settings import settings_in_force
from sessions.dose import ROUTE_LABELS, ROUTE_SHORT, Route, plain
from sessions.models import DosingSession, PreparationSession
from sessions.selectors import DoseReport, dose_report, doses_of_episode, unanswered_challenges
from sessions.vitals import SEDATION_STEPS

# POLICY: forms from this long before the episode show where the course began.
SCORES_LOOK_BACK = timedelta(days=183)
TREND_INSTRUMENTS = ("phq-9", "gad-7")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to start from, and where in the record it was found."""

    text: str
    source: str


def suggestions(session: DosingSession, kind: str) -> dict[str, Suggestion]:
    """What the record offers for the fields of a handoff; fields of which it says nothing are left out."""
    if kind == HandoffKind.TO_PRESCRIBER:
        found = _before_the_dose(session)
    else:
        report = dose_report(session)
        found = {} if report is None else _after_the_dose(report, session)
    return {key: suggestion for key, suggestion in found.items() if suggestion.text.strip()}


def _before_the_dose(session: DosingSession) -> dict[str, Suggestion]:
    episode, zone = session.episode, session.clinic.zone
    found: dict[str, Suggestion] = {}
    notes = IntegrationSession.objects.standing().filter(episode=episode, state="signed")
    last = notes.order_by("-held_from").first()
    preparations = PreparationSession.objects.standing().filter(episode=episode, state="signed")
    preparation = preparations.order_by("-held_from").first()
    themes: list[str] = []
    sources: list[str] = []
    if last is not None and last.themes:
        themes.append(last.themes)
        sources.append(f"integration session of {day_label(last.held_from.astimezone(zone).date())}")
    if preparation is not None and preparation.intention:
        themes.append(f"Intention: {preparation.intention}")
        sources.append(f"preparation of {day_label(preparation.held_from.astimezone(zone).date())}")
    steps = list(ActionStep.objects.open().filter(episode=episode).values_list("text", flat=True))
    if steps:
        themes.append("Open action steps: " + "; ".join(steps))
    found["themes"] = Suggestion("\n".join(themes), ", ".join(sources) or "open action steps")
    concerns: list[str] = []
    if open_risk(episode) is not None:
        concerns.append("A suicide-risk assessment is open.")
    concerns += [
        f"{challenge.get_kind_display()} of {day_label(challenge.began_at.astimezone(zone).date())} is not answered yet."
        for challenge in unanswered_challenges(episode)
    ]
    if preparation is None:
        concerns.append("No preparation session is signed.")
    found["readiness"] = Suggestion("\n".join(concerns), "open questions of the record")
    medications = medication_summary(episode)
    listed = "\n".join(f"{line.medication}:" for line in medications.lines)
    taken = "Takes no medication." if medications.takes_none else listed
    found["adherence"] = Suggestion(taken, "medication list")
    return found


def _after_the_dose(report: DoseReport, session: DosingSession) -> dict[str, Suggestion]:
    zone = session.clinic.zone
    when = f"dosing record of {day_label(report.dose.on)}"
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
        "dose": Suggestion("\n".join(parts), when),
        "response": Suggestion("\n".join(told), f"log and readings, {when}"),
        "adverse_events": Suggestion("\n".join(events) or "None recorded.", when),
        "mental_status": Suggestion(report.mental_status, f"discharge check, {when}"),
        "focus": Suggestion("\n".join(focus), when),
        "trauma": Suggestion("\n".join(trauma), f"challenging experiences, {when}"),
    }


def dose_blocks(session: DosingSession) -> list[Block]:
    """Dose, times and vital signs as recorded, for the handoff after a dose."""
    report = dose_report(session)
    if report is None:
        return [snapshots.absent("No dose is recorded.")]
    zone = session.clinic.zone
    dose = report.dose
    rows = [
        ("Dose", dose.summary),
        ("Route", ROUTE_LABELS[Route(dose.route)].capitalize()),
        ("Began", local_time(dose.d0, zone)),
        ("Ended", local_time(dose.t0, zone) if dose.t0 else ""),
        ("Approach", report.approach),
        (
            "Left",
            f"{dose.ending_words}, {local_time(dose.left_at, zone)}" if dose.left_at else dose.ending_words,
        ),
    ]
    blocks: list[Block] = [snapshots.facts(rows, heading="As recorded")]
    if len(report.administrations) > 1:
        blocks.append(
            snapshots.table(
                "Administrations",
                ("Began", "Ended", "Given"),
                [
                    (
                        f"{entry.started_at.astimezone(zone):%H:%M}",
                        f"{entry.ended_at.astimezone(zone):%H:%M}" if entry.ended_at else "",
                        entry.summary,
                    )
                    for entry in report.administrations
                ],
            )
        )
    if not report.readings:
        return [*blocks, snapshots.absent("No vital signs are recorded.")]
    blocks.append(_vitals_block(report, session))
    return blocks


def _vitals_block(report: DoseReport, session: DosingSession) -> Block:
    limits = settings_in_force(session.clinic).vitals
    given = [
        Given(
            entry.started_at,
            entry.ended_at,
            f"{ROUTE_SHORT[entry.route_value]} {_amount(entry.amount_mg)}",
            running=entry.is_running,
        )
        for entry in report.administrations
    ]
    readings = [
        VitalsPoint(
            at=reading.taken_at,
            systolic=reading.systolic,
            diastolic=reading.diastolic,
            heart_rate=reading.heart_rate,
            respiratory_rate=reading.respiratory_rate,
            spo2=reading.spo2,
            moaas=reading.sedation,
            note=reading.note,
        )
        for reading in sorted(report.readings, key=lambda reading: reading.taken_at)
    ]
    lines = [
        Limit("systolic", limits.alert_systolic, f"call at {limits.alert_systolic}"),
        Limit("diastolic", limits.alert_diastolic, f"or at {limits.alert_diastolic}"),
        Limit("spo2", limits.alert_spo2_below, f"call below {limits.alert_spo2_below}"),
    ]
    title = f"Vital signs, dose {report.dose.number}"
    return snapshots.vitals(readings, given, lines, session.clinic.zone, title)


def _amount(milligrams: Decimal | None) -> str:
    return "amount not recorded" if milligrams is None else f"{plain(milligrams)} mg"


def event_blocks(session: DosingSession) -> list[Block]:
    """Adverse events of the session as recorded."""
    report = dose_report(session)
    if report is None or not report.adverse_events:
        return []
    zone = session.clinic.zone
    rows = [
        (
            event.term,
            f"{event.began_at.astimezone(zone):%H:%M}",
            str(event.grade),
            "yes" if event.is_serious else "no",
            event.get_outcome_display(),
            event.action_taken,
        )
        for event in report.adverse_events
    ]
    return [snapshots.table("As recorded", ("Event", "Began", "Grade", "Serious", "Outcome", "Action"), rows)]


def score_blocks(episode: Episode) -> list[Block]:
    """PHQ-9 and GAD-7 of the patient's course with the doses marked."""
    since = episode.opened_at - SCORES_LOOK_BACK
    points = [point for point in score_series(episode.patient) if point.completed_at >= since]
    lines = []
    for key in TREND_INSTRUMENTS:
        definition = instrument(key)
        own = [point for point in points if point.instrument_id == key]
        if own:
            lines.append(
                ScoreLine(
                    label=definition.short_title,
                    maximum=definition.maximum,
                    bands=tuple(Band(band.minimum, band.maximum, band.label) for band in definition.bands),
                    points=tuple(
                        ScorePoint(point.completed_at, point.total, point.is_overlapping) for point in own
                    ),
                )
            )
    if not lines:
        return [snapshots.absent("No questionnaires are recorded.")]
    doses = [DoseMark(dose.number, dose.d0) for dose in doses_of_episode(episode)]
    return [snapshots.scores(lines, doses, episode.clinic.zone, "PHQ-9 and GAD-7")]


def safety_blocks(episode: Episode) -> list[Block]:
    """Allergies and an open risk assessment: what no consent withholds from those who treat."""
    allergies = [
        f"{allergy.substance}{f' ({allergy.reaction})' if allergy.reaction else ''}"
        for allergy in episode.patient.allergies.standing().filter(resolved_on__isnull=True)
    ]
    rows = [("Allergies", "; ".join(allergies) or "None recorded")]
    blocks: list[Block] = [snapshots.facts(rows)]
    if open_risk(episode) is not None:
        blocks.append(snapshots.notice("A suicide-risk assessment is open: no dose until it is recorded."))
    return blocks
