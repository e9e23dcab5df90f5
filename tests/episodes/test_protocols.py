"""Protocols as data."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, transaction

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
