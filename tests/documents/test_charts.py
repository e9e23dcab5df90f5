"""Charts: one picture for page and PDF, with its table; pure."""

import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapclinic.documents.charts import (
    Band,
    Chart,
    DoseMark,
    Given,
    Limit,
    ScoreLine,
    ScorePoint,
    VitalsPoint,
    distribution,
    score_trend,
    vitals_chart,
)

DENVER = ZoneInfo("America/Denver")
START = datetime(2026, 9, 1, 16, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
PHQ9_BANDS = (
    Band(0, 4, "None-minimal"),
    Band(5, 9, "Mild"),
    Band(10, 14, "Moderate"),
    Band(15, 19, "Moderately severe"),
    Band(20, 27, "Severe"),
)
GAD7_BANDS = (Band(0, 4, "Minimal"), Band(5, 9, "Mild"), Band(10, 14, "Moderate"), Band(15, 21, "Severe"))


def phq9(*points: ScorePoint) -> ScoreLine:
    return ScoreLine("PHQ-9", 27, PHQ9_BANDS, points)


def gad7(*points: ScorePoint) -> ScoreLine:
    return ScoreLine("GAD-7", 21, GAD7_BANDS, points)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def trend(*lines: ScoreLine, doses: tuple[DoseMark, ...] = ()) -> Chart:
    return score_trend(lines=lines, doses=doses, zone=DENVER, chart_id="scores")


def parsed(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(chart.svg)  # noqa: S314  our own chart


def by_class(chart: Chart, css: str) -> list[ElementTree.Element]:
    return [element for element in parsed(chart).iter() if css in (element.get("class") or "").split()]


def test_chart_names_itself_when_read_aloud() -> None:
    chart = trend(phq9(ScorePoint(day(0), 19), ScorePoint(day(30), 6)))
    svg = parsed(chart)
    title, desc = svg[0], svg[1]
    assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert desc.text == "PHQ-9 from 19 on 1 Sep 2026 to 6 on 1 Oct 2026, 2 complete forms."


def test_chart_needs_no_inline_style_when_the_page_forbids_it() -> None:
    readings = [VitalsPoint(day(0), 120, 80, 70, 14, 98, 5)]
    charts = [
        trend(phq9(ScorePoint(day(0), 19, True), ScorePoint(day(1), None), ScorePoint(day(2), 99))),
        vitals_chart(
            readings=readings,
            given=[Given(day(0), day(0.03), "IV 34 mg")],
            limits=[Limit("spo2", 94, "94")],
            zone=DENVER,
            chart_id="v",
        ),
        distribution(counts={3: 4}, label="Clinic", maximum=27, chart_id="d", title="Scores"),
    ]
    for chart in charts:
        for element in parsed(chart).iter():
            assert element.tag != f"{SVG}style"
            assert not [name for name in element.attrib if name == "style" or name.startswith("on")]


def test_trend_breaks_the_line_when_a_form_is_incomplete() -> None:
    points = [
        ScorePoint(day(0), 19),
        ScorePoint(day(14), 15),
        ScorePoint(day(28), None),
        ScorePoint(day(42), 9),
    ]
    chart = trend(phq9(*points))
    runs = by_class(chart, "c-line-1")
    assert [len((run.get("points") or "").split()) for run in runs] == [2]
    assert ("29 Sep 2026", "incomplete, no total", "") in chart.table.rows
    assert "1 incomplete" in chart.description


def test_trend_draws_hollow_when_recall_overlaps() -> None:
    chart = trend(phq9(ScorePoint(day(0), 19), ScorePoint(day(7), 15, overlapping=True)))
    # One in the plot, one in the legend.
    assert len(by_class(chart, "c-hollow")) == 2
    assert chart.table.rows[1] == ("8 Sep 2026", "15, moderately severe (overlapping recall)", "")


def test_trend_marks_doses_when_there_are_some() -> None:
    chart = trend(phq9(ScorePoint(day(0), 19)), doses=(DoseMark(2, day(9)), DoseMark(1, day(5))))
    assert [element.text for element in by_class(chart, "c-dose-label")] == ["D2", "D1"]
    assert ("6 Sep 2026", "", "dose 1") in chart.table.rows


def test_trend_is_empty_when_nothing_was_recorded() -> None:
    chart = trend(phq9(), gad7())
    assert chart.is_empty
    assert chart.table.rows == ()
    assert "No scores recorded yet" in chart.svg


@pytest.mark.parametrize(
    ("points", "rows"),
    [
        ([ScorePoint(day(0), 19)], [("1 Sep 2026", "19, moderately severe", "")]),
        (
            [ScorePoint(day(0), 19), ScorePoint(day(0.1), 17)],
            [("1 Sep 2026", "19, moderately severe", ""), ("1 Sep 2026", "17, moderately severe", "")],
        ),
        ([ScorePoint(day(0), 31)], [("1 Sep 2026", "31, outside 0-27", "")]),
        ([ScorePoint(day(0), 27)], [("1 Sep 2026", "27, severe", "")]),
        ([ScorePoint(day(0), 0)], [("1 Sep 2026", "0, none-minimal", "")]),
        ([ScorePoint(day(0), -1)], [("1 Sep 2026", "-1, outside 0-27", "")]),
    ],
)
def test_trend_keeps_every_form_in_its_table_when_points_are_unusual(
    points: list[ScorePoint], rows: list[tuple[str, ...]]
) -> None:
    assert list(trend(phq9(*points)).table.rows) == rows


def test_trend_uses_the_clinics_day_when_it_is_late_in_utc() -> None:
    late = datetime(2026, 9, 2, 4, 30, tzinfo=UTC)
    assert trend(phq9(ScorePoint(late, 10))).table.rows[0][0] == "1 Sep 2026"


def test_trend_keeps_labels_apart_when_lines_end_together() -> None:
    chart = trend(phq9(ScorePoint(day(0), 6)), gad7(ScorePoint(day(0), 6)))
    first, second = (float(by_class(chart, css)[0].get("y") or 0) for css in ("c-label-1", "c-label-2"))
    assert abs(first - second) >= 14


def test_trend_refuses_when_lines_could_only_be_told_apart_by_colour() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        trend(*[phq9()] * 5)


def test_chart_id_is_refused_when_it_is_no_identifier() -> None:
    with pytest.raises(ValueError, match="chart id"):
        score_trend(lines=[phq9()], doses=[], zone=DENVER, chart_id='a" onload="x')


def test_labels_are_escaped_when_they_hold_markup_and_control_characters() -> None:
    line = ScoreLine("<b>\x00\x1b\"&'", 27, PHQ9_BANDS, (ScorePoint(day(0), 3),))
    chart = score_trend(lines=[line], doses=[], zone=DENVER, chart_id="x", title="</title><script>")
    svg = parsed(chart)
    assert svg[0].text == "</title><script>"
    assert by_class(chart, "c-label-1")[0].text == "<b>\"&' 3"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4000), st.one_of(st.none(), st.integers(-5, 60)), st.booleans()),
        max_size=150,
    ),
    st.lists(st.integers(0, 4000), max_size=60),
)
def test_trend_stays_inside_its_frame_and_repeats_itself_when_points_are_arbitrary(
    forms: list[tuple[int, int | None, bool]], doses: list[int]
) -> None:
    line = phq9(*[ScorePoint(day(number), total, overlaps) for number, total, overlaps in forms])
    marks = tuple(DoseMark(index, day(number)) for index, number in enumerate(doses, 1))
    chart = trend(line, doses=marks)
    assert chart.svg == trend(line, doses=marks).svg
    width, height = (float(part) for part in (parsed(chart).get("viewBox") or "").split()[2:])
    for element in parsed(chart).iter():
        for name in ("x", "x1", "x2", "cx"):
            assert -1 <= float(element.get(name) or 0) <= width + 1
        for name in ("y", "y1", "y2", "cy"):
            assert -1 <= float(element.get(name) or 0) <= height + 1
    told = sum(1 for row in chart.table.rows if row[1])
    assert told == len(forms)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def vitals(*readings: VitalsPoint, given: tuple[Given, ...] = (), limits: tuple[Limit, ...] = ()) -> Chart:
    return vitals_chart(readings=readings, given=given, limits=limits, zone=DENVER, chart_id="v")


def test_vitals_count_minutes_from_the_first_administration_when_there_is_one() -> None:
    chart = vitals(
        VitalsPoint(minute(-12), 128, 80, 72, 14, 98, 5, "pre-dose"),
        VitalsPoint(minute(30), 156, 94, 92, 13, 96, 3),
        given=(Given(minute(0), minute(40), "IV 34 mg"),),
    )
    assert chart.table.columns[0] == "Minute"
    assert chart.table.rows[0] == ("-12", "09:48", "128/80", "72", "14", "98", "5", "pre-dose")
    assert [row[0] for row in chart.table.rows] == ["-12", "+30"]
    assert "Highest blood pressure 156/94 mmHg at minute 30." in chart.description
    assert len(by_class(chart, "c-given")) == 1


def test_vitals_grow_their_scale_when_values_are_extreme() -> None:
    chart = vitals(VitalsPoint(minute(0), 245, 150, 190, spo2=71))
    top = min(float(bar.get("y1") or 0) for bar in by_class(chart, "c-pressure"))
    assert top >= 22
    assert chart.table.rows[0][2] == "245/150"


def test_vitals_break_the_line_when_a_value_was_not_taken() -> None:
    chart = vitals(
        VitalsPoint(minute(0), 120, 80, 70),
        VitalsPoint(minute(15), 120, 80, 72),
        VitalsPoint(minute(30), 120, 80, None),
        VitalsPoint(minute(45), 120, 80, 75),
    )
    assert len(by_class(chart, "c-line-1")) == 1
    assert chart.table.rows[2][3] == ""


def test_vitals_show_a_half_reading_when_only_systolic_was_taken() -> None:
    chart = vitals(VitalsPoint(minute(0), systolic=118))
    assert chart.table.rows[0][2] == "118/-"
    assert len(by_class(chart, "c-pressure")) == 1


def test_vitals_are_empty_when_nothing_was_taken() -> None:
    chart = vitals()
    assert chart.is_empty
    assert "No readings recorded yet" in chart.svg


def test_vitals_mark_a_moment_when_the_dose_has_no_length() -> None:
    chart = vitals(VitalsPoint(minute(5), 120, 80), given=(Given(minute(0), minute(0), "IM 40 mg"),))
    assert by_class(chart, "c-given") == []
    assert len(by_class(chart, "c-dose")) == 1


def test_distribution_counts_each_score_once_when_binned() -> None:
    chart = distribution(
        counts={0: 1, 4: 2, 5: 3, 27: 1, 30: 9},
        label="Clinic",
        reference={4: 10, 20: 10},
        reference_label="Survey",
        maximum=27,
        bands=PHQ9_BANDS,
        bin_width=5,
        chart_id="d",
        title="PHQ-9",
    )
    assert chart.table.columns == ("Total", "Clinic (n = 7)", "Survey (n = 20)")
    assert chart.table.rows[0] == ("0-4", "3 (42.9 %)", "10 (50.0 %)")
    assert chart.table.rows[-1][0] == "25-27"
    assert "9 outside the instrument's range are not drawn." in chart.description


def test_distribution_is_empty_when_there_are_no_scores() -> None:
    chart = distribution(counts={}, label="Clinic", maximum=21, chart_id="d", title="GAD-7")
    assert chart.is_empty
    assert not re.search("nan|inf", chart.svg)
