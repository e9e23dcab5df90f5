"""Decisions side by side, on a database with real commits."""

import threading
from collections.abc import Callable

from django.db import connection

from kapclinic.accounts.clinical_settings import LICENCE_WARN_DAYS as KEY
from kapclinic.accounts.models import Role
from kapclinic.administration.services import decide_setting, propose_setting
from kapclinic.clinics.models import ClinicalSetting, SettingState
from kapclinic.clinics.refusals import Refused
from tests import factories


def _side_by_side(*acts: Callable[[], object]) -> list[str]:
    start = threading.Barrier(len(acts))
    outcomes: list[str] = []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
            outcomes.append("done")
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_one_decision_stands_when_two_directors_decide_at_the_same_moment(committed_db: str) -> None:
    clinic = factories.make_clinic()
    manager = factories.make_member(clinic, Role.MANAGER)
    first, second = (
        factories.make_member(clinic, Role.PRESCRIBER, is_medical_director=True) for _ in range(2)
    )
    proposal = propose_setting(clinic=clinic, key=KEY, value=90, reason="made up", actor=manager)
    outcomes = _side_by_side(
        lambda: decide_setting(proposal=proposal, approve=True, actor=first),
        lambda: decide_setting(proposal=proposal, approve=False, actor=second, note="no"),
    )
    assert outcomes == ["done", "refused"]
    proposal.refresh_from_db()
    assert proposal.decided_by in {first, second}


def test_one_proposal_is_open_when_two_managers_propose_at_the_same_moment(committed_db: str) -> None:
    clinic = factories.make_clinic()
    first, second = (factories.make_member(clinic, Role.MANAGER) for _ in range(2))
    outcomes = _side_by_side(
        lambda: propose_setting(clinic=clinic, key=KEY, value=90, reason="made up", actor=first),
        lambda: propose_setting(clinic=clinic, key=KEY, value=120, reason="made up", actor=second),
    )
    assert outcomes == ["done", "refused"]
    assert ClinicalSetting.objects.filter(state=SettingState.PROPOSED).count() == 1
