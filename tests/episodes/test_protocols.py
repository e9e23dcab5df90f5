"""Protocols as data."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.urls import reverse

from episodes import services
from episodes.models import Protocol, ProtocolVersion
from episodes.protocols import ProtocolError, ProtocolSpec
from kapclinic.clinics.refusals import Refused
from tests import factories

FOLDER = Path(__file__).resolve().parents[2] / "episodes" / "data" / "protocols"
SHIPPED = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}


def test_the_four_protocols_are_shipped() -> None:
    assert set(SHIPPED) == {"preparation-integration", "kap", "parallel", "within-48h"}


@pytest.mark.parametrize("slug", SHIPPED)
def test_shipped_protocol_is_valid_with_six_parts_each(slug: str) -> None:
    spec = ProtocolSpec.from_data(SHIPPED[slug])
    assert len(spec.preparation_parts) == 6
    assert len(spec.integration_parts) == 6


def test_windows_are_those_of_the_rules() -> None:
    spec = ProtocolSpec.from_data(SHIPPED["preparation-integration"])
    assert (spec.integration.opens_h, spec.integration.closes_h, spec.integration.preferred_until_h) == (
        24,
        72,
        48,
    )
    assert (spec.preparation.opens_h, spec.preparation.closes_h) == (-72, -24)
    assert spec.secondary is not None
    assert (spec.secondary.opens_h, spec.secondary.closes_h) == (96, 168)
    within = ProtocolSpec.from_data(SHIPPED["within-48h"])
    assert (within.integration.opens_h, within.integration.closes_h, within.integration.plan_from_h) == (
        4,
        48,
        24,
    )
    assert not ProtocolSpec.from_data(SHIPPED["parallel"]).plans_integration


def _changed(**changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(SHIPPED["kap"])
    for name, value in changes.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    return data


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"integration": {"opens_h": 72}}, "close after it opens"),
        ({"integration": {"opens_h": -1}}, "after the dose"),
        ({"preparation": {"closes_h": 1}}, "before the dose"),
        ({"integration": {"preferred_until_h": 73}}, "preferred part"),
        ({"integration": {"preferred_until_h": 24}}, "preferred part"),
        ({"integration_minutes": 9}, "between 10 and 480"),
        ({"integration_minutes": 481}, "between 10 and 480"),
        (
            {"integration": {"opens_h": 47.5, "closes_h": 48, "preferred_until_h": 48}},
            "longer than its window",
        ),
        ({"model": "else"}, "model must be"),
        ({"integration_parts": []}, "must be there"),
        ({"induction": {"integration_every_nth": 0}}, "n from 1"),
        ({"induction": {"planned_doses": 10}}, "planned number"),
        ({"induction": {"doses_per_week": 3.5}}, "at most 3"),
        ({"integration": {"surprise": 1}}, "wrong form"),
    ],
)
def test_protocol_is_refused_when_its_data_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        ProtocolSpec.from_data(_changed(**changes))


def test_protocol_is_refused_when_an_entry_is_missing() -> None:
    data = _changed()
    del data["phases"]
    with pytest.raises(ProtocolError, match="'phases'"):
        ProtocolSpec.from_data(data)


def test_readings_are_the_clinics_when_a_version_names_none() -> None:
    assert ProtocolSpec.from_data(SHIPPED["kap"]).readings == {}


def test_readings_are_those_that_a_version_names() -> None:
    spec = ProtocolSpec.from_data({**SHIPPED["kap"], "readings": {"im": "10, 20", "esketamine": "40, 120"}})
    assert spec.readings == {"im": (10, 20), "esketamine": (40, 120)}


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ({"rectal": "15"}, "not for rectal"),
        ({"iv": ""}, "intravenous ketamine: Name at least one time"),
        ({"iv": "30, 15"}, "intravenous ketamine: The times must rise"),
        (["15"], "wrong form"),
    ],
)
def test_readings_are_refused_when_they_make_no_sense(readings: Any, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        ProtocolSpec.from_data({**SHIPPED["kap"], "readings": readings})


@pytest.mark.parametrize(("nth", "owing"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (3, [3])])
def test_integration_is_owed_after_every_nth_dose(nth: int, owing: list[int]) -> None:
    spec = ProtocolSpec.from_data(_changed(induction={"integration_every_nth": nth}))
    assert [n for n in range(1, 5) if spec.owes_integration(n, in_maintenance=False)] == owing


def test_installing_twice_adds_nothing(clinic) -> None:
    services.install_protocols(clinic=clinic)
    assert Protocol.objects.filter(clinic=clinic).count() == 4
    assert ProtocolVersion.objects.filter(clinic=clinic).count() == 4


def test_new_version_leaves_running_episodes_alone(clinic, episode, manager) -> None:
    protocol = episode.protocol_version.protocol
    data = copy.deepcopy(protocol.latest.data)
    data["integration"]["closes_h"] = 60
    version = services.save_protocol_version(
        protocol=protocol, data=data, change_note="Tighter", actor=manager
    )
    again = services.save_protocol_version(protocol=protocol, data=data, change_note="Tighter", actor=manager)
    assert (version.number, again.pk) == (2, version.pk)
    episode.refresh_from_db()
    assert episode.protocol.integration.closes_h == 72
    assert (
        factories.make_episode(factories.make_patient(clinic, given_name="Ana")).protocol.integration.closes_h
        == 60
    )


def test_new_version_is_refused_without_a_note_or_with_bad_data(clinic, manager) -> None:
    protocol = Protocol.objects.get(clinic=clinic, slug="kap")
    with pytest.raises(Refused):
        services.save_protocol_version(
            protocol=protocol, data={**SHIPPED["kap"], "summary": "x"}, change_note=" ", actor=manager
        )
    with pytest.raises(Refused, match="Model must be"):
        services.save_protocol_version(
            protocol=protocol, data=_changed(model="else"), change_note="x", actor=manager
        )


def test_database_refuses_changing_a_version(clinic) -> None:
    version = ProtocolVersion.objects.filter(clinic=clinic)[0]
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        ProtocolVersion.objects.filter(pk=version.pk).update(data={})


def _typed(page: Any, **changes: str) -> dict[str, str]:
    """What the form would send as it stands, with changes."""
    form = page.context["form"]
    sent = {field.html_name: field.value() for field in form}
    return {
        name: "" if value is None else str(value) for name, value in sent.items() if value is not False
    } | changes


def test_version_with_readings_is_made_on_its_page_and_they_are_taken_out_again(
    client, clinic, manager
) -> None:
    services.install_protocols(clinic=clinic)
    protocol = Protocol.objects.get(clinic=clinic, slug="kap")
    address = reverse("episodes:protocol-new-version", kwargs={"slug": protocol.slug})
    client.force_login(manager)
    typed = _typed(client.get(address), readings_im="10,20", change_note="Closer at the start")
    assert client.post(address, {**typed, "readings_im": "20, 10"}).status_code == 422
    assert client.post(address, typed).status_code == 302
    assert protocol.latest.data["readings"] == {"im": "10, 20"}
    page = client.get(reverse("episodes:protocol-detail", kwargs={"slug": protocol.slug})).content.decode()
    assert "10, 20 min after the start" in page
    typed = _typed(client.get(address), change_note="As the clinic has it")
    assert typed["readings_im"] == "10, 20"
    assert client.post(address, {**typed, "readings_im": ""}).status_code == 302
    assert protocol.latest.number == 3
    assert "readings" not in protocol.latest.data


def test_version_states_due_days_of_handoffs_on_its_page_and_takes_them_out_again(
    client, clinic, manager
) -> None:
    services.install_protocols(clinic=clinic)
    protocol = Protocol.objects.get(clinic=clinic, slug="kap")
    address = reverse("episodes:protocol-new-version", kwargs={"slug": protocol.slug})
    client.force_login(manager)
    typed = _typed(client.get(address), handoff_after_days="1", change_note="A day more")
    assert client.post(address, {**typed, "handoff_after_days": "3"}).status_code == 422
    assert client.post(address, typed).status_code == 302
    assert protocol.latest.data["handoffs"] == {"after_days": 1}
    typed = _typed(client.get(address), change_note="As the clinic has it")
    assert client.post(address, {**typed, "handoff_after_days": ""}).status_code == 302
    assert "handoffs" not in protocol.latest.data


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"before_days": 1}, "due days of handoffs are before_working_days and after_days, not before_days"),
        ({"after_days": 6}, "whole number of days, 0 to 5"),
        ({"after_days": -1}, "whole number of days"),
        ({"after_days": True}, "whole number of days"),
        ({"after_days": 0.5}, "whole number of days"),
        (["after_days"], "of a wrong form"),
    ],
)
def test_due_days_of_handoffs_are_checked(stated: Any, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        ProtocolSpec.from_data({**SHIPPED["kap"], "handoffs": stated})


def test_due_days_of_handoffs_are_the_clinics_unless_a_version_states_them() -> None:
    assert ProtocolSpec.from_data(SHIPPED["kap"]).handoffs == {}
    assert ProtocolSpec.from_data({**SHIPPED["kap"], "handoffs": {"after_days": 1}}).handoffs == {
        "after_days": 1
    }
