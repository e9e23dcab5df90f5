"""Every form of the program, filled with what nobody should type: no page breaks, nothing is shown as markup, nothing is lost.

The forms are found by walking every address as somebody who may open it, so a new form is attacked without a line here.
"""

import re
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.core.signals import got_request_exception
from django.db import transaction
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from tests.attacks.forms import TYPED, FoundForm, forms_of
from tests.attacks.pages import first_page
from tests.walk import ADDRESSES, Address, Walker, World, ask, send, url_of

MARK = "kap'\"><script>kap()</script>"
# Markup, SQL, a formula and a template in one text, short enough for most fields.
MIXED = "=1+1'; DROP TABLE x; --" + MARK + "{{ 7|add:7 }}"
CONTROLS = "a\x00b\x1b[31m\x7f\u202e\ufffe\r\n\t"
LONG = "ä" * 20_000
NUMBERS = ("NaN", "1e999", "-1", "9" * 40, "٣")
DATES = (
    "0000-00-00",
    "0001-01-01T00:00",
    "9999-12-31",
    "9999-12-31T23:59",
    "25:61",
    "2026-03-08T02:30",
    "0001-01-01",
)
PICKED = frozenset({"date", "time", "datetime-local", "month", "week"})
# Who signs out attacks nothing more; probes have no forms and tell of the whole machine.
# The walk is cut in so many, which may run side by side.
PARTS = 2
SKIPPED = frozenset({"account_logout", "accounts:lock", "livez", "readyz", "healthz"})

# Parameters that pages read, and one that none does.
_QUERIES = [
    urlencode(
        {"page": page, "q": "\x00'", "day": day, "week": day, "next": "//evil.example", "back": "javascript:kap()",
         "who": "\x00", "view": "day", "\x00": "\x00", "period": page, "kind": MARK}
    )
    for page, day in (("NaN", "9999-12-31"), ("-" + "9" * 30, "0001-01-01"))
]  # fmt: skip

Values = dict[str, list[str]]


def _put(values: Values, names: list[str], what: str) -> Values:
    return values | {name: [what] for name in names}


def _everything(form: FoundForm) -> list[str]:
    return list(
        dict.fromkeys(control.name for control in form.controls if control.name != "csrfmiddlewaretoken")
    )


# What is done to a form: a name for the table, and what is sent for it (nothing when the form has no such field).
ATTACKS: dict[str, Callable[[FoundForm], Iterator[Values]]] = {
    "markup, SQL, formulas, templates": lambda form: _typed(form, MIXED),
    "control characters": lambda form: _typed(form, CONTROLS),
    "20,000 characters, numbers and days that are none": lambda form: _of_another_kind(form),
    "everything wrong, twice": lambda form: iter(
        [{name: ["\x00" + MARK, "1"] for name in _everything(form)}]
    ),
}


def _typed(form: FoundForm, what: str, only: frozenset[str] = TYPED) -> Iterator[Values]:
    names = form.names(only)
    if names:
        yield _put(form.values(), names, what)


def _of_another_kind(form: FoundForm) -> Iterator[Values]:
    """Long texts, and in each field of numbers or days another one of what is none; which ones, the form's length says."""
    long, numbers, days = (
        form.names(kinds) for kinds in (frozenset({"textarea"}), frozenset({"number"}), PICKED)
    )
    if long or numbers or days:
        turn = len(form.controls)
        yield _put(form.values(), long, LONG) | {
            name: [values[(turn + place) % len(values)]]
            for names, values in ((numbers, NUMBERS), (days, DATES))
            for place, name in enumerate(names)
        }


@dataclass(frozen=True)
class Target:
    """A form, where it stands, and who has it before them."""

    page: Address
    form: FoundForm
    walker: Walker
    url: str


@pytest.fixture
def broken() -> Iterator[list[str]]:
    """What went wrong inside while answering."""
    found: list[str] = []

    def note(sender: Any, request: Any, **_kwargs: Any) -> None:
        found.append(repr(sys.exc_info()[1])[:300])

    got_request_exception.connect(note)
    yield found
    got_request_exception.disconnect(note)


def _name_of(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return path


def _targets(address: Address, world: World, url: str, seen: set[Any]) -> Iterator[Target]:
    """The forms of the page that stood on no page before."""
    opened = first_page(address, world, url)
    if opened is None:
        return
    walker, answer = opened
    queried = ask("GET", f"{url}?{_QUERIES[len(seen) % 2]}", world.signed_in[walker.user.pk])
    if queried.status_code >= 500:
        pytest.fail(f"{url} with made-up queries: {queried.status_code}")
    for form in forms_of(answer.content.decode()):
        goes_to = urljoin(url, form.action)
        name = _name_of(urlsplit(goes_to).path)
        kind = (name, form.method, tuple(sorted({control.name for control in form.controls})))
        if kind not in seen and name not in SKIPPED:
            seen.add(kind)
            yield Target(address, form, walker, goes_to)


def _attack(target: Target, values: Values, session: str) -> HttpResponse:
    if target.form.method == "post":
        return send(target.url, session, values)
    return ask("GET", f"{urlsplit(target.url).path}?{urlencode(values, doseq=True)}", session)


def _faults(target: Target, answer: HttpResponse, broken: list[str]) -> Iterator[str]:
    if answer.status_code >= 500 or broken:
        yield f"breaks: {answer.status_code} {broken}"
    body = "" if answer.streaming else answer.content.decode(errors="replace")
    if "<script>kap()" in body:
        yield "shows markup as markup"


@pytest.mark.parametrize("part", range(PARTS))
def test_forms_hold_when_every_field_is_attacked(
    part: int, world: World, broken: list[str], record_property: Callable[[str, object], None]
) -> None:
    wrong: list[str] = []
    seen: set[Any] = set()
    tried: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    fields = 0
    for address in ADDRESSES[part::PARTS]:
        if address.name in SKIPPED:
            continue
        with transaction.atomic():
            url = url_of(address, world.situation)
            for target in _targets(address, world, url, seen):
                fields += len(_everything(target.form))
                session = world.signed_in[target.walker.user.pk]
                for attack, variants in ATTACKS.items():
                    for values in variants(target.form):
                        broken.clear()
                        answer = _attack(target, values, session)
                        tried[attack] += 1
                        answers[f"{answer.status_code // 100}xx"] += 1
                        wrong += [
                            f"{target.url} of {address.name}, {attack}: {what}"
                            for what in _faults(target, answer, broken)
                        ]
            transaction.set_rollback(True)
    record_property(
        "counts",
        f"{sum(tried.values())} attacks on {fields} fields of {len(seen)} forms "
        f"({', '.join(f'{name} {count}' for name, count in tried.items())}); answers {dict(answers)}; {len(wrong)} broke",
    )
    assert len(seen) > 40, "the walk finds the forms"
    assert not wrong, "\n".join(wrong)


BAD_ADDRESSES = ("%00", "..%2f..%2fetc%2fpasswd", "%27%3B--", "x" * 3000, "%ff%fe", "%F0%9F%92%A5")


def test_addresses_hold_when_their_arguments_are_made_up(
    world: World, broken: list[str], record_property: Callable[[str, object], None]
) -> None:
    """Guessed ids, path names and unknown queries find nothing and break nothing."""
    wrong: list[str] = []
    tried: Counter[str] = Counter()
    everyone = [world.signed_in[person.user.pk] for person in world.walkers]
    for place, address in enumerate(ADDRESSES):
        if address.name in SKIPPED:
            continue
        session = everyone[place % len(everyone)]
        with transaction.atomic():
            url = url_of(address, world.situation)
            transaction.set_rollback(True)
        for kind, asked in _made_up(address, url, place):
            broken.clear()
            answer = ask("GET", asked, session)
            tried[kind] += 1
            if answer.status_code >= 500 or broken:
                wrong.append(f"{asked[:120]}: {answer.status_code} {broken}")
            if (
                kind == "guessed ids"
                and address.action is not None
                and answer.status_code not in {403, 404, 405}
            ):
                wrong.append(f"{asked[:120]} finds something: {answer.status_code}")
    record_property(
        "counts", f"{', '.join(f'{name} {count}' for name, count in tried.items())}; {len(wrong)} broke"
    )
    assert not wrong, "\n".join(wrong)


def _made_up(address: Address, url: str, place: int) -> Iterator[tuple[str, str]]:
    bare = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda _found: str(uuid.uuid4()), url)
    if bare != url and address.name not in {"account_reset_password_from_key"}:
        yield "guessed ids", bare
    elif address.arguments:
        parts = url.rstrip("/").split("/")
        # The last part that differs from one object to the next.
        index = next(
            (at for at in range(len(parts) - 1, 0, -1) if re.search(r"[A-Z0-9]", parts[at])), len(parts) - 1
        )
        bad = BAD_ADDRESSES[place % len(BAD_ADDRESSES)]
        yield "path names", "/".join([*parts[:index], bad, *parts[index + 1 :], ""])
