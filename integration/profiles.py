"""The window profile that a protocol's data asks for."""

from __future__ import annotations

from datetime import timedelta

from episodes.protocols import ProtocolSpec, Window
from integration.windows import WindowProfile


def _minutes(offset: timedelta) -> int:
    return int(offset // timedelta(minutes=1))


def profile_of(spec: ProtocolSpec) -> WindowProfile:
    """The profile of `spec`; raises ValueError where its windows contradict each other."""
    window = spec.integration
    plan_from = _hours(window.opens_h if window.plan_from_h is None else window.plan_from_h)
    preferred_until = _hours(
        window.closes_h if window.preferred_until_h is None else window.preferred_until_h
    )
    secondary: Window | None = spec.secondary
    default = WindowProfile()
    return WindowProfile(
        name=spec.model,
        opens=_minutes(window.opens),
        closes=_minutes(window.closes),
        preferred_from=plan_from,
        preferred_until=preferred_until,
        plan_from=plan_from,
        owes_secondary=secondary is not None,
        secondary_opens=default.secondary_opens if secondary is None else _minutes(secondary.opens),
        secondary_closes=default.secondary_closes if secondary is None else _minutes(secondary.closes),
        preparation_opens=-_minutes(spec.preparation.opens),
        preparation_closes=-_minutes(spec.preparation.closes),
    )


def _hours(value: float) -> int:
    return _minutes(timedelta(hours=value))
