"""Walks every address of the program as every kind of person, and compares what it answers with the access table; the headers
of each answer are looked at on the way.

For each address: a stranger is sent to sign-in; a person of another clinic finds nothing; a person without the right gets 403
where they may know of the thing, else 404; a person with the right gets in. An address that no gate guards, or for whose
arguments tests/url_arguments.py has no object, fails.
"""

import logging
import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from kapclinic.accounts import policy
from kapclinic.accounts.models import Membership, Role
from kapclinic.accounts.policy import HOUSE_ACTIONS, TABLE, Relation
from tests import factories
from tests.url_arguments import BY_NAME, OF_CLINIC
from tests.walk import (
    ADDRESSES,
    ASK_WHO,
    GUARDED,
    NO_EXPORT,
    Address,
    Walker,
    World,
    ask,
    header_faults,
    session_of,
    standing_world,
    url_of,
)

# Probes are asked by machines, without a person (kapclinic/health.py).
PROBES = frozenset({"livez", "readyz", "healthz"})
# What anybody may call, and why no row of the table is asked.
PUBLIC = frozenset(
    {
        # The way in and out.
        "account_login", "account_logout", "account_reset_password", "account_reset_password_done",
        "account_reset_password_from_key", "account_reset_password_from_key_done",
        # For whoever is signed in, whatever their role; the view itself sends others to sign-in.
        "account_change_password", "accounts:lock", "accounts:unlock", "accounts:touch",
        # The second step, and proving once more who one is: the person's own, whatever their role.
        "account_reauthenticate", "mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp",
        "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_add_webauthn",
        "mfa_remove_webauthn", "mfa_reauthenticate_webauthn", "mfa_login_webauthn",
        # The way in through an identity provider; not there unless one is set.
        "openid_connect_login", "openid_connect_callback",
        # The secret in the link is the right.
        "accounts:invitation-follow", "accounts:invitation-accept", "scheduling:feed-calendar",
    }
)  # fmt: skip
# These ask for more than the table can say: refusals are walked, letting in is tested where they live.
NARROWER = {
    "GET notices:open": "the receiver's own notice",
    "POST notices:open": "the receiver's own notice",
    "POST notices:task-complete": "the person's own task",
    "POST administration:setting": "everybody reads a setting, managers propose another value",
    "POST administration:proposal-decide": "prescribers who are medical director",
    "POST accounts:switch-clinic": "a clinic of the person's own",
    "POST accounts:sign-in-end": "a sign-in of the person's own",
    "POST scheduling:holiday-add": "who edits everybody's hours, not one's own alone",
    "POST screening:response-review-done": "an answer of a patient whom the person may know of",
}
METHODS = ("GET", "POST")
DENIED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
SCOPE_ACTIONS = ("patient.view", "episode.view", "appointment.view")


@pytest.fixture(scope="module")
def made_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world, made once for all addresses in a transaction that is never committed."""
    # Each refusal is logged with its traceback; a thousand of them are no news. Errors are.
    logging.disable(logging.WARNING)
    with standing_world(django_db_blocker) as made:
        yield made
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(made_world: World) -> Iterator[World]:
    """The world as it was made; what the test changes is taken back."""
    with transaction.atomic():
        yield made_world
        transaction.set_rollback(True)


def _is_sign_in(answer: HttpResponse) -> bool:
    return answer.status_code == HTTPStatus.FOUND and answer["Location"].startswith(reverse("account_login"))


def test_address_has_a_gate_when_it_exists() -> None:
    bare = {address.name for address in ADDRESSES if not address.is_marked} - PROBES
    assert not bare, (
        f"wrap these views with @page(action) or @public_page (kapclinic/accounts/pages.py): {sorted(bare)}"
    )
    public = {address.name for address in ADDRESSES if address.is_marked and address.action is None}
    assert public == PUBLIC, "an address without an action must stand in PUBLIC, with the reason"


def test_address_has_one_name_when_it_exists() -> None:
    names = [address.name for address in ADDRESSES]
    assert len(names) == len(set(names))


def test_entry_of_the_arguments_belongs_to_an_address_when_it_exists() -> None:
    assert set(BY_NAME) <= {address.name for address in ADDRESSES}
    assert set(policy.TABLE) >= {address.action for address in GUARDED}


@pytest.mark.parametrize("address", GUARDED, ids=lambda address: address.name)
def test_address_answers_as_the_access_table_says(address: Address, world: World) -> None:
    url = url_of(address, world.situation)
    wrong: list[str] = []
    taken: set[str] = set()
    for method in METHODS:
        _check_stranger(address, method, url, wrong)
        for walker in world.walkers:
            answer = ask(method, url, world.signed_in[walker.user.pk])
            if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED and method not in taken:
                # The gate looks at the method before it looks at the person.
                break
            taken.add(method)
            who = f"{method} by {walker.role}, {' and '.join(sorted(_relations(address, walker)))}"
            wrong += [f"{who}: {what}" for what in _faults(address, walker, method, answer)]
        if address.arguments and address.action != "account.self" and not _is_of_no_clinic(address):
            answer = ask(method, url, world.signed_in[world.outsider.pk])
            expected = HTTPStatus.NOT_FOUND if method in taken else HTTPStatus.METHOD_NOT_ALLOWED
            if answer.status_code != expected:
                wrong.append(f"{method} by a person of another clinic: finds something, {answer.status_code}")
    assert taken, "the address takes neither GET nor POST"
    assert not wrong, "\n".join([address.name, *wrong])


# Words in the name of an address that say that something leaves the program.
_OUT = frozenset(
    {"export", "csv", "pdf", "zip", "xlsx", "download", "file", "copy", "feed", "backup", "dump"}
)


def test_address_that_takes_data_out_is_listed_when_it_exists() -> None:
    names = {address.name for address in GUARDED}
    out = {
        address.name
        for address in GUARDED
        if _OUT & set(re.split("[:-]", address.name)) or str(address.action).endswith(".export")
    }
    asking = {entry.split()[1] for entry in ASK_WHO}
    assert asking | set(NO_EXPORT) <= names, "listed, and not there any more"
    assert out - asking - set(NO_EXPORT) == set(), (
        "have it ask who it is (confirm=…) and list it in ASK_WHO, or say in NO_EXPORT why it is no export (tests/walk.py)"
    )


@pytest.mark.parametrize("entry", sorted(ASK_WHO))
def test_what_takes_data_out_or_lets_somebody_in_asks_who_it_is(entry: str, world: World) -> None:
    method, name = entry.split()
    address = next(address for address in GUARDED if address.name == name)
    url = url_of(address, world.situation)
    person = world.situation.team[ASK_WHO[entry]]
    unproved, proved = session_of(person, is_proved=False), session_of(person)
    for each in ("GET", "HEAD") if method == "GET" else (method,):
        asked = ask(each, url, unproved)
        assert asked.status_code == HTTPStatus.FOUND
        assert asked["Location"].startswith(reverse("account_reauthenticate")), each
        answer = ask(each, url, proved)
        assert answer.status_code not in DENIED or entry in NARROWER
        assert not answer.headers.get("Location", "").startswith(reverse("account_reauthenticate"))


def _check_stranger(address: Address, method: str, url: str, wrong: list[str]) -> None:
    answer = ask(method, url)
    if not _is_sign_in(answer):
        wrong.append(f"{method} by a stranger: not sent to sign-in")
    wrong += [f"{method} by a stranger: {what}" for what in header_faults(address, answer)]
    if ask(method, url, **{"HX-Request": "true"}).status_code != HTTPStatus.UNAUTHORIZED:
        wrong.append(f"{method} of a part of a page by a stranger: not 401")


def _is_of_no_clinic(address: Address) -> bool:
    # Every clinic has settings, protocols and cards of these names.
    return address.name in {"administration:setting", "desk:today-card"} or address.arguments == ("slug",)


def _relations(address: Address, walker: Walker) -> frozenset[Relation]:
    """How the person stands to what the address is about."""
    if address.name not in OF_CLINIC:
        return walker.relations
    is_owner = OF_CLINIC[address.name] == walker.role and Relation.TEAM in walker.relations
    return frozenset({Relation.CLINIC, Relation.OWN} if is_owner else {Relation.CLINIC})


def _holds(action: str, role: Role, relations: frozenset[Relation]) -> bool:
    """Whether the table gives the role this action through one of the relations."""
    return bool(TABLE[action].get(role, frozenset()) & relations)


def _may_know(action: str, role: Role, relations: frozenset[Relation]) -> bool:
    """Whether the person may know that the thing exists."""
    if action in policy.HIDDEN_ACTIONS:
        return False
    return action in HOUSE_ACTIONS or any(_holds(scope, role, relations) for scope in SCOPE_ACTIONS)


def _faults(address: Address, walker: Walker, method: str, answer: HttpResponse) -> Iterator[str]:
    """What is wrong with the answer, in words."""
    action, status = address.action or "", answer.status_code
    relations = _relations(address, walker)
    is_allowed = (
        _holds(action, walker.role, relations) if address.arguments else bool(TABLE[action].get(walker.role))
    )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or _is_sign_in(answer):
        yield f"neither in nor refused, the answer was {status}"
    elif is_allowed and not (status in DENIED and f"{method} {address.name}" in NARROWER):
        # An empty form has errors.
        is_in = status < HTTPStatus.BAD_REQUEST or (
            method == "POST" and status == HTTPStatus.UNPROCESSABLE_ENTITY
        )
        if not is_in:
            yield f"should get in, the answer was {status}"
    elif not is_allowed:
        # Who may know of the thing is told that it is not theirs; nobody else is told that it exists.
        may_know = not address.arguments or _may_know(action, walker.role, relations)
        expected = HTTPStatus.FORBIDDEN if may_know else HTTPStatus.NOT_FOUND
        if status != expected:
            yield f"should be refused with {expected.value}, the answer was {status}"
    yield from header_faults(address, answer)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_address_shows_nothing_of_the_clinic_when_a_stranger_asks(name: str, world: World) -> None:
    address = next(address for address in ADDRESSES if address.name == name)
    url = url_of(address, world.situation)
    for method in METHODS:
        answer = ask(method, url)
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        assert world.situation.clinic.name not in answer.content.decode()
        assert not list(header_faults(address, answer))


def test_person_without_a_role_sees_no_page_when_signed_in(world: World) -> None:
    person = world.situation.team[Role.NURSE]
    Membership.objects.filter(user=person).update(ended_at=factories.timezone.now())
    for address in GUARDED:
        if not address.arguments:
            for method in METHODS:
                answer = ask(method, reverse(address.name), world.signed_in[person.pk])
                assert answer.status_code == HTTPStatus.FORBIDDEN, f"{method} {address.name}"
