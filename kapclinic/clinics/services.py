"""Verbs over clinics: the value of a clinical setting, and changing it."""

from typing import Any

from kapclinic.clinics.models import Clinic, ClinicalSetting, SettingState
from kapclinic.clinics.settings_registry import spec_of


def setting(clinic: Clinic, key: str) -> Any:
    """The value in force for `key` at `clinic`: its approved own value, else the declared default.

    Raises KeyError when no room declared `key`.
    """
    return settings_for(clinic, key)[key]


def settings_for(clinic: Clinic, *keys: str) -> dict[str, Any]:
    """The values in force for several keys, with one query."""
    own = dict(
        ClinicalSetting.objects.filter(clinic=clinic, key__in=keys, state=SettingState.APPROVED).values_list(
            "key", "value"
        )
    )
    return {key: spec_of(key).parse(own[key]) if key in own else spec_of(key).default for key in keys}
