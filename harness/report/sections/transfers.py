"""What was trained on one data set and evaluated on others, backbone under backbone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure
from harness.report.numbers.entry import Entry, Place
from harness.report.numbers.results import Result
from harness.report.numbers.rows import Group, Row, shots_order
from harness.report.printing.captions import caption, image_counts
from harness.report.printing.cells import SPREAD
from harness.report.printing.grid import Contestants, Line, grid
from harness.report.printing.labels import labels
from harness.report.printing.long import Point, long_form
from harness.report.sections.dots import dots, gaps, set_apart, spread_sentence
from harness.report.sections.elsewhere import Target, is_transfer, shots_clause, transfer_targets
from harness.report.sections.kin import Kin, joined, rows_of, side_table
from harness.report.sections.looks import row_looks
from harness.report.sections.scope import Scope
from harness.report.tables.table import Table

_Results = dict[tuple[Row, tuple[str, ...]], Result]


def sources_of(scopes: Sequence[Scope]) -> list[str]:
    """The data sets that something was transferred from, in order of first appearance."""
    return list(dict.fromkeys(entry.cell.dataset for scope in scopes for entry in _transfers(scope)))


def transfer_figure(scopes: Sequence[Scope], source: str, stem: str) -> Figure | None:
    """What was trained on ``source``, evaluated there and elsewhere: a chart a group, at its largest shots."""
    parts = [(scope, *_transfer(scope, source)) for scope in scopes]
    parts = [(scope, targets, counts) for scope, targets, counts in parts if targets]
    if not parts:
        return None
    rows = rows_of([scope for scope, *_ in parts])
    rows = [row for row in rows if any(row in _trained(targets) for _, targets, _ in parts)]
    words, looks = labels(rows), row_looks(rows)
    charts = []
    for scope, targets, counts in parts:
        averages = {target.heading for target in targets if not target.is_place}
        ticks = set_apart([target.heading for target in targets], averages)
        traces = []
        for turn, row in enumerate(rows):
            results = [_at(target, row, counts) for target in targets]
            traces.append(dots(words[row], looks[row], [place for place, _ in ticks], results, turn, len(rows)))
        charts.append(Chart(_title(scope.group, scopes), tuple(traces), "", "Accuracy (%)", ticks))
    counts = shots_order(shots for *_, some in parts for shots in some[-1:])
    spread = spread_sentence(scopes[0].sd_kind)
    said = f"Trained on {source}{shots_clause(counts)} and evaluated elsewhere: {spread}"
    return Figure(stem, f"{source}, evaluated elsewhere", (said, *gaps(charts)), tuple(charts))


def transfer_across(kin: Kin, source: str, stem: str) -> Table | None:
    """What was trained on ``source``, evaluated elsewhere: a block a backbone, as in table 1 of the CoOp paper.

    ``None`` where only one backbone has such cells.
    """
    parts = {name: _transfer(scope, source) for name, scope in kin.scopes.items()}
    parts = {name: part for name, part in parts.items() if part[0]}
    if len(parts) < 2:
        return None
    rows = kin.rows({row for targets, _ in parts.values() for row in _trained(targets)})
    words = labels(rows)
    columns = list(dict.fromkeys(target.heading for targets, _ in parts.values() for target in targets))
    blocks = []
    results: _Results = {}
    for name, (targets, counts) in parts.items():
        lines = []
        for row in rows:
            found = {target.heading: result for target in targets if (result := _at(target, row, counts))}
            results |= {(row, (name, heading)): result for heading, result in found.items()}
            if found:
                lines.append(Line(words[row], row, found))
        blocks.append(Contestants(name, tuple(lines)))
    printed = grid(columns, blocks, SPREAD)
    counts = shots_order(shots for _, some in parts.values() for shots in some[-1:])
    what = f"Trained on {source}{shots_clause(counts)} and evaluated on other data sets without training there"
    places = [target for targets, _ in parts.values() for target in targets if target.is_place]
    n_test = image_counts((target.heading, target.results.values()) for target in places)
    sentences = caption(kin.matrix, kin.where, what, rows, results, n_test)
    long = joined(
        long_form(kin.scopes[name].group, rows, _transfer_points(source, words, *part))
        for name, part in parts.items()
    )
    return side_table(stem, f"{source}, evaluated elsewhere", sentences, columns, printed, long, "Evaluated on")


def _transfer_points(
    source: str, words: Mapping[Row, str], targets: Sequence[Target], counts: Sequence[Shots]
) -> Iterator[Point]:
    """Every number of one backbone."""
    for row, label in words.items():
        for shots in dict.fromkeys((0, *counts)):
            for target in targets:
                if (row, shots) in target.results:
                    yield Point(source, target.evaluate_on, row, label, shots, target.results[row, shots])


def _transfers(scope: Scope) -> Iterator[Entry]:
    return filter(is_transfer, scope.entries)


def _transfer(scope: Scope, source: str) -> tuple[list[Target], list[Shots]]:
    """The targets of ``source`` in one group, and the shot counts that were trained with; nothing of none."""
    places: list[Place] = list(
        dict.fromkeys(entry.cell.target() for entry in _transfers(scope) if entry.cell.dataset == source)
    )
    return transfer_targets(scope, source, places) if places else ([], [])


def _at(target: Target, row: Row, counts: Sequence[Shots]) -> Result | None:
    """The result of a row at the largest shot count, or of one that learns from no images."""
    return target.results.get((row, counts[-1])) or target.results.get((row, 0))


def _trained(targets: Sequence[Target]) -> set[Row]:
    return {row for target in targets for row, _ in target.results}


def _title(group: Group, scopes: Sequence[Scope]) -> str:
    """The backbone, and whatever else differs between the groups of a figure."""
    others = {(scope.group.precision, scope.group.classes) for scope in scopes}
    return group.backbone if len(others) == 1 else f"{group.backbone}, {group.precision}, {group.classes}"
