"""The 95 % interval of every mean, beside the number of runs that it is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.matrix.cell import Shots
from harness.matrix.identity import stream
from harness.report.numbers.results import Results
from harness.report.numbers.rows import Group, Row
from harness.report.numbers.runs import Runs
from harness.report.printing.captions import group_title
from harness.report.printing.long import full
from harness.report.stats.exact import percent
from harness.report.stats.significance import N_RESAMPLES, Interval, IntervalKind, bootstrap_interval, t_interval
from harness.report.stats.summary import Scores, with_sd
from harness.report.tables.table import Block, Table, TableCell, TableRow

_HEAD = ("backbone", "precision", "classes", "dataset", "label", "shots", "n", "mean", "sd")
_TAIL = ("low", "high", "df", "interval")


def intervals_table(
    matrix: str,
    group: Group,
    stem: str,
    labels: Mapping[Row, str],
    runs: Runs,
    results: Mapping[str, Results],
    kind: IntervalKind,
) -> Table | None:
    """A block for the average and each data set; ``None`` where no point has two runs.

    Args:
        matrix: its name.
        group: of the rows.
        stem: of the table's files.
        labels: of the rows, in order.
        runs: their accuracies.
        results: the numbers of the tables, by title; of a title that is no data set, over all of them.
        kind: of the intervals.
    """
    lines, blocks = [], []
    columns = list(runs.shots)
    for title, found in results.items():
        rows = []
        for row in labels:
            cells = []
            for shots in columns:
                result = found.get((row, shots))
                accuracy = None if result is None else result.accuracy
                if accuracy is None or accuracy.mean is None or row in runs.unseeded:
                    cells.append(TableCell())
                    continue
                interval = _interval(_columns(runs, title, row, shots), kind, (title, labels[row], shots))
                text = "–" if interval is None else f"[{percent(interval.low)}, {percent(interval.high)}]"
                cells.append(TableCell(f"{percent(accuracy.mean)} {text} n={accuracy.n}"))
                lines.append(
                    _line(
                        group,
                        title,
                        labels[row],
                        shots,
                        accuracy.n,
                        accuracy.mean,
                        with_sd(accuracy, "sample").sd,
                        interval,
                        kind,
                    )
                )
            if any(cell.text != TableCell().text for cell in cells):
                rows.append(TableRow(labels[row], tuple(cells)))
        if rows:
            blocks.append(Block(title, tuple(rows)))
    if not any(line[-4] for line in lines):
        return None
    return Table(
        stem,
        "95 % intervals",
        tuple(_caption(matrix, group, kind, runs)),
        tuple(map(str, columns)),
        tuple(blocks),
        (),
        ((*_HEAD, *_TAIL), *lines),
    )


def _columns(runs: Runs, title: str, row: Row, shots: Shots) -> Scores:
    """The runs of one data set, or of all where the title is none."""
    scores = runs.scores[row, shots]
    places = [number for number, (dataset, _) in enumerate(runs.places) if dataset == title]
    return scores[:, places] if places else scores


def _interval(scores: Scores, kind: IntervalKind, names: Sequence[object]) -> Interval | None:
    return t_interval(scores) if kind == "t" else bootstrap_interval(scores, stream("bootstrap", *names))


def _caption(matrix: str, group: Group, kind: IntervalKind, runs: Runs) -> Iterable[str]:
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
    yield f"Matrix {matrix}; backbone {group_title(group)}."
    yield "It tells how far other seeds would move the mean, not other test images."


def _line(
    group: Group,
    title: str,
    label: str,
    shots: Shots,
    n: int,
    mean: float,
    sd: float | None,
    interval: Interval | None,
    kind: IntervalKind,
) -> tuple[str, ...]:
    low, high = (interval.low, interval.high) if interval else (None, None)
    df = "" if interval is None or interval.df is None else f"{interval.df:.6g}"
    return (
        group.backbone,
        group.precision,
        group.classes,
        title,
        label,
        str(shots),
        str(n),
        full(mean),
        full(sd),
        full(low),
        full(high),
        df,
        kind,
    )
