"""The guard registry."""

import pytest
from django.utils import timezone

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason, Refused


def test_every_action_that_must_be_guarded_is() -> None:
    assert guards.unguarded() == frozenset()


def test_missing_guard_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from episodes.checks import every_guarded_action_has_a_guard

    monkeypatch.setattr(guards, "_guards", {})
    assert {error.id for error in every_guarded_action_has_a_guard()} == {"episodes.E001"}


def test_unknown_action_cannot_be_guarded() -> None:
    with pytest.raises(KeyError):
        guards.register("dose.invent")


@pytest.fixture
def two_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    def guard(_context: GuardContext) -> list[Reason]:
        return [
            Reason("paper", "The handoff is unread.", passable_by=frozenset({Role.PRESCRIBER})),
            Reason("hard", "There is no consent."),
        ]

    monkeypatch.setattr(guards, "_guards", {"dose.start": [guard]})


def _context(*roles: Role) -> GuardContext:
    return GuardContext(action="dose.start", episode=None, now=timezone.now(), actor_roles=frozenset(roles))


@pytest.mark.parametrize(
    ("roles", "passing", "standing"),
    [
        ((Role.PRESCRIBER,), {}, {"paper", "hard"}),
        ((Role.PRESCRIBER,), {"paper": "read aloud"}, {"hard"}),
        ((Role.PRESCRIBER,), {"paper": "   "}, {"paper", "hard"}),
        ((Role.NURSE,), {"paper": "read aloud"}, {"paper", "hard"}),
        ((Role.PRESCRIBER,), {"paper": "x", "hard": "x"}, {"hard"}),
    ],
)
def test_only_passable_reasons_give_way_and_only_to_the_right_role(
    two_reasons, roles, passing, standing
) -> None:
    with pytest.raises(Refused) as refusal:
        guards.check(_context(*roles), passing=passing)
    assert {reason.code for reason in refusal.value.reasons} == standing
