"""What the page's curves are made of."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.page.curves import METRICS, pack_curves

NAMES = [metric.name for metric in METRICS]


def points_of(group: dict[str, Any], metric: str, place: str, row: str) -> dict[Any, list[Any]]:
    """From shots to mean, sd, n, n expected and the seeds' own values."""
    places = [one["name"] for one in group["places"]]
    rows = [one["label"] for one in group["rows"]]
    wanted = [places.index(place), NAMES.index(metric), rows.index(row)]
    return {point[3]: point[4:] for point in group["points"] if point[:3] == wanted}


def test_accuracy_is_that_of_the_figure(small_matrix: list[Entry]) -> None:
    """The page's means and spreads are those of the report's own curves."""
    (group,), (report,) = pack_curves(small_matrix, "sample"), build_report("m", small_matrix).groups
    (chart,) = report.figures[0].charts
    words = dict(chart.ticks)
    for trace in chart.traces:
        found = {str(shots): point for shots, point in points_of(group, "Accuracy", "digits", trace.label).items()}
        assert set(found) == {words[mark.x] for mark in trace.marks}
        for mark in trace.marks:
            assert found[words[mark.x]][0] == pytest.approx(mark.y, abs=1e-3)
            assert found[words[mark.x]][1] == (None if mark.sd is None else pytest.approx(mark.sd, abs=1e-3))


def test_values_of_seeds(small_matrix: list[Entry]) -> None:
    """Each seed's own value stands beside the mean, by rising seed."""
    (group,) = pack_curves(small_matrix, "sample")
    assert points_of(group, "Accuracy", "digits", "CoOp (unified)")[16] == [
        88.0, 1.0, 3, 3, [87.0, 88.0, 89.0], "88.0",
    ]  # fmt: skip


def test_gain_is_over_zero_shot(small_matrix: list[Entry]) -> None:
    """Gain has no zero-shot row, and takes its accuracy off all others."""
    (group,) = pack_curves(small_matrix, "sample")
    assert points_of(group, "Gain over zero-shot", "digits", "Zero-shot") == {}
    assert points_of(group, "Gain over zero-shot", "digits", "Linear probe")[1][0] == -12.0


def test_no_gain_without_zero_shot(small_matrix: list[Entry]) -> None:
    """Where nothing can be compared with there is no curve of gains."""
    (group,) = pack_curves(small_matrix[1:], "sample")
    assert not any(point[1] == NAMES.index("Gain over zero-shot") for point in group["points"])


def test_average_needs_every_data_set(make_entry: Any) -> None:
    """An average with a hole has no mean, and says how many runs are whole."""
    entries = [make_entry("coop", 700, 1, seed, dataset=name) for name in "ab" for seed in (1, 2)]
    (group,) = pack_curves(entries, "sample")
    assert [place["name"] for place in group["places"]] == ["Average", "a", "b"]
    assert points_of(group, "Accuracy", "Average", "CoOp (unified)")[1][:5] == [70.0, 0.0, 2, 2, [70.0, 70.0]]
    entries[-1] = make_entry("coop", None, 1, 2, dataset="b")
    (group,) = pack_curves(entries, "sample")
    assert points_of(group, "Accuracy", "Average", "CoOp (unified)")[1] == [None, None, 1, 2, []]
    assert points_of(group, "Accuracy", "b", "CoOp (unified)")[1] == [70.0, None, 1, 2, [70.0], "70.0"]


def test_what_was_evaluated_elsewhere_is_a_place(make_entry: Any) -> None:
    """Another data set and the other half of the classes can be chosen, and are in no average."""
    entries = [make_entry("coop", 700, 1, 1, dataset=name, evaluate_on=on) for name, on in
               (("a", None), ("b", None), ("a", "c"))]  # fmt: skip
    entries += [make_entry("coop", 600, 1, 1, dataset="a", classes="base", evaluate_on="new")]
    groups = pack_curves(entries, "sample")
    assert [[(place["name"], place["kind"]) for place in group["places"]] for group in groups] == [
        [("Average", "average"), ("a", "own"), ("b", "own"), ("a → c", "elsewhere")],
        [("a → new classes", "elsewhere")],
    ]


def test_colours_are_those_of_the_figures(small_matrix: list[Entry]) -> None:
    """A method has its colour of the figures on light ground, and one of its hue on dark."""
    (group,) = pack_curves(small_matrix, "sample")
    assert [row["css"] for row in group["rows"]] == [
        "light-dark(#000000, #F2F2EF)",
        "light-dark(#009E73, #2CC295)",
        "light-dark(#0072B2, #4DA3E0)",
        "light-dark(#D55E00, #F2803D)",
    ]
