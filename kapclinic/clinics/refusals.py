"""How a service says no: with every reason at once, each passable or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.forms import BaseForm


@dataclass(frozen=True)
class Reason:
    """One reason to refuse.

    `code` is stable and free of health data; `text` is for people; `field` names the form field it belongs to.
    `passable_by` holds the role values that may go on with a written reason; an empty set means nobody may. `category` is
    what a sharing consent calls that which the text gives away, where a consent can withhold it.
    """

    code: str
    text: str
    field: str | None = None
    passable_by: frozenset[str] = frozenset()
    # A gap in the papers: one written reason passes all of them together (rule book 0.11).
    is_paperwork: bool = False
    category: str = ""

    @property
    def is_hard(self) -> bool:
        """True when no written reason gets past it."""
        return not self.passable_by


class Refused(Exception):
    """Raised by services; carries all reasons, never only the first."""

    def __init__(self, reasons: Iterable[Reason] | Reason):
        self.reasons: tuple[Reason, ...] = (reasons,) if isinstance(reasons, Reason) else tuple(reasons)
        if not self.reasons:
            raise ValueError("Refused needs at least one reason")
        super().__init__("; ".join(reason.text for reason in self.reasons))

    def add_to(self, form: "BaseForm") -> None:
        """Put each reason on the form: at its field where the form has it, else at the top."""
        for reason in self.reasons:
            form.add_error(reason.field if reason.field in form.fields else None, reason.text)


def refuse_if(reasons: Iterable[Reason]) -> None:
    """Raise Refused when there is any reason."""
    found = tuple(reasons)
    if found:
        raise Refused(found)
