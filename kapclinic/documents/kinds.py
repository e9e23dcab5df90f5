"""Kinds of documents. The app that issues a kind registers it from `AppConfig.ready`, with who may read it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kapclinic.accounts import policy


@dataclass(frozen=True)
class DocumentKind:
    """One kind: its name for people, the word in file names (no health data), access, and its place in the program.

    `action` is asked on the document itself, which reaches its episode by `subject_id`. `home` gives the address of the
    page that the document belongs to, for the link back. `origin` is the discipline that writes it ("medical", "therapy"),
    empty for papers drawn together from the whole record: a sharing consent stands between the two.
    """

    key: str
    label: str
    file_word: str
    action: str
    template: str = "documents/pdf/document.html"
    home: Callable[[Any], str] | None = None
    origin: str = ""


_kinds: dict[str, DocumentKind] = {}


def register(kind: DocumentKind) -> None:
    """Make `kind` known.

    Raises:
        ValueError: another kind has the same key.
        KeyError: its action is not in the access table.
    """
    if kind.action not in policy.TABLE:
        raise KeyError(f"{kind.action} is not in the access table")
    if _kinds.get(kind.key, kind) != kind:
        raise ValueError(f"document kind {kind.key} is registered twice")
    _kinds[kind.key] = kind


def kind_of(key: str) -> DocumentKind:
    """The kind with this key; KeyError when no app registered it."""
    return _kinds[key]


def with_action(action: str) -> frozenset[str]:
    """Keys of the kinds that are read with `action`."""
    return frozenset(kind.key for kind in _kinds.values() if kind.action == action)
