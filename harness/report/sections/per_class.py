"""Gains over zero-shot class by class: which classes a learned context helps, and which it harms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.matrix.cell import Shots
from harness.report.figures.charts import Chart, Figure, Mark, Trace
from harness.report.numbers.entry import Entry
from harness.report.numbers.results import baseline_row
from harness.report.numbers.rows import ZERO_SHOT, Row, shots_order
from harness.report.printing.captions import group_title
from harness.report.printing.cells import shots_words
from harness.report.printing.long import GROUP_HEAD, full, group_words
from harness.report.sections.scope import Scope
from harness.report.stats.exact import percent, signed
from harness.report.tables.table import Block, Note, Table, TableCell, TableRow, Value
from harness.store.record import ClassCount

_MOST_PRINTED = 12  # classes of a data set that are all printed; of more only the ends
_ENDS = 5
_COLUMNS = ("Test images", "Zero-shot", "Learned", "Gain")
_HEAD = (*GROUP_HEAD, "dataset", "method", "label", "shots", "n", "class", "n_test")
_TAIL = ("zero_shot", "mean", "gain")


@dataclass(frozen=True, slots=True)
class ClassGain:
    """One class, counted: its right answers without learning, and with it over all seeds.

    Attributes:
        name: of the class.
        n_test: its test images.
        n_runs: seeds.
        n_zero: right answers of zero-shot.
        n_right: right answers of all seeds together.
    """

    name: str
    n_test: int
    n_runs: int
    n_zero: int
    n_right: int

    @property
    def zero(self) -> Fraction:
        """The share of right answers without learning."""
        return Fraction(self.n_zero, self.n_test)

    @property
    def mean(self) -> Fraction:
        """The share of right answers with learning, mean over seeds."""
        return Fraction(self.n_right, self.n_test * self.n_runs)

    @property
    def n_more(self) -> int:
        """Right answers of all seeds beyond those of as many runs of zero-shot."""
        return self.n_right - self.n_zero * self.n_runs

    @property
    def gain(self) -> float:
        """The difference of the shares: the float that is nearest to it, the same for equal differences."""
        return self.n_more / (self.n_test * self.n_runs)


@dataclass(frozen=True, slots=True)
class ClassGains:
    """All classes of one data set for one row at its largest shot count, the largest gain first; ``n`` seeds."""

    row: Row
    shots: Shots
    n: int
    classes: tuple[ClassGain, ...]


def class_gains(scope: Scope, dataset: str) -> list[ClassGains]:
    """The gains of every row; rows with gaps, or other classes or test images than zero-shot's, are left out."""
    rows = scope.own_on[dataset]
    baseline = baseline_row(list(scope.rows))
    zeros = rows.get(baseline, []) if baseline is not None else []
    if len(zeros) != 1 or zeros[0].record is None or zeros[0].hole:
        return []
    zero = zeros[0].record.per_class
    if len(zero) < 2:
        return []
    found = []
    for row, inside in rows.items():
        if row.method == ZERO_SHOT:
            continue
        largest = shots_order(entry.cell.shots for entry in inside)[-1]
        kept = [entry for entry in inside if entry.cell.shots == largest]
        if all(_is_like(entry, zero) for entry in kept):
            found.append(ClassGains(row, largest, len(kept), _gains(kept, zero)))
    return found


def class_figure(scope: Scope, stem: str, found: dict[str, list[ClassGains]]) -> Figure | None:
    """For every data set the gains of its classes in falling order, a line a row; ``None`` without gains."""
    rows = [row for row in scope.labels if any(row == one.row for several in found.values() for one in several)]
    if not rows:
        return None
    charts = []
    for dataset, several in found.items():
        by_row = {one.row: one for one in several}
        traces = tuple(
            Trace(scope.labels[row], scope.looks[row], _steps(by_row[row]) if row in by_row else (), "steps")
            for row in rows
        )
        charts.append(Chart(dataset, traces, "Classes (%), by gain", "Gain (points)", zero=True))
    caption = (
        "Gain over zero-shot class by class in percentage points, mean over seeds at the largest number of shots; "
        "each line has its own order of classes. Where it crosses zero is the share of classes that gain."
    )
    return Figure(stem, "Gain over zero-shot by class", (caption,), tuple(charts))


def class_table(scope: Scope, stem: str, dataset: str, found: Sequence[ClassGains]) -> Table:
    """A block a row with the classes that gain most and lose most; all classes stand in the long form."""
    blocks, notes = [], []
    for one in found:
        label = f"{scope.labels[one.row]}, {shots_words(one.shots)} (n = {one.n})"
        blocks.append(Block(label, tuple(_row(gain) for gain in _printed(one.classes))))
        up, down = (sum(sign * gain.n_more > 0 for gain in one.classes) for sign in (1, -1))
        notes.append(f"{scope.labels[one.row]} {up} gain, {down} lose")
    n_classes = len(found[0].classes)
    is_cut = n_classes > _MOST_PRINTED
    which = f"the {_ENDS} classes that gain most and the {_ENDS} that lose most" if is_cut else "every class"
    sentences = (
        f"Gain over zero-shot on {dataset} by class ({which}): right answers in percent, mean over seeds.",
        f"Matrix {scope.matrix}; backbone {group_title(scope.group)}.",
        *(("All classes stand in the CSV.",) if is_cut else ()),
    )
    return Table(
        stem,
        f"{dataset}, classes",
        sentences,
        _COLUMNS,
        tuple(blocks),
        (Note("", f"Of {n_classes} classes: {'; '.join(notes)}."),),
        tuple(_long(scope, dataset, found)),
        row_heading="Class",
        columns_heading="Right answers",
    )


def _is_like(entry: Entry, zero: Sequence[ClassCount]) -> bool:
    """Whether an entry has counts of the same classes on the same numbers of test images."""
    if entry.record is None or entry.hole:
        return False
    return [(one.name, one.n_test) for one in entry.record.per_class] == [(one.name, one.n_test) for one in zero]


def _gains(entries: Sequence[Entry], zero: Sequence[ClassCount]) -> tuple[ClassGain, ...]:
    right = [0] * len(zero)
    for entry in entries:
        for place, count in enumerate(entry.record.per_class if entry.record else ()):
            right[place] += count.n_correct
    gains = [
        ClassGain(one.name, one.n_test, len(entries), one.n_correct, total)
        for one, total in zip(zero, right, strict=True)
        if one.n_test
    ]
    return tuple(sorted(gains, key=lambda gain: (-gain.gain, gain.name)))


def _steps(gains: ClassGains) -> tuple[Mark, ...]:
    """A step a class over its share of the axis, up to its end."""
    n, heights = len(gains.classes), [100 * gain.gain for gain in gains.classes]
    marks = [Mark(100 * place / n, height) for place, height in enumerate(heights)]
    return (*marks, Mark(100.0, heights[-1]))


def _printed(classes: Sequence[ClassGain]) -> Sequence[ClassGain]:
    return classes if len(classes) <= _MOST_PRINTED else [*classes[:_ENDS], *classes[-_ENDS:]]


def _row(gain: ClassGain) -> TableRow:
    zero, mean = (_cell(share, percent(share)) for share in (gain.zero, gain.mean))
    return TableRow(
        gain.name,
        (TableCell(str(gain.n_test)), zero, mean, _cell(gain.mean - gain.zero, signed(gain.mean - gain.zero))),
    )


def _cell(share: Fraction, text: str) -> TableCell:
    return TableCell(text, value=Value(100 * float(share), None, 1, 1))


def _long(scope: Scope, dataset: str, found: Sequence[ClassGains]) -> Iterator[tuple[str, ...]]:
    yield (*_HEAD, *_TAIL)
    for one in found:
        label, shots, n = scope.labels[one.row], str(one.shots), str(one.n)
        head = (*group_words(scope.group), dataset, one.row.method, label, shots, n)
        for gain in one.classes:
            zero, mean = gain.n_zero / gain.n_test, gain.n_right / (gain.n_test * gain.n_runs)
            shares = (full(share) for share in (zero, mean, gain.gain))
            yield (*head, gain.name, str(gain.n_test), *shares)
