"""Walks every address of the program as every kind of person, and compares what it answers with the access table.

For each address: a stranger is sent to sign-in; a person of another clinic finds nothing; a person without the right gets 403
where they may know of the thing, else 404; a person with the right gets in. An address that no gate guards, or for whose
arguments tests/url_arguments.py has no object, fails.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from kapclinic.accounts import policy
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.accounts.policy import HOUSE_ACTIONS, TABLE, Relation
from kapclinic.clinics.models import Clinic
from tests import factories
from tests.url_arguments import BY_ARGUMENT, BY_NAME, Situation

pytestmark = pytest.mark.django_db

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
        # The secret in the link is the right.
        "accounts:invitation-follow", "accounts:invitation-accept",
    }
)  # fmt: skip
# These ask for more than the table can say: refusals are walked, letting in is tested where they live.
NARROWER = {
    "notices:open": "the receiver's own notice",
    "notices:task-complete": "the person's own task",
    "administration:proposal-decide": "prescribers who are medical director",
    "accounts:switch-clinic": "a clinic of the person's own",
    "scheduling:holiday-add": "who edits everybody's hours, not one's own alone",
}
DENIED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
SCOPE_ACTIONS = ("patient.view", "episode.view", "appointment.view")


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

    def holds(self, action: str) -> bool:
        """Whether the table gives the role this action through one of the relations."""
        return bool(TABLE[action].get(self.role, frozenset()) & self.relations)

    def may_know(self, action: str) -> bool:
        """Whether the person may know that the thing exists."""
        return action in HOUSE_ACTIONS or any(self.holds(scope) for scope in SCOPE_ACTIONS)


@pytest.fixture
def situation(clinic: Clinic) -> Situation:
    """A clinic with one person of each role; the clinical ones are on the episode's team."""
    team = {role: factories.make_member(clinic, role) for role in Role}
    # A second manager, so that ending a role never meets the last one.
    factories.make_member(clinic, Role.MANAGER)
    return Situation(clinic, team)


@pytest.fixture
def walkers(situation: Situation) -> list[Walker]:
    """Each role on the team and off it. Coordinators and managers are on no team."""
    in_clinic = frozenset({Relation.CLINIC})
    on_team = frozenset({Relation.CLINIC, Relation.TEAM})
    clinical = (Role.NURSE, Role.THERAPIST, Role.PRESCRIBER)
    found = [Walker(role, situation.team[role], on_team if role in clinical else in_clinic) for role in Role]
    found += [Walker(role, factories.make_member(situation.clinic, role), in_clinic) for role in clinical]
    return found


def _url(address: Address, situation: Situation) -> str:
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


def _ask(url: str, user: User | None, **headers: str) -> HttpResponse:
    """What the address answers to GET, or to an empty POST where it takes no GET; nothing that it changes stays."""
    client = Client()
    with transaction.atomic():
        if user is not None:
            client.force_login(user)
        answer: Any = client.get(url, headers=headers)
        if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            answer = client.post(url, headers=headers)
        transaction.set_rollback(True)
    return answer  # type: ignore[no-any-return]  # the client's answer


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
def test_address_answers_as_the_access_table_says(
    address: Address, situation: Situation, walkers: list[Walker], other_clinic: Clinic
) -> None:
    assert address.action is not None
    url = _url(address, situation)
    assert _is_sign_in(_ask(url, None)), "a stranger is sent to sign-in"
    assert _ask(url, None, **{"HX-Request": "true"}).status_code == HTTPStatus.UNAUTHORIZED
    outsider = factories.make_member(other_clinic, *Role)
    if address.arguments and address.action != "account.self" and not _is_of_no_clinic(address):
        assert _ask(url, outsider).status_code == HTTPStatus.NOT_FOUND, (
            "a person of another clinic finds nothing"
        )
    for walker in walkers:
        _check(address, walker, _ask(url, walker.user), f"{walker.role} {sorted(walker.relations)}")


def _is_of_no_clinic(address: Address) -> bool:
    # Every clinic has settings and protocols of these names.
    return address.name in {"administration:setting"} or address.arguments == ("slug",)


def _check(address: Address, walker: Walker, answer: HttpResponse, who: str) -> None:
    action = address.action or ""
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    assert not _is_sign_in(answer), who
    allowed = walker.holds(action) if address.arguments else bool(TABLE[action].get(walker.role))
    if allowed:
        if address.name not in NARROWER:
            assert answer.status_code not in DENIED, (
                f"{who} should get in, the answer was {answer.status_code}"
            )
    else:
        assert answer.status_code in DENIED, f"{who} should be refused, the answer was {answer.status_code}"
        if not address.arguments:
            assert answer.status_code == HTTPStatus.FORBIDDEN, who
        elif not walker.may_know(action):
            assert answer.status_code == HTTPStatus.NOT_FOUND, f"{who} may not know that it exists"
    if answer.status_code == HTTPStatus.OK:
        assert "no-store" in answer["Cache-Control"], "pages of the clinic stay in no cache"


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_address_shows_nothing_of_the_clinic_when_a_stranger_asks(
    name: str, situation: Situation
) -> None:
    address = next(address for address in ADDRESSES if address.name == name)
    arguments = {"uidb36": "a1", "key": "not-a-key"} if "uidb36" in address.arguments else None
    url = reverse(name, kwargs=arguments) if arguments else _url(address, situation)
    answer = _ask(url, None)
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    assert situation.clinic.name not in answer.content.decode()


def test_person_without_a_role_sees_no_page_when_signed_in(situation: Situation) -> None:
    person = situation.team[Role.NURSE]
    Membership.objects.filter(user=person).update(ended_at=factories.timezone.now())
    for address in GUARDED:
        if not address.arguments:
            assert _ask(reverse(address.name), person).status_code in {
                HTTPStatus.FORBIDDEN,
                HTTPStatus.METHOD_NOT_ALLOWED,
            }
