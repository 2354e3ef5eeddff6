"""What the page's curves show: every metric of every row by shots, on each place and on average over data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.matrix.cell import Cell, Shots
from harness.report.captions import group_title
from harness.report.entry import Entry
from harness.report.results import Place, baseline_row
from harness.report.rows import Group, Row, group_entries, labels, row_entries, shots_order
from harness.report.stats import Scores, Summary, average_over_datasets, gain_over, summarise
from harness.report.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Look,
    row_looks,
)
from harness.store.record import RunRecord

AVERAGE = "Average"
_Values = tuple[float | None, ...]  # of an entry, one for each of METRICS
_Valued = tuple[Cell, _Values]
_ByPlace = dict[tuple[str, Place], list[_Valued]]  # by what was trained on and what is evaluated on

# The figures' hues on a dark ground, where black would be lost and blue is too dim.
_ON_DARK = {
    BLUE: "#4DA3E0", VERMILION: "#F2803D", GREEN: "#2CC295", PURPLE: "#E09AC4",
    SKY: "#A5DAF7", ORANGE: "#F5BE5C", BLACK: "#F2F2EF", GREY: "#A3A6AB",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a record that can be drawn against shots.

    Attributes:
        name: what the page calls it.
        unit: behind a number: ``%``, ``pp`` or ``s``.
        what: one sentence for the reader.
        value: from a done record to the number, ``None`` where it has none.
        is_gain: whether zero-shot is taken off.
    """

    name: str
    unit: str
    what: str
    value: Callable[[RunRecord], float | None]
    is_gain: bool = False


def _accuracy(record: RunRecord) -> float | None:
    return None if record.accuracy is None else 100 * record.accuracy


def _macro_f1(record: RunRecord) -> float | None:
    return None if record.macro_f1 is None else 100 * record.macro_f1


def _mean_class_accuracy(record: RunRecord) -> float | None:
    shares = [row.n_correct / row.n_test for row in record.per_class if row.n_test]
    return 100 * sum(shares) / len(shares) if shares else None


def _training_s(record: RunRecord) -> float | None:
    return record.timings.get("fit_s") if record.history else None


METRICS = (
    Metric("Accuracy", "%", "Right answers over test images.", _accuracy),
    Metric("Gain over zero-shot", "pp", "Accuracy minus that of zero-shot on the same images.", _accuracy, True),
    Metric("Macro-F1", "%", "Mean over the classes of the harmonic mean of precision and recall.", _macro_f1),
    Metric("Mean class accuracy", "%", "Mean over the classes of right answers.", _mean_class_accuracy),
    Metric("Training time", "s", "Seconds of a training, as the record has them.", _training_s),
)


def pack_curves(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """For each group of tables its rows with their looks, its places, and the points of every metric."""
    return [_group(group, members) for group, members in group_entries(entries).items()]


def _group(group: Group, entries: Sequence[Entry]) -> dict[str, Any]:
    rows = row_entries(entries)
    words = labels(list(rows))
    values = {entry.cell: _values(entry) for entry in entries}
    placed = {row: _by_place(members, values) for row, members in rows.items()}
    own = _places(entries, group, is_own=True)
    elsewhere = _places(entries, group, is_own=False)
    # Each choice of the page: its words, the places, and whether it is one of another data set's images.
    choices: list[tuple[str, list[tuple[str, Place]], str]] = []
    if len(own) > 1:
        choices.append((AVERAGE, own, "average"))
    choices += [(source, [(source, target)], "own") for source, target in own]
    choices += [(f"{source} → {_target(source, target)}", [(source, target)], "elsewhere")
                for source, target in elsewhere]  # fmt: skip
    return {
        "title": group_title(group),
        "rows": [
            {"label": words[row], "method": row.method, **_drawn(look)} for row, look in row_looks(rows).items()
        ],
        "shots": shots_order(entry.cell.shots for entry in entries),
        "places": [{"name": name, "kind": kind} for name, _, kind in choices],
        "metrics": [{"name": metric.name, "unit": metric.unit, "what": metric.what} for metric in METRICS],
        "points": [
            point
            for place, (_, members, _) in enumerate(choices)
            for number, metric in enumerate(METRICS)
            for point in _points(place, number, metric, members, placed)
        ],
    }


def _places(entries: Sequence[Entry], group: Group, *, is_own: bool) -> list[tuple[str, Place]]:
    """What was trained on and what evaluated on, in order of first appearance."""
    pairs = dict.fromkeys((entry.cell.dataset, entry.cell.target()) for entry in entries)
    return [(source, target) for source, target in pairs if (target == (source, group.classes)) == is_own]


def _target(source: str, target: Place) -> str:
    return f"{target[1]} classes" if target[0] == source else target[0]


def _drawn(look: Look) -> dict[str, str]:
    """A look as the page draws it: colours for both grounds as CSS, marker and line in matplotlib's letters."""
    on_dark = _ON_DARK.get(look.colour, look.colour)
    return {"css": f"light-dark({look.colour}, {on_dark})", "marker": look.marker, "line": look.line}


def _points(
    place: int, number: int, metric: Metric, members: Sequence[tuple[str, Place]], rows: Mapping[Row, _ByPlace]
) -> list[list[Any]]:
    """``[place, metric, row, shots, mean, sd, n, n_expected, values]``; the values are the seeds' own."""
    baseline = baseline_row(list(rows))
    zero = None
    if metric.is_gain:
        if baseline is None:
            return []
        zero = _scores(_inside(rows[baseline], members), members, number)
        if not len(zero):
            return []
    found = []
    for order, (row, by_place) in enumerate(rows.items()):
        if metric.is_gain and baseline is not None and row.method == baseline.method:
            continue
        by_shots: dict[Shots, list[_Valued]] = {}
        for cell, values in _inside(by_place, members):
            by_shots.setdefault(cell.shots, []).append((cell, values))
        for shots in shots_order(by_shots):
            scores = _scores(by_shots[shots], members, number)
            if zero is not None:
                scores = gain_over(scores, zero[0])
            summary, runs = _summary(scores)
            if summary.n or summary.mean is not None:
                found.append([place, number, order, shots, *_numbers(summary), runs])
    return found


def _values(entry: Entry) -> _Values:
    """Every metric of an entry; none where it has no number."""
    if entry.hole or entry.record is None:
        return (None,) * len(METRICS)
    return tuple(metric.value(entry.record) for metric in METRICS)


def _by_place(entries: Sequence[Entry], values: Mapping[Cell, _Values]) -> _ByPlace:
    found: _ByPlace = {}
    for entry in entries:
        cell = entry.cell
        found.setdefault((cell.dataset, cell.target()), []).append((cell, values[cell]))
    return found


def _inside(by_place: _ByPlace, members: Sequence[tuple[str, Place]]) -> list[_Valued]:
    return [valued for member in members for valued in by_place.get(member, ())]


def _scores(valued: Sequence[_Valued], members: Sequence[tuple[str, Place]], number: int) -> Scores:
    """``(runs, places)`` values of one metric; a hole where a seed of a place has none."""
    seeds = sorted({cell.seed for cell, _ in valued}, key=lambda seed: (seed is not None, seed or 0))
    run_of = {seed: run for run, seed in enumerate(seeds)}
    place_of = {member: place for place, member in enumerate(members)}
    scores = np.full((len(seeds), len(members)), np.nan)
    for cell, values in valued:
        value = values[number]
        if value is not None:
            scores[run_of[cell.seed], place_of[cell.dataset, cell.target()]] = value
    return scores


def _summary(scores: Scores) -> tuple[Summary, list[float]]:
    """Of one place over the runs that are there, of several over runs that are whole; and those runs' values."""
    if scores.shape[1] == 1:
        values = scores[:, 0]
        return summarise(values), [round(value, 2) for value in values[~np.isnan(values)].tolist()]
    summary = average_over_datasets(scores)
    means = [] if summary.mean is None else np.mean(scores, axis=1).tolist()
    return summary, [round(value, 2) for value in means]


def _numbers(summary: Summary) -> list[float | int | None]:
    return [_rounded(summary.mean), _rounded(summary.sd), summary.n, summary.n_expected]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
