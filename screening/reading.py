"""What a reader sees of the screening overview: the rules judged with everything, and this keeps back what is withheld."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from episodes.models import Episode
from episodes.readers import Eyes, eyes_of
from kapclinic.accounts.policy import Actor
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Attachment
from screening.contraindications.verdicts import Evidence, MissingFact
from screening.finding_selectors import FindingView, Overview
from screening.models import (
    Condition,
    EligibilityDecision,
    Fact,
    HistoryAnswer,
    Medication,
    Response,
    StudyResult,
)
from screening.questions import QUESTION_BY_KEY
from screening.segments import category_of_question, category_of_rule

_ROWS = {
    "history": HistoryAnswer,
    "condition": Condition,
    "medication": Medication,
    "audit-c": Response,
}
_WITHHELD = "Withheld"


def overview_for(overview: Overview, eyes: Eyes) -> tuple[Overview, bool]:
    """The overview as these eyes see it, and whether a finding that stands is withheld from them.

    Where it stands, and how much is missing, stay as the rules found them. A finding about substance use is shown to who may
    read the segment, or who wrote all that it rests on; any other finding is safety, but the row under it may be withheld: of
    an opioid then the name. No query for who may read all of it, else at most one per kind of evidence.
    """
    if not eyes.withheld(ConsentCategory.SUBSTANCE_USE, ConsentCategory.MEDICATION):
        return overview, False
    sees = eyes.reads(ConsentCategory.SUBSTANCE_USE)
    views = (*overview.absolute, *overview.relative, *overview.informational)
    readable = _readable_evidence((entry for view in views for entry in view.evidence), eyes)
    seen = replace(
        overview,
        absolute=_seen(overview.absolute, readable, sees),
        relative=_seen(overview.relative, readable, sees),
        informational=_seen(overview.informational, readable, sees),
        missing=tuple(_without_what_is_withheld(fact, eyes) for fact in overview.missing),
        noted=tuple(fact for fact in overview.noted if sees or not _is_telling(fact)),
    )
    has_withheld = len(seen.absolute) + len(seen.relative) < len(overview.absolute) + len(overview.relative)
    return seen, has_withheld


def _readable_evidence(entries: Iterable[Evidence], eyes: Eyes) -> dict[tuple[str, str], bool]:
    """Whether the row under each piece of evidence may be read."""
    refs: dict[str, set[str]] = {}
    for entry in entries:
        if entry.ref and entry.kind in _ROWS:
            refs.setdefault(entry.kind, set()).add(entry.ref)
    found: dict[tuple[str, str], bool] = {}
    for kind, keys in refs.items():
        model: Any = _ROWS[kind]
        for row in model.objects.filter(pk__in=keys):
            found[kind, str(row.pk)] = eyes.reads_row(row)
    return found


def _seen(
    views: Iterable[FindingView], readable: dict[tuple[str, str], bool], sees_substance_use: bool
) -> tuple[FindingView, ...]:
    seen = []
    for view in views:
        may_read = [readable.get((entry.kind, entry.ref), True) for entry in view.evidence]
        is_substance = category_of_rule(view.rule.code) is ConsentCategory.SUBSTANCE_USE
        if is_substance and not sees_substance_use:
            if all(may_read) and any((entry.kind, entry.ref) in readable for entry in view.evidence):
                seen.append(view)
            continue
        evidence = tuple(
            entry if may else Evidence(entry.kind, "", _WITHHELD)
            for entry, may in zip(view.evidence, may_read, strict=True)
        )
        seen.append(replace(view, evidence=evidence))
    return tuple(seen)


def _is_telling(fact: MissingFact) -> bool:
    area, _, key = fact.key.partition(":")
    return (
        area == "history"
        and key in QUESTION_BY_KEY
        and category_of_question(key) is ConsentCategory.SUBSTANCE_USE
    )


def _without_what_is_withheld(fact: MissingFact, eyes: Eyes) -> MissingFact:
    """That somebody answered "unknown" is an answer too, and an unclassified name is a medication's."""
    if _is_telling(fact) and not eyes.reads(ConsentCategory.SUBSTANCE_USE):
        return replace(fact, asked=False)
    if fact.key.startswith("medication:") and eyes.withheld(ConsentCategory.MEDICATION):
        return replace(fact, text="Unclassified medication")
    return fact


def lapse_words(decision: EligibilityDecision, eyes: Eyes) -> str:
    """The rules over which a decision lapsed, as far as these eyes see them."""
    if not decision.has_lapsed:
        return ""
    codes = [code for code in decision.lapse.codes if eyes.reads(category_of_rule(code))]
    return ", ".join(codes) if len(codes) == len(decision.lapse.codes) else ", ".join([*codes, "withheld"])


def withheld_of(model: type[Fact], eyes: Eyes) -> list[str]:
    """Labels of what these eyes cannot see of a page that lists facts of this model, whether or not there is any."""
    return eyes.withheld(*categories_of(model))


def categories_of(model: type[Fact]) -> tuple[ConsentCategory, ...]:
    """What facts of this model can tell of that a consent withholds."""
    return _CATEGORIES.get(model, ())


_CATEGORIES: dict[type[Fact], tuple[ConsentCategory, ...]] = {
    HistoryAnswer: (ConsentCategory.SUBSTANCE_USE,),
    Condition: (ConsentCategory.SUBSTANCE_USE,),
    Medication: (ConsentCategory.MEDICATION, ConsentCategory.SUBSTANCE_USE),
    StudyResult: (ConsentCategory.SUBSTANCE_USE,),
}


def withheld_papers(actor: Actor, files: Iterable[Attachment], now: datetime) -> frozenset[UUID]:
    """Papers under facts about substance use that this person may not see now. The files are of one episode."""
    listed = list(files)
    episode = (
        Episode.objects.select_related("clinic").filter(pk__in={each.subject_id for each in listed}).first()
    )
    if episode is None:
        return frozenset()
    eyes = eyes_of(actor, episode, now=now)
    if eyes.reads(ConsentCategory.SUBSTANCE_USE):
        return frozenset()
    kinds: tuple[Any, ...] = (HistoryAnswer, Condition, Medication, StudyResult)
    facts = [fact for model in kinds for fact in model.objects.filter(evidence__in=listed)]
    telling = {
        fact.evidence_id
        for fact in facts
        if fact.consent_category is ConsentCategory.SUBSTANCE_USE and not eyes.reads_row(fact)
    }
    return frozenset(each.pk for each in listed if each.pk in telling and each.created_by_id != actor.user.pk)
