"""What an amendment changed, field by field, as words kept, taken out and put in. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from kapclinic.documents.categories import ConsentCategory
from kapclinic.handoffs.fields import written

KEPT, OUT, IN = "kept", "out", "in"
# difflib takes quadratic time: longer texts are shown whole, before and after.
_MOST_WORDS = 4000
_WORDS = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text and what became of it: "kept", "out" or "in"."""

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of which the text is another one now."""

    key: str
    title: str
    category: ConsentCategory
    pieces: tuple[Piece, ...]


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """`after` against `before` by words; joined, what was kept and put in is `after`, what was kept and taken out `before`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _MOST_WORDS:
        return tuple(piece for piece in (Piece(OUT, before), Piece(IN, after)) if piece.text)
    found: list[Piece] = []
    for what, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Piece(KEPT, "".join(old[start:end])))
            continue
        if end > start:
            found.append(Piece(OUT, "".join(old[start:end])))
        if new_end > new_start:
            found.append(Piece(IN, "".join(new[new_start:new_end])))
    return tuple(found)


def field_changes(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[FieldChange]:
    """The fields of `kind` whose text differs, in their order."""
    earlier = dict(_by_key(kind, before))
    return [
        FieldChange(field.key, field.title, field.category, pieces(earlier[field.key], text))
        for field, text in written(kind, after)
        if earlier[field.key] != text
    ]


def _by_key(kind: str, body: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(field.key, text) for field, text in written(kind, body)]
