"""The studies of one group: all data sets side by side, templates, lengths of the context, initial words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure, Trace
from harness.report.figures.look import GREY, Look
from harness.report.numbers.results import Result
from harness.report.numbers.rows import ZERO_SHOT, Row, shots_order
from harness.report.printing.captions import caption, group_title, image_counts
from harness.report.printing.cells import MEANS, SPREAD, Style, shots_words
from harness.report.printing.grid import Contestants, Grid, Line, grid
from harness.report.printing.labels import axis_word, labels
from harness.report.printing.long import Point, long_form
from harness.report.sections.dots import dots, gaps, mark, set_apart, spread_sentence
from harness.report.sections.looks import row_looks
from harness.report.sections.scope import Measured, Scope
from harness.report.tables.table import Table

DATASETS_HEADING = "Data set"


@dataclass(frozen=True, slots=True)
class Family:
    """Rows that differ in one axis alone, shown at one shot count.

    Attributes:
        common: the row without that axis.
        rows: in the order of the axis.
        shots: the largest count at which two rows at least have cells.
    """

    common: Row
    rows: tuple[Row, ...]
    shots: Shots


def few_shot_table(scope: Scope, stem: str) -> Table | None:
    """Means of every row at every shot count, a column a data set; ``None`` where there is one data set."""
    if len(scope.datasets) == 1:
        return None
    columns = _columns(scope)
    counts = shots_order(shots for one in columns for _, shots in one.results)
    blocks = []
    for shots in counts:
        rows = [row for row in scope.labels if any((row, shots) in one.results for one in columns)]
        lines = [_line(row, scope.labels[row], [shots], columns) for row in rows]
        blocks.append(Contestants("Zero shots" if shots == 0 else shots_words(shots).capitalize(), tuple(lines)))
    what = "Few-shot learning on every data set"
    return _table(scope, stem, "Few-shot learning", what, blocks, columns, counts, MEANS)


def templates_table(scope: Scope, stem: str) -> Table | None:
    """Zero-shot with each template against what was learned; ``None`` where zero-shot has one template."""
    zeros = [row for row in scope.labels if row.method == ZERO_SHOT]
    if len({row.axis("template") for row in zeros}) < 2:
        return None
    columns = _columns(scope)
    counts = shots_order(shots for one in columns for row, shots in one.results if row.method != ZERO_SHOT)
    learned = counts[-1:]
    shown = [
        row for row in scope.labels
        if any((row, shots) in one.results for one in columns for shots in (0, *learned))
    ]  # fmt: skip
    lines = [_line(row, scope.labels[row], [0, *learned], columns) for row in shown]
    against = f", against what was learned from {shots_words(learned[0])}" if learned else ""
    what = f"Zero-shot with hand-crafted prompts and ensembles of them{against}"
    blocks = [Contestants("", tuple(lines))]
    return _table(scope, stem, "Prompt ensembling", what, blocks, columns, [0, *learned], SPREAD)


def families(scope: Scope, axis: str) -> list[Family]:
    """The rows that differ in ``axis`` alone, two at least, in the order of their first appearance."""
    members: dict[Row, list[Row]] = {}
    for row in scope.labels:
        # With initial words the length follows from them and is no choice of its own.
        if row.axis("n_ctx") is not None and not (axis == "n_ctx" and row.axis("ctx_init")):
            common = Row(row.method, tuple(pair for pair in row.axes if pair[0] != axis), row.label)
            members.setdefault(common, []).append(row)
    shots_of: dict[Row, set[Shots]] = {}
    for one in scope.measured:
        for row, shots in one.results:
            shots_of.setdefault(row, set()).add(shots)
    found = []
    for common, rows in members.items():
        counts = [shots for row in rows for shots in shots_of.get(row, ())]
        shared = shots_order(shots for shots in set(counts) if counts.count(shots) > 1)
        if shared:
            there = [row for row in rows if shared[-1] in shots_of.get(row, ())]
            order = sorted(there, key=lambda row: row.axis(axis) or 0) if axis == "n_ctx" else there
            found.append(Family(common, tuple(order), shared[-1]))
    return found


def study_table(scope: Scope, stem: str, axis: str, title: str, what: str) -> Table | None:
    """A block a family, a line a value of ``axis``, a column a data set; ``None`` where nothing differs in it."""
    found = families(scope, axis)
    if not found:
        return None
    columns = _columns(scope)
    blocks = [
        Contestants(
            heading, tuple(_line(row, axis_word(row, axis), [family.shots], columns) for row in family.rows)
        )
        for heading, family in zip(_headings(found), found, strict=True)
    ]
    counts = shots_order(family.shots for family in found)
    what += f" ({shots_words(counts[0])})" if len(counts) == 1 else ""
    return _table(scope, stem, title, what, blocks, columns, counts, SPREAD)


def length_figure(scope: Scope, stem: str) -> Figure | None:
    """Accuracy by the number of context vectors, a chart a data set and the average first."""
    found = families(scope, "n_ctx")
    if not found:
        return None
    lengths = sorted({int(str(row.axis("n_ctx"))) for family in found for row in family.rows})
    ticks = tuple((float(place), str(length)) for place, length in enumerate(lengths))
    looks = row_looks([family.common for family in found])
    charts = []
    for one in scope.measured:
        traces = []
        for label, family in zip(_headings(found, whole=True), found, strict=True):
            marks = [
                mark(lengths.index(int(str(row.axis("n_ctx")))), one.results.get((row, family.shots)))
                for row in family.rows
            ]
            traces.append(Trace(label, looks[family.common], tuple(marks)))
        charts.append(Chart(one.title, tuple(traces), "Context vectors (M)", "Accuracy (%)", ticks))
    said = f"Accuracy by the length of the context ({_shots(found)}): {spread_sentence(scope.sd_kind)}"
    return Figure(stem, "Accuracy by the length of the context", (said, *gaps(charts)), tuple(charts))


def initial_figure(scope: Scope, stem: str) -> Figure | None:
    """Accuracy with each initial context, a place a data set; a chart for each family of rows."""
    found = families(scope, "ctx_init")
    if not found:
        return None
    ticks = set_apart(
        [one.title for one in scope.measured], {one.title for one in scope.measured if one.is_average}
    )
    places = [place for place, _ in ticks]
    inits = list(dict.fromkeys(axis_word(row, "ctx_init") for family in found for row in family.rows))
    charts = []
    for heading, family in zip(_headings(found, whole=True), found, strict=True):
        rows = {axis_word(row, "ctx_init"): row for row in family.rows}
        looks = row_looks(rows.values())
        traces = [
            dots(init, looks[row] if (row := rows.get(init)) else Look(GREY, "o", ""), places,
                 [one.results.get((row, family.shots)) if row else None for one in scope.measured],
                 turn, len(inits))
            for turn, init in enumerate(inits)
        ]  # fmt: skip
        charts.append(Chart(heading, tuple(traces), "", "Accuracy (%)", ticks))
    said = f"Accuracy by the initial context ({_shots(found)}): {spread_sentence(scope.sd_kind)}"
    return Figure(stem, "Accuracy by the initial context", (said, *gaps(charts)), tuple(charts))


def _columns(scope: Scope) -> list[Measured]:
    """The data sets, and then their average."""
    return sorted(scope.measured, key=lambda one: one.is_average)


def _line(row: Row, label: str, counts: Sequence[Shots], columns: Sequence[Measured]) -> Line:
    """One row; of several counts it has the one that it knows."""
    results = {
        one.title: one.results[row, shots] for one in columns for shots in counts if (row, shots) in one.results
    }
    return Line(label, row, results)


def _headings(found: Sequence[Family], *, whole: bool = False) -> list[str]:
    """What tells families apart; of a single one nothing, or its name where ``whole``."""
    if len(found) == 1 and not whole:
        return [""]
    words = labels([family.common for family in found])
    return [words[family.common] for family in found]


def _shots(found: Sequence[Family]) -> str:
    return " or ".join(shots_words(shots) for shots in shots_order(family.shots for family in found))


def _table(
    scope: Scope,
    stem: str,
    title: str,
    what: str,
    blocks: Sequence[Contestants],
    columns: Sequence[Measured],
    counts: Sequence[Shots],
    style: Style,
) -> Table:
    """The table of ``blocks``; its long form has every point of its lines at the counts of the table."""
    printed: Grid = grid([one.title for one in columns], blocks, style)
    rows = list(dict.fromkeys(line.row for block in blocks for line in block.lines))
    points = [
        (one, row, shots) for row in rows for shots in counts for one in columns if (row, shots) in one.results
    ]
    results: Mapping[tuple[Row, tuple[str, Shots]], Result] = {
        (row, (one.title, shots)): one.results[row, shots] for one, row, shots in points
    }
    averaged = f"Average: over the {len(scope.datasets)} data sets, taken for each seed first."
    sentences = caption(
        scope.matrix,
        group_title(scope.group),
        what,
        list(scope.labels),
        results,
        image_counts((one.title, one.results.values()) for one in columns if not one.is_average),
        has_sd=style.has_sd,
    )
    lines = (
        Point(one.name, "", row, scope.labels[row], shots, one.results[row, shots]) for one, row, shots in points
    )
    return Table(
        stem,
        title,
        (sentences[0], *([averaged] if len(scope.datasets) > 1 else []), *sentences[1:], *printed.sentences),
        tuple(one.title for one in columns),
        printed.blocks,
        printed.notes,
        long_form(scope.group, scope.labels, lines),
        columns_heading=DATASETS_HEADING,
    )
