"""The checklist before leaving, computed from facts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sessions.dose import Drug
from sessions.limits import limit
from sessions.vitals import (
    DEFAULT_VITALS_LIMITS,
    FOUR_STEPS,
    NO_HOLD,
    HoldParameters,
    Reading,
    VitalsLimits,
    alerts_of,
)

REMS_FLOOR_MINUTES = 120  # SPRAVATO REMS: monitored for at least two hours; a clinic may ask more, never less
MINIMAL_NAUSEA_AT_MOST = 1  # none or mild, of the four steps


@dataclass(frozen=True)
class DischargeLimits:
    """How long a patient stays and what counts as steady."""

    racemic_minutes_after_t0: int = limit(
        60, "Racemic ketamine: leave no sooner after the dose ended than", "min", "POLICY", between=(15, 480)
    )
    esketamine_minutes_after_first_device: int = limit(
        REMS_FLOOR_MINUTES,
        "Esketamine: leave no sooner after the first device than",
        "min",
        "SPRAVATO REMS; two hours are the floor",
        mark="V",
        between=(REMS_FLOOR_MINUTES, 480),
    )
    readings_within_limits: int = limit(
        2, "Readings in a row within limits", "readings", "POLICY", between=(1, 4)
    )
    last_reading_minutes: int = limit(
        30, "The last reading before leaving is at most this old", "min", "POLICY", between=(5, 60)
    )
    settled_systolic: int = limit(
        140,
        "A systolic pressure counts as settled up to",
        "mmHg",
        "POLICY",
        mark="UNVERIFIED",
        between=(120, 180),
    )
    settled_diastolic: int = limit(
        90,
        "A diastolic pressure counts as settled up to",
        "mmHg",
        "POLICY",
        mark="UNVERIFIED",
        between=(70, 110),
    )
    above_baseline: int = limit(
        20,
        "... or up to this much above the reading before the dose",
        "mmHg",
        "POLICY",
        mark="UNVERIFIED",
        between=(0, 40),
    )


DEFAULT_DISCHARGE_LIMITS = DischargeLimits()


class Item(StrEnum):
    DOSE_ENDED = "dose-ended"
    REMS_TIME = "rems-time"
    STAY = "stay"
    VITALS = "vitals"
    ORIENTED = "oriented"
    WALKS = "walks"
    NAUSEA = "nausea"
    DISSOCIATION = "dissociation"
    ESCORT = "escort"
    INSTRUCTIONS = "instructions"
    RISK = "risk"


# Never overridden: nobody may leave under the word "discharged" without these.
FIRM_ITEMS = frozenset({Item.DOSE_ENDED, Item.REMS_TIME, Item.ESCORT})


@dataclass(frozen=True)
class DischargeFacts:
    """What is known at `now` (aware). None means nobody has looked yet.

    `nausea` and `dissociation` are in the four steps none 0 to marked 3. `readings` are the standing ones;
    `baseline` the one before the dose.
    """

    now: datetime
    drug: Drug
    d0: datetime | None
    t0: datetime | None
    readings: Sequence[Reading] = ()
    baseline: Reading | None = None
    is_oriented: bool | None = None
    walks_steadily: bool | None = None
    nausea: int | None = None
    dissociation: int | None = None
    escort_name: str = ""
    escort_seen_at: datetime | None = None
    instructions_given: bool = False
    phone_given: bool = False
    needs_risk_recheck: bool = False
    risk_rechecked: bool | None = None
    other_transport_approved: bool = False
    hold: HoldParameters = NO_HOLD


@dataclass(frozen=True)
class GateItem:
    """One line of the checklist. `met_at` is when a waiting time will have passed (aware)."""

    item: Item
    label: str
    is_met: bool
    detail: str
    can_override: bool
    met_at: datetime | None = None


@dataclass(frozen=True)
class Gate:
    items: tuple[GateItem, ...]

    @property
    def unmet(self) -> tuple[GateItem, ...]:
        return tuple(entry for entry in self.items if not entry.is_met)

    @property
    def is_open(self) -> bool:
        return not self.unmet

    def left_after(self, overrides: Collection[Item]) -> tuple[GateItem, ...]:
        """What still stands in the way when a prescriber overrides `overrides`."""
        return tuple(entry for entry in self.unmet if not (entry.can_override and entry.item in overrides))


def gate(
    facts: DischargeFacts,
    limits: DischargeLimits = DEFAULT_DISCHARGE_LIMITS,
    vitals: VitalsLimits = DEFAULT_VITALS_LIMITS,
) -> Gate:
    """The checklist in the order in which it is read aloud."""
    items = [_dose_ended(facts), _time(facts, limits), _settled(facts, limits, vitals)]
    items.append(_seen(Item.ORIENTED, "Alert and oriented", facts.is_oriented))
    items.append(_seen(Item.WALKS, "Walks steadily", facts.walks_steadily))
    items.append(
        _step(
            Item.NAUSEA,
            "No more than mild nausea",
            facts.nausea,
            MINIMAL_NAUSEA_AT_MOST,
        )
    )
    items.append(_step(Item.DISSOCIATION, "Dissociation resolved", facts.dissociation, 0))
    items.append(_escort(facts))
    given = facts.instructions_given and facts.phone_given
    missing = [
        name
        for name, done in (
            ("written instructions", facts.instructions_given),
            ("a phone number to ring", facts.phone_given),
        )
        if not done
    ]
    items.append(
        _item(
            Item.INSTRUCTIONS,
            "Written instructions and phone number given",
            given,
            "given" if given else f"not yet: {', '.join(missing)}",
        )
    )
    if facts.needs_risk_recheck:
        items.append(_seen(Item.RISK, "Suicide risk asked again", facts.risk_rechecked))
    return Gate(tuple(items))


def _item(item: Item, label: str, is_met: bool, detail: str, met_at: datetime | None = None) -> GateItem:
    return GateItem(item, label, is_met, detail, item not in FIRM_ITEMS, met_at)


def _dose_ended(facts: DischargeFacts) -> GateItem:
    if facts.t0 is not None:
        return _item(Item.DOSE_ENDED, "The dose has ended", True, "recorded")
    detail = "nothing was given" if facts.d0 is None else "the end is not recorded"
    return _item(Item.DOSE_ENDED, "The dose has ended", False, detail)


def _time(facts: DischargeFacts, limits: DischargeLimits) -> GateItem:
    if facts.drug is Drug.ESKETAMINE:
        minutes = max(REMS_FLOOR_MINUTES, limits.esketamine_minutes_after_first_device)
        item, start = Item.REMS_TIME, facts.d0
        label = f"{minutes} min since the first device"
    else:
        minutes, item, start = limits.racemic_minutes_after_t0, Item.STAY, facts.t0
        label = f"{minutes} min after the dose ended"
    if start is None:
        return _item(item, label, False, "the clock has not started")
    met_at = start + timedelta(minutes=minutes)
    if facts.now >= met_at:
        return _item(item, label, True, "passed", met_at)
    left = -(-int((met_at - facts.now).total_seconds()) // 60)
    return _item(item, label, False, f"{left} min to go", met_at)


def _settled(facts: DischargeFacts, limits: DischargeLimits, vitals: VitalsLimits) -> GateItem:
    wanted = limits.readings_within_limits
    label = "Last reading within limits" if wanted == 1 else f"Last {wanted} readings within limits"
    after = [
        reading
        for reading in sorted(facts.readings, key=lambda reading: reading.taken_at)
        if reading.answers_predose and facts.d0 is not None and facts.d0 < reading.taken_at <= facts.now
    ]
    latest = after[-wanted:]
    if len(latest) < wanted:
        return _item(Item.VITALS, label, False, f"{len(latest)} of {wanted} taken")
    age = facts.now - latest[-1].taken_at
    if age > timedelta(minutes=limits.last_reading_minutes):
        return _item(
            Item.VITALS,
            label,
            False,
            f"the last is {int(age.total_seconds() // 60)} min old",
        )
    for reading in latest:
        why = _unsettled(reading, facts, limits, vitals)
        if why:
            return _item(Item.VITALS, label, False, why)
    last = latest[-1]
    return _item(
        Item.VITALS,
        label,
        True,
        f"{last.systolic}/{last.diastolic}, SpO₂ {last.spo2} %",
    )


def _unsettled(
    reading: Reading,
    facts: DischargeFacts,
    limits: DischargeLimits,
    vitals: VitalsLimits,
) -> str:
    alerts = alerts_of(reading, vitals, facts.hold)
    if alerts:
        return alerts[0].text
    if reading.systolic is None or reading.diastolic is None:
        return "no blood pressure"
    top_systolic, top_diastolic = limits.settled_systolic, limits.settled_diastolic
    baseline = facts.baseline
    if baseline is not None and baseline.systolic is not None and baseline.diastolic is not None:
        top_systolic = max(top_systolic, baseline.systolic + limits.above_baseline)
        top_diastolic = max(top_diastolic, baseline.diastolic + limits.above_baseline)
    if reading.systolic > top_systolic or reading.diastolic > top_diastolic:
        return f"{reading.systolic}/{reading.diastolic}, settled is {top_systolic}/{top_diastolic} or less"
    return ""


def _seen(item: Item, label: str, answer: bool | None) -> GateItem:
    detail = "not looked at yet" if answer is None else ("yes" if answer else "no")
    return _item(item, label, answer is True, detail)


def _step(item: Item, label: str, step: int | None, at_most: int) -> GateItem:
    return _item(
        item,
        label,
        step is not None and step <= at_most,
        "not looked at yet" if step is None else FOUR_STEPS[step],
    )


def _escort(facts: DischargeFacts) -> GateItem:
    label = "Escort here, seen and named"
    if facts.escort_name and facts.escort_seen_at is not None:
        return _item(Item.ESCORT, label, True, f"{facts.escort_name}, seen")
    if facts.other_transport_approved:
        return _item(Item.ESCORT, label, True, "other transport approved by a prescriber")
    return _item(
        Item.ESCORT,
        label,
        False,
        "not seen yet" if facts.escort_name else "nobody named",
    )
