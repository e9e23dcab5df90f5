"""Kinds of tasks that no hand may tick off: they end when the work that they ask for is recorded."""

_ended_by_work: set[str] = set()


def ended_by_work(*kinds: str) -> None:
    """Declare kinds that their own room closes (a risk assessment ends with the assessment, not with a tick)."""
    _ended_by_work.update(kinds)


def is_ended_by_work(kind: str) -> bool:
    """True when only the recorded work ends a task of this kind."""
    return kind in _ended_by_work
