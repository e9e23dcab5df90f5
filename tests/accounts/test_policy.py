"""The access table, row by row as the clinic agreed on it."""

import pytest

from episodes.models import Episode
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import Actor, can, in_scope
from kapclinic.clinics.models import Clinic
from tests import factories

ALL = frozenset(Role)
C, N, T, P, M = Role.COORDINATOR, Role.NURSE, Role.THERAPIST, Role.PRESCRIBER, Role.MANAGER

# Action -> the roles that hold it on an episode on whose team they are (a coordinator and a manager are on no team).
ON_THE_TEAM = {
    "patient.register": {C, N, T, P},
    "consent.record": {C, N, T, P},
    "appointment.view": {C, N, T, P, M},
    "appointment.change": {C, N, T, P, M},
    "chart.view": {N, T, P},
    "screening.enter": {C, N, T, P},
    "screening.view": {N, T, P},
    "risk.assess": {N, T, P},
    "eligibility.decide": {P},
    "dose.order": {P},
    "finding.answer": {P},
    "dose.give": {N, P},
    "dose.vitals": {N, T, P},
    "dose.log": {N, T, P},
    "dose.discharge": {N, P},
    "preparation.read": {N, T, P},
    "preparation.write": {T},
    "integration.read": {N, T, P},
    "integration.write": {T},
    "handoff.status": {C, N, T, P, M},
    "handoff.read": {N, T, P},
    "handoff.write-to-prescriber": {T},
    "handoff.write-to-therapist": {P},
    "handoff.write-coordination": {T, P},
    "handoff.write-emergency": {T, P},
    "handoff.acknowledge": {T, P},
    "handoff.record-heard": {N, T, P},
    "message.list": {C, N, T, P},
    "message.clinical": {N, T, P},
    "conference.decide": {N, T, P},
}
# Action -> the roles that hold it on an episode of the clinic on whose team they are not.
OFF_THE_TEAM = {
    "patient.register": {C, N, T, P},
    "patient.view": {C, N},
    "consent.record": {C, N},
    "appointment.view": {C, M},
    "appointment.change": {C, M},
    "chart.view": set(),
    "episode.view": {C},
    "screening.enter": {C},
    "screening.view": set(),
    "risk.assess": set(),
    "eligibility.decide": set(),
    "dose.order": set(),
    "dose.give": set(),
    "dose.vitals": set(),
    "dose.discharge": set(),
    "preparation.read": set(),
    "preparation.write": set(),
    "integration.read": set(),
    "integration.write": set(),
    "handoff.status": {C, M},
    "handoff.read": set(),
    "handoff.write-to-prescriber": set(),
    "handoff.write-to-therapist": set(),
    "handoff.write-coordination": set(),
    "handoff.write-emergency": set(),
    "handoff.record-heard": set(),
    "message.list": {C},
    "message.clinical": set(),
    "conference.decide": set(),
    "document.read": set(),
}
# Action -> the roles that hold it in the house, where no patient is meant.
IN_THE_HOUSE = {
    "staff.manage": {M},
    "rooms.manage": {M},
    "protocols.manage": {M},
    "import.run": {M},
    "outcomes.export": {M},
    "clinic.manage": {M},
    "settings.propose": {M},
    "settings.approve": {P},
    "outcomes.view": {T, P, M},
    "jobs.view": {C, M},
    "jobs.retry": {C, M},
}


def _actor(clinic: Clinic, user: User, *roles: Role) -> Actor:
    return Actor(user=user, clinic=clinic, roles=frozenset(roles))


@pytest.fixture
def people_on_team(
    nurse: User, therapist: User, prescriber: User, coordinator: User, manager: User
) -> dict[Role, User]:
    """One person for each role; the clinical ones are on the episode's team."""
    return {N: nurse, T: therapist, P: prescriber, C: coordinator, M: manager}


@pytest.mark.parametrize("action", sorted(ON_THE_TEAM))
def test_roles_hold_an_action_when_on_the_team(
    action: str, clinic: Clinic, episode: Episode, people_on_team: dict[Role, User]
) -> None:
    holders = {
        role for role, user in people_on_team.items() if can(_actor(clinic, user, role), action, episode)
    }
    assert holders == ON_THE_TEAM[action]


@pytest.mark.parametrize("action", sorted(OFF_THE_TEAM))
def test_roles_hold_an_action_when_off_the_team(action: str, clinic: Clinic, episode: Episode) -> None:
    thing = episode.patient if action == "patient.view" else episode
    people = {role: factories.make_member(clinic, role) for role in ALL}
    holders = {role for role, user in people.items() if can(_actor(clinic, user, role), action, thing)}
    assert holders == OFF_THE_TEAM[action]


@pytest.mark.django_db
@pytest.mark.parametrize("action", sorted(IN_THE_HOUSE))
def test_roles_hold_an_action_when_it_is_about_the_house(action: str, clinic: Clinic, manager: User) -> None:
    holders = {role for role in ALL if can(_actor(clinic, manager, role), action, clinic)}
    assert holders == IN_THE_HOUSE[action]


@pytest.mark.parametrize("action", sorted(policy.TABLE))
def test_nobody_holds_an_action_when_the_thing_is_of_another_clinic(
    action: str, other_clinic: Clinic, episode: Episode
) -> None:
    stranger = factories.make_member(other_clinic, *Role)
    actor = _actor(other_clinic, stranger, *Role)
    assert not can(actor, action, episode)
    assert not in_scope(actor, episode)


def test_unknown_action_is_an_error_when_asked(clinic: Clinic, manager: User) -> None:
    with pytest.raises(KeyError):
        can(_actor(clinic, manager, M), "nothing.known")


def test_person_without_a_role_holds_nothing_when_asked(clinic: Clinic, manager: User) -> None:
    assert not any(can(_actor(clinic, manager), action) for action in policy.TABLE)


def test_several_roles_add_up_when_one_person_holds_them(
    clinic: Clinic, therapist_off_team: User, episode: Episode
) -> None:
    both = _actor(clinic, therapist_off_team, T, C)
    assert can(both, "appointment.change", episode)
    assert not can(both, "chart.view", episode)


def test_cover_holds_the_teams_rights_only_when_covering(
    clinic: Clinic, episode: Episode, therapist_off_team: User
) -> None:
    factories.make_cover(episode, therapist_off_team)
    assert not can(_actor(clinic, therapist_off_team, T), "chart.view", episode)
