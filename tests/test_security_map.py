"""docs/security.md names every requirement of levels 1 and 2 of OWASP ASVS 5.0.0 once, and only tests that exist."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

from tests.databases import ROOT

# Section -> number of its last requirement of level 1 or 2; within a section they come before those of level 3.
LAST = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4, "3.4": 6,
    "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12,
    "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2,
    "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1,
    "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip
REQUIRED = {f"{section}.{number}" for section, last in LAST.items() for number in range(1, last + 1)}


def _lines() -> list[str]:
    return Path(ROOT, "docs/security.md").read_text(encoding="utf-8").splitlines()


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_requirement_of_level_two_stands_in_the_map_once() -> None:
    # As the standard counts them: 70 of level 1 and 183 of level 2.
    assert len(REQUIRED) == 253
    found: Counter[str] = Counter()
    for line in _lines():
        cell = line.split("|")[1] if line.startswith("| ") else line if line.startswith("17.") else ""
        found.update(re.findall(r"\b\d+\.\d+\.\d+\b", cell.partition(": n/a")[0]))
    assert REQUIRED - set(found) == set(), "missing"
    assert set(found) - REQUIRED == set(), "no such requirement at level 2"
    assert {number for number, times in found.items() if times > 1} == set(), "twice"


def test_every_test_that_the_map_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", "\n".join(_lines()))
    assert len(named) > 50
    missing = []
    for file, name in named:
        path = ROOT / file
        if not path.exists() or (name and name not in _tests_of(path)):
            missing.append(f"{file}::{name}")
    assert missing == []
