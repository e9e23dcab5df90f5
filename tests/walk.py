"""The world of a walk over every address: all addresses of the program, two clinics with their people signed in, and what an
address answers when it is asked.

Two walks stand on it: who is let in (tests/test_access.py), and what the pages look like (tests/browser/test_accessibility.py).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.plugin import DjangoDbBlocker

from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import Relation
from tests import factories
from tests.conftest import take_application_rights
from tests.url_arguments import BY_ARGUMENT, BY_NAME, Situation


@dataclass(frozen=True)
class Address:
    """One address: its name with namespace, the names of its arguments, the action that guards it."""

    name: str
    arguments: tuple[str, ...]
    action: str | None
    is_marked: bool


def _addresses(resolver: URLResolver, namespace: str = "", above: tuple[str, ...] = ()) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        arguments = (*above, *re.compile(entry.pattern.regex.pattern).groupindex)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _addresses(entry, inner, arguments)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name}" if entry.name else str(entry.pattern)
            yield Address(
                name, arguments, getattr(entry.callback, "action", None), hasattr(entry.callback, "action")
            )


ADDRESSES = sorted(_addresses(get_resolver()), key=lambda address: address.name)
GUARDED = [address for address in ADDRESSES if address.action is not None]


@dataclass(frozen=True)
class Walker:
    """One kind of person: a role, with the relations in which it stands to the situation's episode."""

    role: Role
    user: User
    relations: frozenset[Relation]


@dataclass(frozen=True)
class World:
    """The people of two clinics, signed in, and a situation for the addresses to be about."""

    situation: Situation
    walkers: tuple[Walker, ...]
    outsider: User
    # The session key of each person, by the person's key.
    signed_in: dict[Any, str]


def _make_world() -> World:
    clinic = factories.make_clinic(is_demo=True)
    team = {role: factories.make_member(clinic, role) for role in Role}
    # A second manager, so that ending a role never meets the last one.
    factories.make_member(clinic, Role.MANAGER)
    situation = Situation(clinic, team)
    situation.prepare()
    in_clinic = frozenset({Relation.CLINIC})
    on_team = frozenset({Relation.CLINIC, Relation.TEAM})
    clinical = (Role.NURSE, Role.THERAPIST, Role.PRESCRIBER)
    # Each role on the team and off it. Coordinators and managers are on no team.
    walkers = [Walker(role, team[role], on_team if role in clinical else in_clinic) for role in Role]
    walkers += [Walker(role, factories.make_member(clinic, role), in_clinic) for role in clinical]
    outsider = factories.make_member(factories.make_clinic("Other Demo Clinic"), *Role)
    people = [outsider, *(walker.user for walker in walkers)]
    return World(situation, tuple(walkers), outsider, {user.pk: session_of(user) for user in people})


def session_of(user: User, *, is_proved: bool = True) -> str:
    """The key of a new session of a signed-in person who has just proved who they are, unless told otherwise."""
    client = Client()
    client.force_login(user)
    if is_proved:
        factories.prove(client, user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def standing_world(blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world, made once in a transaction of the application's role that is never committed."""
    with blocker.unblock(), transaction.atomic():
        take_application_rights()
        yield _make_world()
        transaction.set_rollback(True)


def url_of(address: Address, situation: Situation) -> str:
    """The address with an object of the situation behind each argument; fails the test when nothing says which."""
    if not address.arguments:
        return reverse(address.name)
    if address.name in BY_NAME:
        return reverse(address.name, kwargs=BY_NAME[address.name](situation))
    missing = [name for name in address.arguments if name not in BY_ARGUMENT]
    if missing:
        pytest.fail(
            f"{address.name} takes {', '.join(missing)}, and tests/url_arguments.py does not say what stands there: add an "
            f'entry @for_address("{address.name}") that makes the object at `situation.clinic` and returns the arguments.',
            pytrace=False,
        )
    return reverse(address.name, kwargs={name: BY_ARGUMENT[name](situation) for name in address.arguments})


class _Asker(RequestFactory):
    """Django's test client without what takes its time: the middleware is loaded once, rendered contexts are not copied."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = ClientHandler(enforce_csrf_checks=False)

    def request(self, **request: Any) -> Any:
        return self.handler(self._base_environ(**request))


@cache
def _asker() -> _Asker:
    return _Asker()


def ask(method: str, url: str, session: str = "", **headers: str) -> HttpResponse:
    """What the address answers to a GET or to an empty POST, with this session; nothing that it changes stays."""
    if session:
        headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={session}"
    with transaction.atomic():
        answer: Any = _asker().generic(method, url, headers=headers)
        transaction.set_rollback(True)
    return answer  # type: ignore[no-any-return]  # the client's answer


_ALWAYS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_UPLOAD_RUNS = {"documents:attachment-file"}
# What takes data out, or lets somebody else in: each asks once more who it is; a role that may call it.
ASK_WHO = {
    "GET outcomes:export-csv": Role.MANAGER,
    "POST outcomes:issue": Role.MANAGER,
    "GET documents:reports-file": Role.MANAGER,
    "POST administration:review-export": Role.MANAGER,
    "GET screening:import-refused": Role.MANAGER,
    "POST scheduling:feed": Role.NURSE,
    "POST episodes:give-out": Role.THERAPIST,
    "POST episodes:emergency": Role.THERAPIST,
    "GET episodes:disclosure-copy": Role.THERAPIST,
    "POST process_notes:release": Role.THERAPIST,
    "POST process_notes:transfers": Role.MANAGER,
    "POST process_notes:transfer-receive": Role.THERAPIST,
    "POST administration:invite": Role.MANAGER,
    "POST administration:invitation-resend": Role.MANAGER,
    "POST administration:person": Role.MANAGER,
    "POST administration:role-end": Role.MANAGER,
    "POST administration:role-director": Role.MANAGER,
    "POST administration:second-step-remove": Role.MANAGER,
    "GET breakglass:open": Role.NURSE,
    "POST breakglass:open": Role.NURSE,
    "POST accounts:sign-in-end": Role.NURSE,
    "POST accounts:sign-ins-end": Role.NURSE,
}
# One patient's paper that is read in their care, in the browser; "?download=1" asks there.
_PAPERS = [f"documents:{shelf}-file" for shelf in ("records", "handoffs", "sheets", "disclosures")]
# What looks like an export, and why it does not ask.
NO_EXPORT = {
    **dict.fromkeys(_PAPERS, "asks when it is taken away"),
    "documents:attachment": "one patient's paper, which browsers must never open in place",
    "documents:reports-detail": "a page; its file asks",
    "documents:reports-status": "a part of that page",
    "documents:reports-retry": "has the file made again; the file asks",
    "scheduling:feed-revoke": "takes back what was let out",
}


def header_faults(address: Address, answer: HttpResponse) -> Iterator[str]:
    """What is wrong with the headers of an answer, in words; every answer of every address must have none."""
    for name, value in _ALWAYS.items():
        if answer.headers.get(name) != value:
            yield f"{name} is {answer.headers.get(name)!r}"
    if "geolocation=()" not in answer.headers.get("Permissions-Policy", ""):
        yield "Permissions-Policy is missing"
    kept = answer.headers.get("Cache-Control", "")
    if "no-store" not in kept:
        yield f"Cache-Control is {kept!r}"
    policy = answer.headers.get("Content-Security-Policy", "")
    # A browser shows a PDF in a viewer of its own, whose page needs its own style.
    is_pdf = answer.headers.get("Content-Type") == "application/pdf"
    if "default-src 'none'" not in policy or "unsafe-eval" in policy:
        yield f"Content-Security-Policy is {policy!r}"
    if "unsafe-inline" in policy and not is_pdf:
        yield "Content-Security-Policy allows inline style or script"
    if "frame-ancestors 'none'" not in policy and "sandbox" not in policy:
        yield "Content-Security-Policy lets other sites frame it"
    is_listed = (
        address.name in NO_EXPORT or f"GET {address.name}" in ASK_WHO or f"POST {address.name}" in ASK_WHO
    )
    if "Content-Disposition" in answer.headers and address.action is not None and not is_listed:
        yield "gives out a file: have it ask who it is (confirm=…) and list it in ASK_WHO"
    if answer.status_code == HTTPStatus.OK and address.name in _NO_UPLOAD_RUNS:
        if not answer.headers.get("Content-Disposition", "").startswith("attachment"):
            yield "an upload is shown in the browser"
        if "sandbox" not in policy:
            yield "an upload is not sandboxed"


def send(
    url: str, session: str, values: dict[str, list[str]], *, keep: bool = False, **headers: str
) -> HttpResponse:
    """What the address answers to a form with these values, with this session; what it changes stays if told to `keep`."""
    headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={session}"
    with transaction.atomic():
        answer: Any = _asker().post(
            url,
            urlencode(values, doseq=True),
            content_type="application/x-www-form-urlencoded",
            headers=headers,
        )
        transaction.set_rollback(not keep)
    return answer  # type: ignore[no-any-return]  # the client's answer


def ask_without_token(url: str, session: str) -> HttpResponse:
    """What the address answers to a form that another site made this person's browser send, htmx header and all."""
    environ = _asker()._base_environ(
        PATH_INFO=url, REQUEST_METHOD="POST", CONTENT_TYPE="application/x-www-form-urlencoded",
        HTTP_COOKIE=f"{settings.SESSION_COOKIE_NAME}={session}", HTTP_HX_REQUEST="true",
    )  # fmt: skip
    with transaction.atomic():
        answer: Any = ClientHandler(enforce_csrf_checks=True)(environ)
        transaction.set_rollback(True)
    return answer  # type: ignore[no-any-return]  # the handler's answer
