"""Tables and figures between backbones: what groups that differ in the backbone alone have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure
from harness.report.figures.style import row_looks
from harness.report.numbers.entry import Entry
from harness.report.numbers.results import Place, Result
from harness.report.numbers.rows import Group, Row, labels, shots_order
from harness.report.printing.captions import caption, counted
from harness.report.printing.cells import SPREAD
from harness.report.printing.grid import Contestants, Grid, Line, grid
from harness.report.printing.long import Lines, Point, long_form
from harness.report.sections.elsewhere import Target, is_transfer, shots_clause, transfer_targets
from harness.report.sections.scope import Measured, Scope, measure
from harness.report.sections.studies import dots, gaps, set_apart, spread_sentence
from harness.report.tables.table import Table

BACKBONES_HEADING = "Backbone"
_Results = dict[tuple[Row, tuple[str, ...]], Result]


@dataclass(frozen=True, slots=True)
class Kin:
    """Groups that differ in the backbone alone, two at least.

    Attributes:
        name: what else they share, as part of a file name; empty where all groups of the report do.
        shared: the same in a caption.
        scopes: by backbone, in order of first appearance.
    """

    name: str
    shared: str
    scopes: Mapping[str, Scope]


def kins(scopes: Sequence[Scope]) -> list[Kin]:
    """The sets of groups that can be compared between backbones."""
    found: dict[tuple[str, str], dict[str, Scope]] = {}
    for scope in scopes:
        found.setdefault((scope.group.precision, scope.group.classes), {})[scope.group.backbone] = scope
    return [
        Kin(
            f"{precision}-{classes}" if len(found) > 1 else "",
            precision if classes == "all" else f"{precision}, {classes} classes",
            members,
        )
        for (precision, classes), members in found.items()
        if len(members) > 1
    ]


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
    rows = _rows(kin, {row for row, shots in points if shots in shown})
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
    sentences = caption(_matrix(sides.kin), _where(sides.kin), what, rows, results, _n_test(sides.measured))
    long = _joined(
        long_form(sides.kin.scopes[name].group, rows, _points(sides, each))
        for name, each in sides.measured.items()
    )
    title = "Backbones side by side"
    return _table(stem, title, sentences, names, grid(names, blocks, SPREAD), long, BACKBONES_HEADING)


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


def sources_of(scopes: Sequence[Scope]) -> list[str]:
    """The data sets that something was transferred from, in order of first appearance."""
    return list(dict.fromkeys(entry.cell.dataset for scope in scopes for entry in _transfers(scope)))


def transfer_figure(scopes: Sequence[Scope], source: str, stem: str) -> Figure | None:
    """What was trained on ``source``, evaluated there and elsewhere: a chart a group, at its largest shots."""
    parts = [(scope, *_transfer(scope, source)) for scope in scopes]
    parts = [(scope, targets, counts) for scope, targets, counts in parts if targets]
    if not parts:
        return None
    rows = _rows_of([scope for scope, *_ in parts])
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
    rows = _rows(kin, {row for targets, _ in parts.values() for row in _trained(targets)})
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
    sentences = caption(_matrix(kin), _where(kin), what, rows, results, _n_test_of(parts))
    long = _joined(
        long_form(kin.scopes[name].group, rows, _transfer_points(source, words, *part))
        for name, part in parts.items()
    )
    return _table(stem, f"{source}, evaluated elsewhere", sentences, columns, printed, long, "Evaluated on")


def _transfer_points(
    source: str, words: Mapping[Row, str], targets: Sequence[Target], counts: Sequence[Shots]
) -> Iterator[Point]:
    """Every number of one backbone."""
    for row, label in words.items():
        for shots in dict.fromkeys((0, *counts)):
            for target in targets:
                if (row, shots) in target.results:
                    yield Point(source, target.evaluate_on, row, label, shots, target.results[row, shots])


def _measured(scope: Scope, datasets: Sequence[str]) -> tuple[Measured, ...]:
    """The results on ``datasets``, which another group may have more of: the average is over the same for all."""
    if list(scope.datasets) == list(datasets):
        return scope.measured
    return measure(scope.own, datasets, scope.group.classes, scope.odd, scope.sd_kind)


def _transfers(scope: Scope) -> Iterator[Entry]:
    return filter(is_transfer, scope.entries)


def _transfer(scope: Scope, source: str) -> tuple[list[Target], list[Shots]]:
    """The targets of ``source`` in one group, and the shot counts that were trained with; nothing of none."""
    places: list[Place] = list(
        dict.fromkeys(entry.cell.target() for entry in _transfers(scope) if entry.cell.dataset == source)
    )
    return transfer_targets(scope.group, source, places, scope.rows, scope.sd_kind) if places else ([], [])


def _at(target: Target, row: Row, counts: Sequence[Shots]) -> Result | None:
    """The result of a row at the largest shot count, or of one that learns from no images."""
    return target.results.get((row, counts[-1])) or target.results.get((row, 0))


def _trained(targets: Sequence[Target]) -> set[Row]:
    return {row for target in targets for row, _ in target.results}


def _rows_of(scopes: Sequence[Scope]) -> list[Row]:
    """The rows of all groups, in the order in which the groups have them."""
    return list(dict.fromkeys(row for scope in scopes for row in scope.labels))


def _rows(kin: Kin, wanted: set[Row]) -> list[Row]:
    return [row for row in _rows_of(list(kin.scopes.values())) if row in wanted]


def _matrix(kin: Kin) -> str:
    return next(iter(kin.scopes.values())).matrix


def _where(kin: Kin) -> str:
    return f"{' or '.join(kin.scopes)}, {kin.shared}"


def _on(datasets: Sequence[str]) -> str:
    if len(datasets) == 1:
        return f"on {datasets[0]}"
    return f"on {len(datasets)} data sets and on average over them, taken for each seed first"


def _title(group: Group, scopes: Sequence[Scope]) -> str:
    """The backbone, and whatever else differs between the groups of a figure."""
    others = {(scope.group.precision, scope.group.classes) for scope in scopes}
    return group.backbone if len(others) == 1 else f"{group.backbone}, {group.precision}, {group.classes}"


def _n_test(measured: Mapping[str, Sequence[Measured]]) -> str:
    found: dict[str, set[int]] = {}
    for each in measured.values():
        for one in each:
            if not one.is_average:
                found.setdefault(one.title, set()).update(
                    n for result in one.results.values() for n in result.n_test
                )
    return counted(found)


def _n_test_of(parts: Mapping[str, tuple[list[Target], list[Shots]]]) -> str:
    found: dict[str, set[int]] = {}
    for targets, _ in parts.values():
        for target in targets:
            if target.is_place:
                counts = (n for result in target.results.values() for n in result.n_test)
                found.setdefault(target.heading, set()).update(counts)
    return counted(found)


def _joined(forms: Iterator[Lines]) -> Lines:
    """Long forms under one header, which they share since all were made with the same rows."""
    several = list(forms)
    return (several[0][0], *(line for lines in several for line in lines[1:]))


def _table(
    stem: str,
    title: str,
    sentences: tuple[str, ...],
    columns: Sequence[str],
    printed: Grid,
    long: Lines,
    heading: str,
) -> Table:
    said = (*sentences, *printed.sentences)
    return Table(stem, title, said, tuple(columns), printed.blocks, printed.notes, long, columns_heading=heading)
