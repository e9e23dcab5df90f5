"""States of a licence and sums of training hours."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapclinic.accounts.credentials import GUIDE, LicenceState, licence_state, training_sums
from kapclinic.accounts.models import TrainingKind

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("days_left", "state"),
    [
        (61, LicenceState.VALID),
        (60, LicenceState.EXPIRING),
        (59, LicenceState.EXPIRING),
        (1, LicenceState.EXPIRING),
        (0, LicenceState.EXPIRING),
        (-1, LicenceState.EXPIRED),
    ],
)
def test_licence_state_when_days_are_left(days_left: int, state: LicenceState) -> None:
    expires_on = TODAY + timedelta(days=days_left)
    assert licence_state(expires_on=expires_on, is_withdrawn=False, today=TODAY, warn_days=60) is state


def test_licence_is_withdrawn_when_it_would_still_run() -> None:
    expires_on = TODAY + timedelta(days=900)
    assert (
        licence_state(expires_on=expires_on, is_withdrawn=True, today=TODAY, warn_days=60)
        is LicenceState.WITHDRAWN
    )


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [(TrainingKind.DIDACTIC, 8, 40), (TrainingKind.OBSERVATION, 20, 50), (TrainingKind.SUPERVISED, 50, 100)],
)
def test_guide_figures_when_hours_stand_at_each_boundary(kind: TrainingKind, least: int, most: int) -> None:
    def sum_of(hours: Decimal):
        return next(found for found in training_sums([(kind, hours)]) if found.kind == kind)

    step = Decimal("0.1")
    assert sum_of(least - step).is_below_guide
    assert not sum_of(Decimal(least)).is_below_guide
    assert not sum_of(most - step).reaches_most
    assert sum_of(Decimal(most)).reaches_most


def test_experiential_hours_have_no_figure_when_summed() -> None:
    found = {line.kind: line for line in training_sums([("experiential", Decimal(6))])}
    assert found[TrainingKind.EXPERIENTIAL].guide is None
    assert not found[TrainingKind.EXPERIENTIAL].is_below_guide
    assert TrainingKind.EXPERIENTIAL not in GUIDE


@given(
    st.lists(
        st.tuples(
            st.sampled_from(TrainingKind.values), st.decimals(min_value="0.1", max_value=5000, places=1)
        ),
        max_size=30,
    )
)
def test_sums_hold_every_hour_once_when_kinds_are_mixed(rows: list[tuple[str, Decimal]]) -> None:
    sums = training_sums(rows)
    assert [line.kind for line in sums] == list(TrainingKind)
    assert sum(line.hours for line in sums) == sum(hours for _kind, hours in rows)
