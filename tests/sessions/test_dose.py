"""Dose arithmetic and order rules, each at its boundary."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.dose import (
    ActiveOrder,
    DoseLimits,
    DoseRequest,
    Drug,
    Given,
    Level,
    OrderContext,
    PriorDose,
    Route,
    Salt,
    Unit,
    Weight,
    base_of,
    calculate,
    check_order,
    check_spacing,
    deviations_of,
    hydrochloride_of,
    impossibilities_of,
    plain,
    planned_duration,
    rounded,
)

AT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
TODAY = date(2026, 3, 10)
SECOND = timedelta(seconds=1)
WEIGHT = Weight(Decimal(68), TODAY)


def request(**changes):
    values = {
        "drug": Drug.KETAMINE,
        "route": Route.INTRAVENOUS,
        "amount": Decimal("0.5"),
        "unit": Unit.MG_PER_KG,
        "infusion_minutes": 40,
    }
    return DoseRequest(**{**values, **changes})


def context(**changes):
    values = {"planned_at": AT, "ordered_on": TODAY, "weight": WEIGHT}
    return OrderContext(**{**values, **changes})


def codes(findings, level=None):
    return {finding.code for finding in findings if level is None or finding.level is level}


# -- arithmetic -----------------------------------------------------------------------------------------


def test_arithmetic_is_shown_step_by_step_when_dose_is_per_kilogram():
    result = calculate(
        request(concentration_mg_per_ml=Decimal(50), diluted_to_ml=Decimal(100)),
        Decimal(68),
    )
    assert result is not None
    assert result.dose_mg == Decimal("34.0")
    assert result.volume_ml == Decimal("0.68")
    assert result.rate_mg_per_min == Decimal("0.85")
    assert result.rate_ml_per_hour == Decimal("150.0")
    assert result.steps == (
        "0.5 mg/kg × 68 kg = 34 mg",
        "34 mg ÷ 50 mg/mL = 0.68 mL",
        "34 mg ÷ 40 min = 0.85 mg/min",
        "100 mL ÷ 40 min × 60 = 150 mL/h",
    )


def test_milligrams_per_kilogram_follow_when_dose_is_in_milligrams():
    result = calculate(request(amount=Decimal(34), unit=Unit.MG), Decimal(68))
    assert result is not None
    assert result.shown_mg_per_kg == Decimal("0.50")
    assert "34 mg ÷ 68 kg = 0.5 mg/kg" in result.steps


def test_undiluted_volume_sets_the_rate_when_nothing_is_diluted():
    result = calculate(request(concentration_mg_per_ml=Decimal(10)), Decimal(68))
    assert result is not None
    assert result.volume_ml == Decimal("3.40")
    assert result.rate_ml_per_hour == Decimal("5.1")


@pytest.mark.parametrize(
    ("weight", "dose"),
    [
        ("67.89", "33.9"),
        ("67.90", "34.0"),
        ("67.91", "34.0"),
        ("68.09", "34.0"),
        ("68.10", "34.1"),
    ],
)
def test_halves_go_up_when_a_dose_is_rounded(weight, dose):
    result = calculate(request(), Decimal(weight))
    assert result is not None
    assert result.dose_mg == Decimal(dose)


@pytest.mark.parametrize(
    ("drug", "salt", "base"),
    [(Drug.KETAMINE, "57.67", "50"), (Drug.ESKETAMINE, "32.3", "28")],
)
def test_salt_and_base_convert_as_the_labels_say(drug, salt, base):
    assert base_of(drug, Decimal(salt)) == Decimal(base)
    assert hydrochloride_of(drug, Decimal(base)) == Decimal(salt)


def test_base_is_recorded_when_the_amount_counts_hydrochloride():
    result = calculate(
        request(amount=Decimal("57.67"), unit=Unit.MG, salt=Salt.HYDROCHLORIDE),
        Decimal(68),
    )
    assert result is not None
    assert result.dose_mg == Decimal("50.0")
    assert result.hydrochloride_mg == Decimal("57.7")
    assert result.steps[0] == "57.67 mg hydrochloride × 50/57.67 = 50 mg base"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"amount": Decimal(0)},
        {"amount": Decimal(-1)},
        {"unit": None},
        {"drug": None},
        {"route": None},
    ],
)
def test_nothing_is_calculated_when_something_is_missing(changes):
    assert calculate(request(**changes), Decimal(68)) is None


def test_nothing_is_calculated_when_weight_is_missing_for_a_dose_per_kilogram():
    assert calculate(request(), None) is None


@given(
    per_kg=st.decimals(min_value="0.05", max_value="3", places=2),
    weight=st.decimals(min_value="30", max_value="250", places=1),
)
def test_rounding_never_moves_a_dose_by_more_than_half_a_step(per_kg, weight):
    result = calculate(request(amount=per_kg), weight)
    assert result is not None
    assert abs(result.dose_mg - result.exact_mg) <= Decimal("0.05")
    assert result.exact_mg == per_kg * weight


@given(st.decimals(min_value="0.01", max_value="1000", places=2), st.sampled_from(Drug))
def test_salt_conversion_returns_to_where_it_started(amount, drug):
    assert rounded(base_of(drug, hydrochloride_of(drug, amount)), Decimal("0.000001")) == amount


@pytest.mark.parametrize(
    ("value", "text"),
    [("34.0", "34"), ("0.50", "0.5"), ("100", "100"), ("0.05", "0.05")],
)
def test_numbers_are_written_plainly(value, text):
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize(
    ("route", "minutes", "expected"),
    [
        (Route.INTRAVENOUS, 40, 40),
        (Route.INTRAMUSCULAR, 40, 0),
        (Route.INTRAVENOUS, None, 0),
    ],
)
def test_only_an_infusion_lasts(route, minutes, expected):
    assert planned_duration(route, minutes) == timedelta(minutes=expected)


# -- limits by route ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "amount", "unit", "expected"),
    [
        (Route.INTRAVENOUS, "0.75", Unit.MG_PER_KG, set()),
        (Route.INTRAVENOUS, "0.751", Unit.MG_PER_KG, {"dose-high"}),
        (Route.INTRAVENOUS, "1.0", Unit.MG_PER_KG, {"dose-high"}),
        (Route.INTRAVENOUS, "1.001", Unit.MG_PER_KG, {"dose-above-limit"}),
        (Route.INTRAVENOUS, "51", Unit.MG, set()),
        (Route.INTRAVENOUS, "51.01", Unit.MG, {"dose-high"}),
        (Route.INTRAVENOUS, "68", Unit.MG, {"dose-high"}),
        (Route.INTRAVENOUS, "68.01", Unit.MG, {"dose-above-limit"}),
        (Route.INTRAMUSCULAR, "1.2", Unit.MG_PER_KG, set()),
        (Route.INTRAMUSCULAR, "1.201", Unit.MG_PER_KG, {"dose-high"}),
        (Route.INTRAMUSCULAR, "2.0", Unit.MG_PER_KG, {"dose-high"}),
        (Route.INTRAMUSCULAR, "2.001", Unit.MG_PER_KG, {"dose-above-limit"}),
        (Route.SUBLINGUAL, "300", Unit.MG, set()),
        (Route.SUBLINGUAL, "300.1", Unit.MG, {"dose-high"}),
        (Route.SUBLINGUAL, "400", Unit.MG, {"dose-high"}),
        (Route.SUBLINGUAL, "400.1", Unit.MG, {"dose-above-limit"}),
        (Route.ORAL, "300", Unit.MG, {"route-unusual"}),
        (Route.ORAL, "300.1", Unit.MG, {"route-unusual", "dose-above-limit"}),
        (Route.INTRANASAL, "150", Unit.MG, {"route-unusual"}),
        (Route.INTRANASAL, "150.1", Unit.MG, {"route-unusual", "dose-above-limit"}),
    ],
)
def test_limits_hold_when_amount_is_at_the_boundary(route, amount, unit, expected):
    minutes = 40 if route is Route.INTRAVENOUS else None
    found = check_order(
        request(route=route, amount=Decimal(amount), unit=unit, infusion_minutes=minutes),
        context(),
    )
    assert codes(found) == expected
    assert codes(found, Level.BLOCK) == expected & {"dose-above-limit"}


def test_limit_is_checked_before_rounding_when_rounding_would_cross_it():
    weight = Weight(Decimal("68.05"), TODAY)
    found = check_order(request(amount=Decimal("1.0")), context(weight=weight))
    assert codes(found) == {"dose-high"}


@pytest.mark.parametrize(("minutes", "warns"), [(39, True), (40, False), (41, False)])
def test_fast_infusion_warns(minutes, warns):
    found = check_order(request(infusion_minutes=minutes), context())
    assert ("infusion-fast" in codes(found, Level.WARN)) is warns


@pytest.mark.parametrize(
    ("amount", "blocks"),
    [
        ("28", True),
        ("55.9", True),
        ("56", False),
        ("56.1", True),
        ("83.9", True),
        ("84", False),
        ("84.1", True),
        ("112", True),
    ],
)
def test_esketamine_is_56_or_84(amount, blocks):
    order = request(
        drug=Drug.ESKETAMINE,
        route=Route.INTRANASAL,
        amount=Decimal(amount),
        unit=Unit.MG,
        infusion_minutes=None,
    )
    found = check_order(order, context(is_esketamine_for_trd=True, esketamine_doses_before=3))
    assert ("esketamine-dose" in codes(found, Level.BLOCK)) is blocks
    assert "route-unusual" not in codes(found)


def test_devices_are_counted_when_esketamine_is_ordered():
    order = request(
        drug=Drug.ESKETAMINE,
        route=Route.INTRANASAL,
        amount=Decimal(84),
        unit=Unit.MG,
        infusion_minutes=None,
    )
    result = calculate(order, None)
    assert result is not None
    assert result.devices == 3
    assert result.steps == ("84 mg = 3 × 28 mg devices",)


@pytest.mark.parametrize(
    ("amount", "trd", "before", "warns"),
    [
        ("84", True, 0, True),
        ("84", True, 1, False),
        ("84", False, 0, False),
        ("56", True, 0, False),
    ],
)
def test_first_day_of_esketamine_warns_when_it_starts_high(amount, trd, before, warns):
    order = request(
        drug=Drug.ESKETAMINE,
        route=Route.INTRANASAL,
        amount=Decimal(amount),
        unit=Unit.MG,
        infusion_minutes=None,
    )
    found = check_order(order, context(is_esketamine_for_trd=trd, esketamine_doses_before=before))
    assert ("esketamine-day-one" in codes(found, Level.WARN)) is warns


@pytest.mark.parametrize("route", [route for route in Route if route is not Route.INTRANASAL])
def test_esketamine_is_refused_when_route_is_not_nasal(route):
    order = request(drug=Drug.ESKETAMINE, route=route, amount=Decimal(56), unit=Unit.MG)
    assert "route-drug-mismatch" in codes(check_order(order, context()), Level.BLOCK)


@pytest.mark.parametrize(
    ("concentration", "diluted", "blocks"),
    [
        ("99.9", None, False),
        ("100", None, True),
        ("100", "100", False),
        ("50", None, False),
    ],
)
def test_concentrate_must_be_diluted(concentration, diluted, blocks):
    order = request(
        concentration_mg_per_ml=Decimal(concentration),
        diluted_to_ml=None if diluted is None else Decimal(diluted),
    )
    assert ("undiluted-concentrate" in codes(check_order(order, context()), Level.BLOCK)) is blocks


# -- what is missing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"drug": None}, "drug-missing", "drug"),
        ({"route": None}, "route-missing", "route"),
        ({"amount": None}, "amount-missing", "amount"),
        ({"amount": Decimal(0)}, "amount-not-positive", "amount"),
        ({"unit": None}, "unit-missing", "unit"),
        ({"infusion_minutes": None}, "infusion-time-missing", "infusion_minutes"),
        ({"infusion_minutes": 0}, "infusion-time-not-positive", "infusion_minutes"),
    ],
)
def test_order_is_refused_at_its_field_when_something_is_missing(changes, code, field):
    found = check_order(request(**changes), context())
    assert (code, field) in {(finding.code, finding.field) for finding in found if finding.is_block}


@pytest.mark.parametrize(
    ("route", "unit", "blocks"),
    [
        (Route.INTRAVENOUS, Unit.MG_PER_KG, True),
        (Route.INTRAVENOUS, Unit.MG, True),
        (Route.SUBLINGUAL, Unit.MG_PER_KG, True),
        (Route.SUBLINGUAL, Unit.MG, False),
    ],
)
def test_weight_is_asked_for_when_something_counts_it(route, unit, blocks):
    order = request(route=route, unit=unit, amount=Decimal(1), infusion_minutes=40)
    assert ("weight-missing" in codes(check_order(order, context(weight=None)), Level.BLOCK)) is blocks


def test_every_reason_is_named_when_several_apply():
    order = request(drug=None, unit=None, amount=None, infusion_minutes=None)
    assert {
        "drug-missing",
        "unit-missing",
        "amount-missing",
        "infusion-time-missing",
    } <= codes(check_order(order, context()))


@pytest.mark.parametrize(("days", "warns"), [(29, False), (30, False), (31, True)])
def test_old_weight_warns(days, warns):
    weight = Weight(Decimal(68), TODAY - timedelta(days=days))
    assert ("weight-old" in codes(check_order(request(), context(weight=weight)), Level.WARN)) is warns


@pytest.mark.parametrize(
    ("now_kg", "warns"),
    [("109.9", False), ("110", False), ("110.1", True), ("90", False), ("89.9", True)],
)
def test_changed_weight_warns(now_kg, warns):
    found = check_order(
        request(),
        context(weight=Weight(Decimal(now_kg), TODAY), weight_at_last_order_kg=Decimal(100)),
    )
    assert ("weight-changed" in codes(found, Level.WARN)) is warns


def test_weight_does_not_matter_when_nothing_counts_it():
    old = Weight(Decimal(68), TODAY - timedelta(days=400))
    order = request(route=Route.SUBLINGUAL, amount=Decimal(100), unit=Unit.MG, infusion_minutes=None)
    assert codes(check_order(order, context(weight=old))) == set()


def test_supplemental_dose_warns():
    assert "supplemental-dose" in codes(check_order(request(is_supplemental=True), context()), Level.WARN)


def test_clean_order_has_no_findings():
    assert check_order(request(), context()) == ()


# -- spacing --------------------------------------------------------------------------------------------


def dose_ago(gap, lasted=timedelta(0)):
    return PriorDose(d0=AT - gap - lasted, t0=AT - gap)


@pytest.mark.parametrize(
    ("gap", "blocks"),
    [
        (timedelta(hours=24) - SECOND, True),
        (timedelta(hours=24), False),
        (timedelta(hours=24) + SECOND, False),
    ],
)
def test_doses_keep_a_day_apart(gap, blocks):
    found = check_spacing(AT, [dose_ago(gap, timedelta(minutes=40))])
    assert ("dose-too-soon" in codes(found, Level.BLOCK)) is blocks


def test_gap_counts_from_start_when_end_is_not_recorded():
    assert "dose-too-soon" in codes(check_spacing(AT, [PriorDose(AT - timedelta(hours=23), None)]))


@pytest.mark.parametrize(
    ("oldest", "blocks"),
    [
        (timedelta(days=7) - SECOND, True),
        (timedelta(days=7), False),
        (timedelta(days=7) + SECOND, False),
    ],
)
def test_a_fourth_dose_in_seven_days_is_refused(oldest, blocks):
    prior = [PriorDose(AT - gap, AT - gap) for gap in (oldest, timedelta(days=4), timedelta(days=2))]
    assert ("doses-in-week" in codes(check_spacing(AT, prior), Level.BLOCK)) is blocks


@pytest.mark.parametrize(
    ("first", "warns"),
    [
        (timedelta(weeks=8) - SECOND, False),
        (timedelta(weeks=8), False),
        (timedelta(weeks=8) + SECOND, True),
    ],
)
def test_third_dose_of_a_week_warns_when_the_course_is_late(first, warns):
    prior = [PriorDose(AT - gap, AT - gap) for gap in (first, timedelta(days=4), timedelta(days=2))]
    assert ("doses-frequent-late" in codes(check_spacing(AT, prior), Level.WARN)) is warns


def test_later_doses_do_not_count_when_an_earlier_one_is_planned():
    assert check_spacing(AT, [PriorDose(AT + timedelta(hours=2), None)]) == ()


def test_clocks_going_forward_take_no_hour_from_the_gap():
    # Denver springs forward on 8 March 2026 at 02:00: 25 clock hours are 24 elapsed ones.
    last_end = datetime(2026, 3, 7, 22, 0, tzinfo=UTC)
    assert check_spacing(last_end + timedelta(hours=24), [PriorDose(last_end, last_end)]) == ()


# -- what was given -------------------------------------------------------------------------------------

ORDER = ActiveOrder(Drug.KETAMINE, Route.INTRAVENOUS, Decimal(34))


def given_dose(**changes):
    values = {
        "drug": Drug.KETAMINE,
        "route": Route.INTRAVENOUS,
        "amount_mg": Decimal(34),
        "started_at": AT,
    }
    return Given(**{**values, **changes})


def deviations(dose, **changes):
    values = {
        "order": ORDER,
        "given_before_mg": Decimal(0),
        "given_on": TODAY,
        "is_first_of_session": True,
    }
    return codes(deviations_of(dose, **{**values, **changes}))


@pytest.mark.parametrize(
    ("changes", "around", "expected"),
    [
        ({}, {}, set()),
        ({}, {"order": None}, {"no-order"}),
        (
            {"drug": Drug.ESKETAMINE, "route": Route.INTRANASAL},
            {},
            {"drug-differs", "route-differs"},
        ),
        ({"route": Route.INTRAMUSCULAR}, {}, {"route-differs"}),
        ({"amount_mg": Decimal("33.9")}, {}, set()),
        ({"amount_mg": Decimal("34.1")}, {}, {"more-than-ordered"}),
        ({"amount_mg": Decimal(20)}, {"given_before_mg": Decimal(14)}, set()),
        (
            {"amount_mg": Decimal(20)},
            {"given_before_mg": Decimal("14.1")},
            {"more-than-ordered"},
        ),
        ({"amount_mg": Decimal(20), "stopped_early": True}, {}, {"less-than-ordered"}),
        ({"stopped_early": True}, {}, set()),
        ({"amount_mg": None}, {}, set()),
        ({"expires_on": TODAY - timedelta(days=1)}, {}, {"expired"}),
        ({"expires_on": TODAY}, {}, set()),
        ({"expires_on": TODAY + timedelta(days=1)}, {}, set()),
        (
            {},
            {"prior_doses": [PriorDose(AT - timedelta(hours=5), AT - timedelta(hours=4))]},
            {"dose-too-soon"},
        ),
        (
            {},
            {
                "prior_doses": [PriorDose(AT - timedelta(hours=5), AT - timedelta(hours=4))],
                "is_first_of_session": False,
            },
            set(),
        ),
    ],
)
def test_departures_are_named_when_something_is_given(changes, around, expected):
    assert deviations(given_dose(**changes), **around) == expected


def test_esketamine_by_vein_is_a_deviation_when_it_was_ordered_so():
    order = ActiveOrder(Drug.ESKETAMINE, Route.INTRAVENOUS, Decimal(56))
    dose = given_dose(drug=Drug.ESKETAMINE, amount_mg=Decimal(56))
    assert deviations(dose, order=order) == {"route-drug-mismatch"}


@pytest.mark.parametrize(
    ("gap", "close"),
    [
        (timedelta(minutes=5) - SECOND, True),
        (timedelta(minutes=5), False),
        (timedelta(minutes=5) + SECOND, False),
    ],
)
def test_devices_rest_five_minutes(gap, close):
    order = ActiveOrder(Drug.ESKETAMINE, Route.INTRANASAL, Decimal(56))
    dose = given_dose(drug=Drug.ESKETAMINE, route=Route.INTRANASAL, amount_mg=Decimal(28))
    found = deviations(
        dose,
        order=order,
        given_before_mg=Decimal(28),
        earlier_devices_at=[AT - gap],
        is_first_of_session=False,
    )
    assert ("devices-too-close" in found) is close


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"amount_mg": Decimal(0)}, {"amount-not-positive"}),
        ({"amount_mg": Decimal(-1)}, {"amount-not-positive"}),
        ({"amount_mg": Decimal(9999)}, set()),
        ({"started_at": AT + SECOND}, {"start-in-future"}),
        ({"ended_at": AT + SECOND}, {"end-in-future"}),
        ({"ended_at": AT - SECOND}, {"end-before-start"}),
        ({"ended_at": AT}, set()),
    ],
)
def test_only_the_impossible_is_refused_when_recording(changes, expected):
    assert codes(impossibilities_of(given_dose(**changes), AT)) == expected


@given(
    amount=st.decimals(min_value="0.1", max_value="9999", places=1),
    drug=st.sampled_from(Drug),
    route=st.sampled_from(Route),
    minutes=st.integers(0, 500),
    expired=st.booleans(),
)
def test_whatever_was_given_can_be_recorded(amount, drug, route, minutes, expired):
    dose = Given(
        drug,
        route,
        amount,
        AT - timedelta(minutes=minutes),
        AT,
        TODAY - timedelta(days=1) if expired else None,
    )
    assert impossibilities_of(dose, AT) == ()


def test_clinic_limits_win_when_they_are_set():
    strict = DoseLimits(iv_block_mg_per_kg=Decimal("0.4"), doses_in_seven_days=1)
    found = check_order(request(), context(prior_doses=(dose_ago(timedelta(days=3)),)), strict)
    assert codes(found, Level.BLOCK) == {"dose-above-limit", "doses-in-week"}
