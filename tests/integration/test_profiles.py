"""What each shipped protocol asks for, in minutes."""

import json
from pathlib import Path

import pytest

import episodes
from episodes.protocols import ProtocolSpec
from integration.profiles import profile_of
from integration.windows import DEFAULT, WITHIN_48H, WindowProfile

FOLDER = Path(episodes.__file__).parent / "data" / "protocols"


def windows_of(profile: WindowProfile) -> tuple[int, ...]:
    return (profile.opens, profile.closes, profile.preferred_from, profile.preferred_until, profile.plan_from)


@pytest.mark.parametrize("slug", ["kap", "parallel", "preparation-integration"])
def test_profile_has_the_default_windows(slug):
    spec = ProtocolSpec.from_data(json.loads((FOLDER / f"{slug}.json").read_text()))
    assert windows_of(profile_of(spec)) == windows_of(DEFAULT)
    assert profile_of(spec).preparation_opens == 72 * 60
    assert profile_of(spec).preparation_closes == 24 * 60


def test_profile_of_within_48h_is_its_own():
    spec = ProtocolSpec.from_data(json.loads((FOLDER / "within-48h.json").read_text()))
    assert windows_of(profile_of(spec)) == windows_of(WITHIN_48H)
