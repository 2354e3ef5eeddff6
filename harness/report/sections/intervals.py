"""The 95 % interval of every mean, beside the number of runs that it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.matrix.cell import Shots
from harness.matrix.streams import stream
from harness.report.numbers.rows import Row
from harness.report.numbers.runs import Runs
from harness.report.printing.captions import group_title
from harness.report.printing.long import GROUP_HEAD, full, group_words
from harness.report.sections.scope import Measured, Scope
from harness.report.stats.exact import percent
from harness.report.stats.significance import N_RESAMPLES, Interval, IntervalKind, bootstrap_interval, t_interval
from harness.report.stats.summary import Scores, Summary, with_sd
from harness.report.tables.table import DASH, Block, Table, TableCell, TableRow

_HEAD = (*GROUP_HEAD, "dataset", "label", "shots", "n", "mean", "sd")
_TAIL = ("low", "high", "df", "interval")


def intervals_table(scope: Scope, stem: str, runs: Runs, kind: IntervalKind) -> Table | None:
    """A block for the average and each data set; ``None`` where no point has two runs.

    ``runs`` are the accuracies on the own test images.
    """
    lines, blocks = [], []
    columns = list(runs.shots)
    for one in scope.measured:
        rows = []
        for row, label in scope.labels.items():
            cells = []
            for shots in columns:
                result = one.results.get((row, shots))
                if result is None or result.accuracy.mean is None or row in runs.unseeded:
                    cells.append(TableCell())
                    continue
                scores = _columns(runs, one, row, shots)
                interval = _interval(scores, kind, (one.title, label, shots))
                text = DASH if interval is None else f"[{percent(interval.low)}, {percent(interval.high)}]"
                cells.append(TableCell(f"{percent(result.accuracy.mean)} {text} n={result.accuracy.n}"))
                head = (*group_words(scope.group), one.title, label, str(shots))
                lines.append((*head, *_numbers(result.accuracy), *_ends(interval), kind))
            if any(cell.text != DASH for cell in cells):
                rows.append(TableRow(label, tuple(cells)))
        if rows:
            blocks.append(Block(one.title, tuple(rows)))
    if not any(line[-4] for line in lines):
        return None
    return Table(
        stem,
        "95 % intervals",
        tuple(_caption(scope, kind, runs)),
        tuple(map(str, columns)),
        tuple(blocks),
        (),
        ((*_HEAD, *_TAIL), *lines),
    )


def _columns(runs: Runs, one: Measured, row: Row, shots: Shots) -> Scores:
    """The runs of one data set, or of all for the average."""
    scores = runs.scores[row, shots]
    return scores if one.is_average else scores[:, [dataset == one.name for dataset, _ in runs.places]]


def _interval(scores: Scores, kind: IntervalKind, names: Sequence[object]) -> Interval | None:
    return t_interval(scores) if kind == "t" else bootstrap_interval(scores, stream("bootstrap", *names))


def _caption(scope: Scope, kind: IntervalKind, runs: Runs) -> Iterable[str]:
    several = len(runs.places) > 1
    if kind == "t":
        yield "Mean accuracy in percent, its 95 % interval by Student's t over n seeds, and n."
        if several:
            yield (
                "The interval of the average adds the variances of the data sets, each over its own seeds "
                "(Satterthwaite's degrees of freedom)."
            )
    else:
        strata = "seeds resampled within each data set" if several else "seeds resampled"
        yield (
            f"Mean accuracy in percent, its 95 % interval by a {'stratified ' if several else ''}bootstrap "
            f"({strata}, n - 1 of n, {N_RESAMPLES:,} times, percentiles), and n."
        )
    yield f"Matrix {scope.matrix}; backbone {group_title(scope.group)}."
    yield "It tells how far other seeds would move the mean, not other test images."


def _numbers(accuracy: Summary) -> tuple[str, ...]:
    """How many runs, their mean, and their sample standard deviation, whichever is printed elsewhere."""
    return (str(accuracy.n), full(accuracy.mean), full(with_sd(accuracy, "sample").sd))


def _ends(interval: Interval | None) -> tuple[str, ...]:
    """Both ends, and the degrees of freedom where there are any."""
    if interval is None:
        return ("", "", "")
    return (full(interval.low), full(interval.high), "" if interval.df is None else f"{interval.df:.6g}")
