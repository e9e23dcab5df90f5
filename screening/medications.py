"""Recognising a medication by the name that somebody typed.

Text in, classes out: no database, no clock. The names are those of ``data/medication_classes.json``
(generic, US brand, combination products). A name is recognised only as a whole or part by part; a
near miss is offered as a suggestion and never taken silently, and what is left over stays unclassified.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

OTHER_CLASS = "other"
"""A known medication that no rule reads."""

SUGGESTION_CUTOFF = 0.78
"""How alike (0 to 1, difflib ratio) a name must be to be suggested: finds one slip in a short name."""

MAX_SUGGESTIONS = 3

_NASAL_WORDS = frozenset({"nasal", "nasally", "intranasal", "nose", "nostril", "nostrils"})
_NASAL_FILLERS = frozenset({"spray", "sprays"})
_STRENGTH = re.compile(
    r"(?<![\w.])\d+(?:[.,]\d+)*\s*(?:-\s*\d+(?:[.,]\d+)*\s*)?"
    r"(?:mg|mcg|ug|µg|g|ml|l|%|iu|units?|meq|hours?|hrs?|hr|h|x)?"
    r"(?:\s*/\s*\d*(?:[.,]\d+)?\s*(?:mg|mcg|ml|l|h|hr|hour|day|actuation|spray|dose)?)?(?![\w.])",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"\s*(?:\+|/|,|;|&|\band\b|\bwith\b|\bplus\b)\s*|(?<=[a-z])-(?=[a-z]{4})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MedicationClass:
    """A class of medications; ``code`` is the rule that reads it, empty for none."""

    key: str
    label: str
    code: str


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a typed name was recognised as.

    ``unrecognised`` holds the parts that are on no list: while it is not empty the medication is not
    settled, however many classes its other parts have. ``suggestions`` are near names, best first.
    """

    name: str
    ingredients: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset()
    unrecognised: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether every part of the name is on the list."""
        return bool(self.ingredients) and not self.unrecognised

    @property
    def rule_classes(self) -> frozenset[str]:
        """The classes that some rule reads."""
        return frozenset(key for key in self.classes if key != OTHER_CLASS)


@dataclass(frozen=True, slots=True)
class _Entry:
    ingredients: tuple[str, ...]
    classes: frozenset[str]
    nasal_classes: frozenset[str]
    display: str


@dataclass(frozen=True, slots=True)
class _Formulary:
    version: str
    classes: tuple[MedicationClass, ...]
    entries: dict[str, _Entry]
    not_the_substance: frozenset[str]
    segments: dict[str, str]


@lru_cache(maxsize=1)
def _formulary() -> _Formulary:
    path = resources.files("screening").joinpath("data", "medication_classes.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    entries: dict[str, _Entry] = {}
    by_name: dict[str, dict] = {}
    for item in data["ingredients"]:
        by_name[item["name"]] = item
        classes = frozenset(item["classes"])
        nasal = frozenset(item.get("nasal_classes", ()))
        for name in (item["name"], *item.get("synonyms", ()), *item.get("brands", ())):
            entries[normalise(name)] = _Entry((item["name"],), classes, nasal, name)
        for name in item.get("nasal_brands", ()):
            entries[normalise(name)] = _Entry((item["name"],), classes | nasal, nasal, name)
    for product in data["products"]:
        parts = [by_name[name] for name in product["ingredients"]]
        classes = frozenset(key for part in parts for key in part["classes"])
        classes |= frozenset(product.get("classes", ()))
        entries[normalise(product["name"])] = _Entry(
            tuple(product["ingredients"]), classes, frozenset(), product["name"]
        )
    for name in [name for name in entries if "-" in name]:  # "claritin d" is written for "claritin-d"
        entries.setdefault(name.replace("-", " "), entries[name])
    return _Formulary(
        version=data["version"],
        classes=tuple(
            MedicationClass(entry["key"], entry["label"], entry["code"] or "") for entry in data["classes"]
        ),
        entries=entries,
        not_the_substance=frozenset(data["salts"]) | frozenset(data["forms"]),
        segments={item["name"]: item["segment"] for item in data["ingredients"] if "segment" in item},
    )


def medication_classes() -> tuple[MedicationClass, ...]:
    """Every class, in the order of the data file."""
    return _formulary().classes


def class_label(key: str) -> str:
    """The words for a class. Raises ``KeyError`` for a key that does not exist."""
    for entry in _formulary().classes:
        if entry.key == key:
            return entry.label
    raise KeyError(key)


def segments_of(ingredients: Iterable[str]) -> frozenset[str]:
    """The segments of the record (consent categories) that taking these ingredients gives away."""
    known = _formulary().segments
    return frozenset(known[name] for name in ingredients if name in known)


def list_version() -> str:
    """The version of the list of names."""
    return _formulary().version


def normalise(text: str) -> str:
    """Lower case without accents, apostrophes and doubled spaces; hyphens and slashes stay."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = re.sub(r"['’`´.®™]", "", plain)
    plain = re.sub(r"[()\[\]\"]", " ", plain)
    return re.sub(r"\s+", " ", plain).strip()


def _words(text: str) -> tuple[list[str], bool]:
    """The words that name the substance, and whether a nasal use is meant."""
    words = text.replace("_", " ").split()
    nasal = any(word in _NASAL_WORDS for word in words)
    dropped = _formulary().not_the_substance | _NASAL_WORDS | _NASAL_FILLERS
    return [word for word in words if word.strip("-") not in dropped and word.strip("-")], nasal


def _lookup(part: str) -> tuple[_Entry | None, bool]:
    """One part as an entry, with and without salt, form and strength; and whether it is nasal."""
    entries = _formulary().entries
    kept, nasal = _words(part)
    for candidate in (part, " ".join(kept)):
        if candidate in entries:
            return entries[candidate], nasal
    words = part.split()
    for length in range(len(words) - 1, 0, -1):  # "theo-24 300mg": a known name, then only noise
        prefix = " ".join(words[:length])
        if prefix in entries and _is_noise(" ".join(words[length:])):
            return entries[prefix], nasal
    without_strength = _without_strength(part)
    kept, _ = _words(without_strength)
    for candidate in (without_strength, " ".join(kept)):
        if candidate in entries:
            return entries[candidate], nasal
    return None, nasal


def _split(text: str) -> list[str]:
    return [part.strip(" -") for part in _SEPARATOR.split(text) if part and part.strip(" -")]


def _without_strength(text: str) -> str:
    return re.sub(r"\s+", " ", _STRENGTH.sub(" ", text)).strip(" -/,")


def _is_noise(part: str) -> bool:
    """Whether nothing of a substance is left in the part: a strength, a form, a timing."""
    kept, _ = _words(_without_strength(part))
    return not any(any(char.isalpha() for char in word) for word in kept)


def suggest(name: str) -> tuple[str, ...]:
    """Names on the list that are spelled almost like this one, best first; for a person to choose."""
    kept, _ = _words(_without_strength(normalise(name)))
    wanted = " ".join(kept)
    if len(wanted) < 3:
        return ()
    entries = _formulary().entries
    close = difflib.get_close_matches(wanted, entries, n=MAX_SUGGESTIONS * 2, cutoff=SUGGESTION_CUTOFF)
    return tuple(dict.fromkeys(entries[key].display for key in close))[:MAX_SUGGESTIONS]


def recognise(name: str, *, is_nasal: bool = False) -> Recognition:
    """The classes of a medication by its name.

    Strengths, salts and forms are left aside ("Klonopin 0.5 mg tabs", "sertraline HCl"). A combination
    is taken as a known product first, else part by part. ``is_nasal`` says that the route is the
    nose, which matters for steroids and phenylephrine. An empty name is not recognised.
    """
    text = normalise(name)
    whole, nasal = _lookup(text)
    nasal = nasal or is_nasal
    found = [whole] if whole else []
    unrecognised: list[str] = []
    if not whole:
        for part in _split(text):
            if _is_noise(part):
                continue
            entry, part_is_nasal = _lookup(part)
            nasal = nasal or part_is_nasal
            if entry:
                found.append(entry)
            else:
                unrecognised.append(_without_strength(part) or part)
        if not found and not unrecognised and text:
            unrecognised.append(text)
    classes = frozenset(key for entry in found for key in entry.classes)
    if nasal:
        classes |= frozenset(key for entry in found for key in entry.nasal_classes)
    return Recognition(
        name=name,
        ingredients=tuple(dict.fromkeys(item for entry in found for item in entry.ingredients)),
        classes=classes,
        unrecognised=tuple(unrecognised),
        suggestions=tuple(dict.fromkeys(near for part in unrecognised for near in suggest(part))),
    )
