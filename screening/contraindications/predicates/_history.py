"""How a question and the problem list answer together whether something has been recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from screening.contraindications.facts import (
    STATUS_WORDS,
    Answer,
    ConditionFact,
    ConditionStatus,
    Facts,
)
from screening.contraindications.verdicts import (
    Evidence,
    MissingFact,
    Verdict,
    does_not_fire,
    fires,
    unknown,
)
from screening.questions import QUESTION_BY_KEY


def is_present(condition: ConditionFact) -> bool:
    """Whether the condition has not resolved."""
    return condition.status is not ConditionStatus.RESOLVED


def is_present_untreated(condition: ConditionFact) -> bool:
    """Whether the condition is there and nobody has called it stable or treated."""
    return condition.status in (ConditionStatus.ACTIVE, ConditionStatus.UNSTABLE)


def ever(condition: ConditionFact) -> bool:
    """Whether the condition counts at all: always, for the rules that ask for any history."""
    return True


def condition_evidence(condition: ConditionFact) -> Evidence:
    """The problem-list entry as evidence."""
    words = f"{condition.name}: {STATUS_WORDS[condition.status]}"
    if condition.liver_grade is not None:
        words += f", grade {condition.liver_grade.value}"
    if condition.event_words:
        return Evidence("condition", condition.ref, f"{words}, {condition.event_words}")
    return Evidence("condition", condition.ref, words, condition.event_on)


def yes_evidence(facts: Facts, question: str) -> Evidence:
    """A "yes" to a history question as evidence."""
    return Evidence("history", facts.history_refs.get(question, ""), f"Yes: {QUESTION_BY_KEY[question].text}")


def missing_answer(facts: Facts, question: str) -> MissingFact:
    """The question that nobody has answered, or that was answered "unknown"."""
    return MissingFact(
        key=f"history:{question}",
        text=QUESTION_BY_KEY[question].text,
        asked=facts.history.get(question) is Answer.UNKNOWN,
    )


def matching(
    facts: Facts, kinds: Iterable[str], counts: Callable[[ConditionFact], bool]
) -> tuple[ConditionFact, ...]:
    """The recorded conditions of these kinds which count."""
    wanted = frozenset(kinds)
    return tuple(entry for entry in facts.conditions if entry.kind in wanted and counts(entry))


def recorded(
    facts: Facts,
    *,
    question: str,
    kinds: Iterable[str] = (),
    counts: Callable[[ConditionFact], bool] = ever,
) -> Verdict:
    """Fires on a "yes" or on a recorded condition that counts; only a "no" says that it does not.

    A problem list without the condition proves nothing, so a question left open stays unknown.
    """
    evidence = [condition_evidence(entry) for entry in matching(facts, kinds, counts)]
    answer = facts.history.get(question)
    if answer is Answer.YES:
        evidence.append(yes_evidence(facts, question))
    if evidence:
        return fires(*evidence)
    if answer is Answer.NO:
        return does_not_fire()
    return unknown(missing_answer(facts, question))
