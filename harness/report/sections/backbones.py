"""Backbones side by side: a table with a column a backbone, and a figure with a place a backbone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure
from harness.report.numbers.results import Result
from harness.report.numbers.rows import Row, shots_order
from harness.report.printing.captions import caption, image_counts
from harness.report.printing.cells import SPREAD
from harness.report.printing.grid import Contestants, Line, grid
from harness.report.printing.labels import labels
from harness.report.printing.long import Point, long_form
from harness.report.sections.dots import dots, gaps, spread_sentence
from harness.report.sections.elsewhere import shots_clause
from harness.report.sections.kin import Kin, joined, side_table
from harness.report.sections.looks import row_looks
from harness.report.sections.scope import Measured, Scope, measure
from harness.report.tables.table import Table

BACKBONES_HEADING = "Backbone"
_Results = dict[tuple[Row, tuple[str, ...]], Result]


@dataclass(frozen=True, slots=True)
class Sides:
    """The backbones of a kin side by side at the largest shot count.

    Attributes:
        kin: the groups.
        datasets: those of any group; what is measured of every group is on all of them.
        measured: by backbone, the average first.
        shown: zero shots, and the largest count.
        labels: of the rows that have cells at those.
    """

    kin: Kin
    datasets: tuple[str, ...]
    measured: Mapping[str, tuple[Measured, ...]]
    shown: tuple[Shots, ...]
    labels: Mapping[Row, str]

    @property
    def clause(self) -> str:
        """The shot count, in brackets, where anything was learned."""
        return shots_clause(self.shown[-1:])

    def subject(self, number: int) -> dict[tuple[Row, str], Result]:
        """By row and backbone the results on the average, number 0 where there is one, or on a data set."""
        return {
            (row, name): result
            for name, each in self.measured.items()
            for (row, shots), result in each[number].results.items()
            if shots in self.shown
        }

    @property
    def subjects(self) -> list[str]:
        """Average and data sets, as they are printed."""
        return [one.title for one in next(iter(self.measured.values()))]


def sides_of(kin: Kin) -> Sides | None:
    """``None`` where nothing was evaluated on its own test images."""
    datasets = tuple(dict.fromkeys(name for scope in kin.scopes.values() for name in scope.datasets))
    if not datasets:
        return None
    measured = {name: _measured(scope, datasets) for name, scope in kin.scopes.items()}
    points = [point for each in measured.values() for one in each for point in one.results]
    shown = tuple(dict.fromkeys((0, shots_order(shots for _, shots in points)[-1])))
    rows = kin.rows({row for row, shots in points if shots in shown})
    return Sides(kin, datasets, measured, shown, labels(rows))


def backbones_table(sides: Sides, stem: str) -> Table:
    """A column a backbone, a block a data set and the average first."""
    names, rows = list(sides.measured), list(sides.labels)
    blocks = []
    results: _Results = {}
    for number, subject in enumerate(sides.subjects):
        found = sides.subject(number)
        results |= {(row, (name, subject)): result for (row, name), result in found.items()}
        by_row = {row: {name: found[row, name] for name in names if (row, name) in found} for row in rows}
        lines = tuple(Line(sides.labels[row], row, some) for row, some in by_row.items() if some)
        blocks.append(Contestants(subject if len(sides.subjects) > 1 else "", lines))
    what = f"Backbones side by side{sides.clause}, {_on(sides.datasets)}"
    measured = [one for each in sides.measured.values() for one in each if not one.is_average]
    n_test = image_counts((one.title, one.results.values()) for one in measured)
    sentences = caption(sides.kin.matrix, sides.kin.where, what, rows, results, n_test)
    long = joined(
        long_form(sides.kin.scopes[name].group, rows, _points(sides, each))
        for name, each in sides.measured.items()
    )
    title = "Backbones side by side"
    return side_table(stem, title, sentences, names, grid(names, blocks, SPREAD), long, BACKBONES_HEADING)


def _points(sides: Sides, each: Sequence[Measured]) -> Iterator[Point]:
    """Every number of one backbone."""
    for row, label in sides.labels.items():
        for one in each:
            for shots in sides.shown:
                if (row, shots) in one.results:
                    yield Point(one.name, "", row, label, shots, one.results[row, shots])


def backbones_figure(sides: Sides, stem: str) -> Figure:
    """A place a backbone, a chart a data set and the average first."""
    names, looks = list(sides.measured), row_looks(sides.labels)
    ticks = tuple((float(place), name) for place, name in enumerate(short_names(names)))
    charts = []
    for number, subject in enumerate(sides.subjects):
        found = sides.subject(number)
        traces = []
        for turn, (row, label) in enumerate(sides.labels.items()):
            results = [found.get((row, name)) for name in names]
            places = [place for place, _ in ticks]
            traces.append(dots(label, looks[row], places, results, turn, len(sides.labels)))
        charts.append(Chart(subject, tuple(traces), "", "Accuracy (%)", ticks))
    spread = spread_sentence(next(iter(sides.kin.scopes.values())).sd_kind)
    said = f"Accuracy by backbone{sides.clause}: {spread}"
    return Figure(stem, "Accuracy by backbone", (said, *gaps(charts)), tuple(charts))


def short_names(backbones: Sequence[str]) -> list[str]:
    """Backbones without the tag of their weights, where all have the same: ``RN50`` of ``RN50:openai``."""
    parts = [name.partition(":") for name in backbones]
    is_same = len({(joint, tag) for _, joint, tag in parts}) == 1
    return [name for name, *_ in parts] if is_same else list(backbones)


def _measured(scope: Scope, datasets: Sequence[str]) -> tuple[Measured, ...]:
    """The results on ``datasets``, which another group may have more of: the average is over the same for all."""
    if list(scope.datasets) == list(datasets):
        return scope.measured
    return measure(scope.own, datasets, scope.group.classes, scope.odd, scope.sd_kind)


def _on(datasets: Sequence[str]) -> str:
    if len(datasets) == 1:
        return f"on {datasets[0]}"
    return f"on {len(datasets)} data sets and on average over them, taken for each seed first"
