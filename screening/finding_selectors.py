"""What other rooms and pages ask of findings, medications and decisions."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db.models import Prefetch
from django.utils import timezone

from episodes.models import Consent, ConsentKind, Episode
from kapclinic.clinics.refusals import Reason
from screening.contraindications import Evaluation, Rule, Severity, Standing, catalogue, evaluate, facts
from screening.contraindications.verdicts import Evidence, MissingFact
from screening.gathering import cutoffs_of, gather_facts, local_day
from screening.medications import OTHER_CLASS, class_label
from screening.models import (
    AnswerOutcome,
    EligibilityDecision,
    Finding,
    FindingAnswer,
    Medication,
    MedicationReview,
    RemsEnrolment,
    RiskAssessment,
    RiskState,
)
from screening.models.findings import ScopeChoice, SeverityChoice
from screening.segments import withholdable


def standing_findings(episode: Episode, *, session_key: uuid.UUID | None = None) -> list[Finding]:
    """The stored findings that stand, each with its answers newest first; two queries."""
    answers = FindingAnswer.objects.select_related("signed_by").order_by("-signed_at")
    return list(
        Finding.objects.filter(
            episode=episode, session_key=session_key, cleared_at__isnull=True
        ).prefetch_related(Prefetch("answers", queryset=answers))
    )


def latest_answer(finding: Finding) -> FindingAnswer | None:
    """The answer that counts; the finding comes from `standing_findings`."""
    return next(iter(finding.answers.all()), None)


@dataclass(frozen=True)
class BannerFinding:
    """One finding in a few words."""

    code: str
    label: str
    severity: str
    answer: str


@dataclass(frozen=True)
class FindingsSummary:
    """What the patient banner says: absolute findings, relative ones with their state, an open assessment."""

    absolute: tuple[BannerFinding, ...]
    unanswered: tuple[BannerFinding, ...]
    accepted: tuple[BannerFinding, ...]
    open_risk: RiskAssessment | None

    @property
    def needs_a_person(self) -> bool:
        """True when anything here stops a dose."""
        return bool(self.absolute or self.unanswered or self.open_risk)


def findings_summary(episode: Episode) -> FindingsSummary:
    """The findings that stand and the open risk assessment; three queries, none of them over facts."""
    absolute: list[BannerFinding] = []
    unanswered: list[BannerFinding] = []
    accepted: list[BannerFinding] = []
    for row in standing_findings(episode):
        answer = latest_answer(row)
        entry = BannerFinding(
            code=row.code,
            label=catalogue()[row.code].label,
            severity=row.severity,
            answer=answer.outcome if answer else "",
        )
        if row.severity == SeverityChoice.ABSOLUTE:
            absolute.append(entry)
        elif row.severity == SeverityChoice.RELATIVE:
            (accepted if entry.answer == AnswerOutcome.ACCEPT else unanswered).append(entry)
    return FindingsSummary(tuple(absolute), tuple(unanswered), tuple(accepted), open_risk(episode))


def open_risk(episode: Episode) -> RiskAssessment | None:
    """The suicide-risk assessment that is owed, if one is."""
    return RiskAssessment.objects.standing().filter(episode=episode, state=RiskState.OPEN).first()


def accepted_evidence(
    rows: list[Finding], *, day: dt.date, zone: dt.tzinfo, session_key: uuid.UUID | None = None
) -> dict[str, str]:
    """Code -> evidence hash of what is accepted now.

    An answer for one session holds on the day on which it was signed and for the session that it names.
    """
    found = {}
    for row in rows:
        answer = latest_answer(row)
        if answer is None or answer.outcome != AnswerOutcome.ACCEPT:
            continue
        for_session = answer.scope == ScopeChoice.SESSION
        same_day = answer.signed_at.astimezone(zone).date() == day
        same_session = session_key is not None and answer.session_key == session_key
        if not for_session or same_day or same_session:
            found[row.code] = row.evidence_hash
    return found


# The day of a dose


@dataclass(frozen=True)
class DayEvaluation:
    """The rules of the day for one dosing session, with what was answered and what still holds the dose."""

    evaluation: Evaluation
    accepted: Mapping[str, str]
    standing: Standing
    reasons: tuple[Reason, ...]


def evaluate_day(
    episode: Episode,
    day: facts.DayFacts,
    *,
    now: dt.datetime,
    route: facts.Route | None,
    session_key: uuid.UUID | None = None,
) -> DayEvaluation:
    """Ask the `DAY-*` rules for a dose at `day.dose_at` (or `now`).

    In: what check-in knows (readings, intoxication, escort, food and drink, the order's hold limits).
    Consents, eligibility decisions and REMS are filled in from the record. Out: findings, open
    questions, and every reason that holds the dose; a finding accepted for this session holds nothing.
    To keep them: `services.findings.store_findings(session_key=...)`; to answer them:
    `services.findings.answer_findings(session_key=...)`.
    """
    day = complete_day(episode, replace(day, dose_at=day.dose_at or now))
    on = local_day(episode, day.dose_at or now)
    gathered = facts.Facts(on=on, route=route, day=day)
    asked = evaluate(gathered, cutoffs_of(episode.clinic))
    evaluation = Evaluation(
        verdicts={
            code: verdict for code, verdict in asked.verdicts.items() if catalogue()[code].is_of_the_day
        },
        findings=tuple(finding for finding in asked.findings if finding.rule.is_of_the_day),
        open_rules=tuple(entry for entry in asked.open_rules if entry.rule.is_of_the_day),
    )
    rows = standing_findings(episode, session_key=session_key) if session_key else []
    accepted = accepted_evidence(rows, day=on, zone=episode.clinic.zone, session_key=session_key)
    return DayEvaluation(
        evaluation=evaluation,
        accepted=accepted,
        standing=evaluation.standing(accepted),
        reasons=holding_reasons(evaluation, accepted),
    )


def complete_day(episode: Episode, day: facts.DayFacts) -> facts.DayFacts:
    """The check-in with consents, decisions and REMS from the record, where the caller left them open."""
    zone = episode.clinic.zone
    if day.consents is None:
        rows = Consent.objects.standing().filter(episode=episode, kind=ConsentKind.TREATMENT)
        consents = tuple(
            facts.ConsentFact(
                ref=str(row.pk),
                signed_on=row.signed_on,
                expires_on=row.expires_on,
                revoked_on=row.revoked_at.astimezone(zone).date() if row.revoked_at else None,
            )
            for row in rows
        )
        day = replace(day, consents=consents)
    if day.clearances is None:
        latest = latest_decision(episode)
        cleared = (
            (facts.ClearanceFact(str(latest.pk), latest.signed_on, latest.valid_until, latest.has_lapsed),)
            if latest is not None and latest.clears
            else ()
        )
        day = replace(day, clearances=cleared)
    if day.rems is None:
        day = replace(day, rems=_rems(episode))
    return day


def _rems(episode: Episode) -> facts.RemsFact:
    enrolment = RemsEnrolment.objects.current().of_episode(episode).filter(ended_on__isnull=True).first()
    clinic = episode.clinic
    return facts.RemsFact(
        enrolment_ref=str(enrolment.pk) if enrolment else "",
        enrolled_on=enrolment.enrolled_on if enrolment else None,
        site_ref=clinic.rems_site_id,
        site_certified=bool(clinic.rems_site_id),
        site_certified_until=clinic.rems_certified_until,
    )


def latest_decision(episode: Episode) -> EligibilityDecision | None:
    """The newest eligibility decision that was not struck."""
    return (
        EligibilityDecision.objects.standing()
        .of_episode(episode)
        .select_related("signed_by", "lapse")
        .first()
    )


def holding_reasons(evaluation: Evaluation, accepted: Mapping[str, str]) -> tuple[Reason, ...]:
    """Every reason of these rules to hold a dose: absolute findings, unanswered ones, missing answers."""
    found = [
        Reason(
            f"finding-{finding.code}",
            f"{finding.rule.label}. {finding.rule.resolve}",
            category=withholdable(finding.code),
        )
        for finding in evaluation.of(Severity.ABSOLUTE)
    ]
    found += [
        Reason(
            f"finding-{finding.code}",
            f"{finding.rule.label}: waits for a prescriber's decision.",
            category=withholdable(finding.code),
        )
        for finding in evaluation.of(Severity.RELATIVE)
        if accepted.get(finding.code) != finding.evidence_hash
    ]
    found += [Reason(f"missing-{fact.key}", f"Not known: {fact.text}.") for fact in evaluation.missing]
    return tuple(found)


# Medications


@dataclass(frozen=True)
class MedicationLine:
    """One active medication with the words of its classes."""

    medication: Medication
    classes: tuple[str, ...]


@dataclass(frozen=True)
class MedicationSummary:
    """The active medications of an episode; `is_listed` says whether anybody went through the list."""

    lines: tuple[MedicationLine, ...]
    takes_none: bool
    is_listed: bool

    @property
    def unclassified(self) -> tuple[Medication, ...]:
        """Medications that a prescriber still has to look at."""
        return tuple(line.medication for line in self.lines if not line.medication.is_settled)


def medication_summary(episode: Episode, *, now: dt.datetime | None = None) -> MedicationSummary:
    """The medications that the patient takes today; two queries."""
    today = local_day(episode, now or timezone.now())
    rows = [row for row in Medication.objects.current().of_episode(episode) if row.is_active_on(today)]
    review = MedicationReview.objects.current().of_episode(episode).first()
    return MedicationSummary(
        lines=tuple(MedicationLine(row, medication_class_labels(row)) for row in rows),
        takes_none=bool(review and review.takes_none and not rows),
        is_listed=bool(rows) or review is not None,
    )


def medication_class_labels(medication: Medication) -> tuple[str, ...]:
    """The classes that some rule reads, in words."""
    return tuple(class_label(key) for key in medication.classes if key != OTHER_CLASS)


# The page "may this person be treated?"


@dataclass(frozen=True)
class FindingView:
    """A finding as a page shows it: the rule in words, its evidence, the answer that counts."""

    rule: Rule
    evidence: tuple[Evidence, ...]
    evidence_hash: str
    answer: FindingAnswer | None
    is_accepted: bool
    earlier: FindingAnswer | None = None

    @property
    def waits(self) -> bool:
        """True when a prescriber still has to answer it."""
        return self.rule.severity is Severity.RELATIVE and self.answer is None


@dataclass(frozen=True)
class Overview:
    """Everything on the overview: where the patient stands, what is missing, what was found and decided."""

    standing: Standing
    absolute: tuple[FindingView, ...]
    relative: tuple[FindingView, ...]
    informational: tuple[FindingView, ...]
    missing: tuple[MissingFact, ...]
    noted: tuple[MissingFact, ...]
    decision: EligibilityDecision | None
    decision_in_force: bool
    risk: RiskAssessment | None

    @property
    def unanswered(self) -> tuple[FindingView, ...]:
        """Relative findings without an acceptance that counts."""
        return tuple(view for view in self.relative if not view.is_accepted)


def overview_of(episode: Episode, *, now: dt.datetime | None = None) -> Overview:
    """The overview, asked of the facts as they stand now; a bounded number of queries."""
    now = now or timezone.now()
    today = local_day(episode, now)
    evaluation = evaluate(gather_facts(episode, now=now), cutoffs_of(episode.clinic))
    rows = {row.code: row for row in standing_findings(episode)}
    accepted = accepted_evidence(list(rows.values()), day=today, zone=episode.clinic.zone)
    earlier = _earlier_answers(episode)
    views: dict[Severity, list[FindingView]] = {severity: [] for severity in Severity}
    for finding in evaluation.findings:
        row = rows.get(finding.code)
        answer = latest_answer(row) if row and row.evidence_hash == finding.evidence_hash else None
        views[finding.rule.severity].append(
            FindingView(
                rule=finding.rule,
                evidence=finding.evidence,
                evidence_hash=finding.evidence_hash,
                answer=answer,
                is_accepted=accepted.get(finding.code) == finding.evidence_hash,
                earlier=None if answer else earlier.get(finding.code),
            )
        )
    decision = latest_decision(episode)
    held = {fact.key for fact in evaluation.missing}
    return Overview(
        standing=evaluation.standing(accepted),
        absolute=tuple(views[Severity.ABSOLUTE]),
        relative=tuple(views[Severity.RELATIVE]),
        informational=tuple(views[Severity.INFORMATIONAL]),
        missing=evaluation.missing,
        noted=tuple(
            fact for entry in evaluation.open_rules for fact in entry.missing if fact.key not in held
        ),
        decision=decision,
        decision_in_force=decision is not None and decision.is_in_force_on(today),
        risk=open_risk(episode),
    )


def _earlier_answers(episode: Episode) -> dict[str, FindingAnswer]:
    """The last answer to each code on evidence that has changed since."""
    rows = (
        FindingAnswer.objects.filter(
            finding__episode=episode, finding__session_key__isnull=True, finding__cleared_at__isnull=False
        )
        .select_related("finding", "signed_by")
        .order_by("signed_at")
    )
    return {row.finding.code: row for row in rows}
