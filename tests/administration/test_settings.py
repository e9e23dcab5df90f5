"""Clinical settings: proposed by a manager, decided by the medical director."""

import pytest
from django.test import Client
from django.urls import reverse

from kapclinic.accounts.clinical_settings import LICENCE_WARN_DAYS as KEY
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.administration.services import decide_setting, propose_setting, withdraw_proposal
from kapclinic.clinics.models import Clinic, ClinicalSetting, SettingState
from kapclinic.clinics.refusals import Refused
from kapclinic.clinics.services import setting, settings_for
from kapclinic.clinics.settings_registry import all_specs, spec_of
from kapclinic.notices.models import Notice, Task
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def director(prescriber: User) -> User:
    """A prescriber who is medical director."""
    Membership.objects.filter(user=prescriber).update(is_medical_director=True)
    return prescriber


def _propose(
    clinic: Clinic, actor: User, value: object = 90, reason: str = "Boards are slow."
) -> ClinicalSetting:
    return propose_setting(clinic=clinic, key=KEY, value=value, reason=reason, actor=actor)


def _codes(error: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {reason.code for reason in error.value.reasons}


def test_default_is_in_force_when_nothing_was_decided(clinic: Clinic, manager: User) -> None:
    assert setting(clinic, KEY) == 60
    _propose(clinic, manager)
    assert setting(clinic, KEY) == 60


def test_value_is_in_force_when_the_director_approves(clinic: Clinic, manager: User, director: User) -> None:
    decide_setting(proposal=_propose(clinic, manager), approve=True, actor=director)
    assert setting(clinic, KEY) == 90


def test_value_of_one_clinic_is_not_anothers(
    clinic: Clinic, other_clinic: Clinic, manager: User, director: User
) -> None:
    decide_setting(proposal=_propose(clinic, manager), approve=True, actor=director)
    assert setting(other_clinic, KEY) == 60


def test_older_value_becomes_history_when_a_newer_is_approved(
    clinic: Clinic, manager: User, director: User
) -> None:
    for value in (90, 120):
        decide_setting(proposal=_propose(clinic, manager, value), approve=True, actor=director)
    assert setting(clinic, KEY) == 120
    states = dict(ClinicalSetting.objects.values_list("value", "state"))
    assert states == {90: SettingState.SUPERSEDED, 120: SettingState.APPROVED}


def test_value_stays_when_the_director_declines(clinic: Clinic, manager: User, director: User) -> None:
    proposal = _propose(clinic, manager)
    with pytest.raises(Refused) as error:
        decide_setting(proposal=proposal, approve=False, actor=director)
    assert _codes(error) == {"no-note"}
    decide_setting(proposal=proposal, approve=False, actor=director, note="Too early.")
    assert setting(clinic, KEY) == 60
    assert Notice.objects.get(receiver=manager).title.startswith("Declined")


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, "value"), (366, "value"), ("many", "value"), (True, "value"), (None, "value"), (60, "in-force")],
)
def test_value_is_refused_when_it_is_out_of_bounds_or_in_force(
    clinic: Clinic, manager: User, value: object, code: str
) -> None:
    with pytest.raises(Refused) as error:
        _propose(clinic, manager, value)
    assert _codes(error) == {code}


@pytest.mark.parametrize("value", [1, 365])
def test_value_is_taken_when_it_stands_on_a_bound(clinic: Clinic, manager: User, value: int) -> None:
    assert _propose(clinic, manager, value).value == value


def test_proposal_needs_a_reason(clinic: Clinic, manager: User) -> None:
    with pytest.raises(Refused) as error:
        _propose(clinic, manager, reason="  ")
    assert _codes(error) == {"no-reason"}


def test_proposal_is_the_same_when_sent_twice_and_refused_when_another_waits(
    clinic: Clinic, manager: User
) -> None:
    assert _propose(clinic, manager) == _propose(clinic, manager)
    with pytest.raises(Refused) as error:
        _propose(clinic, manager, 120)
    assert _codes(error) == {"proposal-open"}


def test_proposal_can_be_withdrawn_until_it_is_decided(clinic: Clinic, manager: User, director: User) -> None:
    proposal = _propose(clinic, manager)
    assert Task.objects.get().person == director
    withdraw_proposal(proposal=proposal, actor=manager)
    assert Task.objects.get().withdrawn_at is not None
    with pytest.raises(Refused):
        decide_setting(proposal=proposal, approve=True, actor=director)
    decided = _propose(clinic, manager)
    decide_setting(proposal=decided, approve=True, actor=director)
    with pytest.raises(Refused):
        withdraw_proposal(proposal=decided, actor=manager)


def test_task_of_the_director_is_done_when_they_decide(clinic: Clinic, manager: User, director: User) -> None:
    decide_setting(proposal=_propose(clinic, manager), approve=True, actor=director)
    assert Task.objects.get().done_by == director


def test_decision_is_refused_when_the_person_is_no_director(
    clinic: Clinic, manager: User, prescriber: User
) -> None:
    proposal = _propose(clinic, manager)
    for person in (manager, prescriber):
        with pytest.raises(Refused) as error:
            decide_setting(proposal=proposal, approve=True, actor=person)
        assert _codes(error) == {"not-director"}


def test_decision_on_ones_own_proposal_is_refused_when_somebody_else_could(
    clinic: Clinic, manager: User, director: User
) -> None:
    Membership.objects.create(clinic=clinic, user=director, role=Role.MANAGER)
    with pytest.raises(Refused) as error:
        decide_setting(proposal=_propose(clinic, director), approve=True, actor=director)
    assert _codes(error) == {"own-proposal"}


def test_decision_on_ones_own_proposal_is_allowed_when_the_person_is_alone(clinic: Clinic) -> None:
    alone = factories.make_member(clinic, Role.PRESCRIBER, Role.MANAGER)
    Membership.objects.filter(user=alone, role=Role.PRESCRIBER).update(is_medical_director=True)
    decide_setting(proposal=_propose(clinic, alone), approve=True, actor=alone)
    assert setting(clinic, KEY) == 90


def test_decision_changes_nothing_when_it_is_sent_twice(
    clinic: Clinic, manager: User, director: User
) -> None:
    proposal = _propose(clinic, manager)
    first = decide_setting(proposal=proposal, approve=True, actor=director)
    second = decide_setting(proposal=proposal, approve=True, actor=director)
    assert first.decided_at == second.decided_at
    with pytest.raises(Refused):
        decide_setting(proposal=proposal, approve=False, actor=director, note="no")


def test_several_values_cost_one_query(clinic: Clinic, django_assert_num_queries) -> None:
    keys = [spec.key for spec in all_specs()]
    with django_assert_num_queries(1):
        assert settings_for(clinic, *keys) == {key: spec_of(key).default for key in keys}


def test_every_declared_setting_says_where_it_comes_from() -> None:
    for spec in all_specs():
        assert spec.label, spec.key
        assert spec.group, spec.key
        assert spec.source, spec.key


def test_setting_goes_from_proposal_to_force_in_the_browser(
    client: Client, clinic: Clinic, manager: User, director: User, nurse: User
) -> None:
    page = reverse("administration:setting", kwargs={"key": KEY})
    client.force_login(manager)
    assert "not above 365" in client.post(page, {"value": 400, "reason": "x"}).text
    client.post(page, {"value": 90, "reason": "Boards are slow."})
    proposal = ClinicalSetting.objects.get()
    client.force_login(nurse)
    assert "90 days before" in client.get(page).text
    assert client.post(page, {"value": 50, "reason": "x"}).status_code == 403
    decide = reverse("administration:proposal-decide", kwargs={"pk": proposal.pk})
    assert client.post(decide, {"decision": "approve"}).status_code == 403
    client.force_login(director)
    assert client.post(decide, {"decision": "decline"}).status_code == 422
    assert client.post(decide, {}).status_code == 422
    assert client.post(decide, {"decision": "approve"}).status_code == 302
    assert setting(clinic, KEY) == 90
    assert "own value" in client.get(reverse("administration:settings")).text
    assert client.get(reverse("administration:setting", kwargs={"key": "no.such"})).status_code == 404
