"""What the record itself says about a dose: the parts of a handoff that are printed as recorded."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from episodes.models import Episode
from kapclinic.documents import snapshots
from kapclinic.documents.charts import (
    Band,
    DoseMark,
    Given,
    Limit,
    ScoreLine,
    ScorePoint,
    VitalsPoint,
)
from kapclinic.documents.parts import local_time
from kapclinic.documents.snapshots import Block
from screening.finding_selectors import open_risk
from screening.instruments import instrument
from screening.selectors import score_series
from sessions.clinical_settings import settings_in_force
from sessions.dose import ROUTE_LABELS, ROUTE_SHORT, Route, plain
from sessions.models import DosingSession
from sessions.selectors import DoseReport, dose_report, doses_of_episode

# POLICY: forms from this long before the episode show where the course began.
SCORES_LOOK_BACK = timedelta(days=183)
TREND_INSTRUMENTS = ("phq-9", "gad-7")


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
