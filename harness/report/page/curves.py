"""What the page's curves show: every metric of every row by shots, on each place and on average over data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from harness.matrix.cell import Shots
from harness.report.figures.look import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, Look
from harness.report.numbers.entry import Entry, Place
from harness.report.numbers.results import baseline_row, place_results, place_summary, run_scores, with_sd_kind
from harness.report.numbers.rows import Group, Row, RowEntries, group_entries, row_entries, shots_order
from harness.report.printing.captions import group_title
from harness.report.printing.labels import labels
from harness.report.sections.looks import row_looks
from harness.report.stats.exact import percent, signed
from harness.report.stats.summary import Scores, SdKind, Summary, gain_over, with_sd
from harness.store.record import RunRecord

AVERAGE = "Average"
_ByPlace = dict[tuple[str, Place], list[Entry]]  # by what was trained on and what is evaluated on

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
        value: from a done record to the number, ``None`` where it has none; no function of what tables have.
    """

    name: str
    unit: str
    what: str
    value: Callable[[RunRecord], float | None] | None = None


def _macro_f1(record: RunRecord) -> float | None:
    return None if record.macro_f1 is None else 100 * record.macro_f1


def _mean_class_accuracy(record: RunRecord) -> float | None:
    shares = [row.n_correct / row.n_test for row in record.per_class if row.n_test]
    return 100 * sum(shares) / len(shares) if shares else None


def _training_s(record: RunRecord) -> float | None:
    return record.timings.get("fit_s") if record.history else None


ACCURACY = Metric("Accuracy", "%", "Right answers over test images.")
GAIN = Metric("Gain over zero-shot", "pp", "Accuracy minus that of zero-shot on the same images.")
METRICS = (
    ACCURACY,
    GAIN,
    Metric("Macro-F1", "%", "Mean over the classes of the harmonic mean of precision and recall.", _macro_f1),
    Metric("Mean class accuracy", "%", "Mean over the classes of right answers.", _mean_class_accuracy),
    Metric("Training time", "s", "Seconds of a training, as the record has them.", _training_s),
)


def pack_curves(entries: Sequence[Entry], sd_kind: SdKind) -> list[dict[str, Any]]:
    """For each group of tables its rows with their looks, its places, and the points of every metric."""
    return [_group(group, members, sd_kind) for group, members in group_entries(entries).items()]


def _group(group: Group, entries: Sequence[Entry], sd_kind: SdKind) -> dict[str, Any]:
    rows = row_entries(entries)
    words = labels(list(rows))
    placed = {row: _by_place(members) for row, members in rows.items()}
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
            for point in _points(place, members, placed, sd_kind)
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
    place: int, members: Sequence[tuple[str, Place]], rows: Mapping[Row, _ByPlace], sd_kind: SdKind
) -> Iterator[list[Any]]:
    """``[place, metric, row, shots, mean, sd, n, n_expected, values, text]``.

    The values are the seeds' own; the text is the mean as tables print it, where they have it.
    """
    inside = {row: [entry for member in members for entry in found.get(member, ())] for row, found in rows.items()}
    order = {row: number for number, row in enumerate(rows)}
    targets = [target for _, target in members]
    results = with_sd_kind(place_results(inside, targets), sd_kind)
    runs = _by_shots(inside)
    baseline = baseline_row(list(rows))
    zero = None if baseline is None else runs.get((baseline, 0))
    for number, metric in enumerate(METRICS):
        for (row, shots), result in results.items():
            entries = runs[row, shots]
            if metric.value is not None:
                scores = _scores(entries, targets, metric.value)
                summary, text = with_sd(place_summary(scores), sd_kind), None
            elif metric is ACCURACY:
                scores = 100 * run_scores(entries, targets)
                summary, text = _in_percent(result.accuracy), _text(result.accuracy, percent)
            elif result.gain is not None and zero is not None:
                scores = 100 * gain_over(run_scores(entries, targets), run_scores(zero, targets)[0])
                summary, text = _in_percent(result.gain), _text(result.gain, signed)
            else:
                continue
            if summary.n or summary.mean is not None:
                values = _run_values(scores, summary)
                yield [place, number, order[row], shots, *_numbers(summary), values, *([text] if text else [])]


def _by_place(entries: Sequence[Entry]) -> _ByPlace:
    found: _ByPlace = {}
    for entry in entries:
        found.setdefault((entry.cell.dataset, entry.cell.target()), []).append(entry)
    return found


def _by_shots(rows: RowEntries) -> dict[tuple[Row, Shots], list[Entry]]:
    found: dict[tuple[Row, Shots], list[Entry]] = {}
    for row, entries in rows.items():
        for entry in entries:
            found.setdefault((row, entry.cell.shots), []).append(entry)
    return found


def _scores(
    entries: Sequence[Entry], places: Sequence[Place], value: Callable[[RunRecord], float | None]
) -> Scores:
    """``(runs, places)`` values of one metric; a hole where a seed of a place has none."""
    return run_scores(
        entries, places, lambda entry: None if entry.record is None or entry.hole else value(entry.record)
    )


def _run_values(scores: Scores, summary: Summary) -> list[float]:
    """Of one place the values that are there, of several the means of runs where all are whole."""
    if scores.shape[1] == 1:
        values = scores[:, 0]
        return [round(value, 2) for value in values[~np.isnan(values)].tolist()]
    return [] if summary.mean is None else [round(value, 2) for value in np.mean(scores, axis=1).tolist()]


def _in_percent(summary: Summary) -> Summary:
    mean, sd = (None if fraction is None else 100 * fraction for fraction in (summary.mean, summary.sd))
    return replace(summary, mean=mean, sd=sd)


def _text(summary: Summary, spelled: Callable[[Fraction], str]) -> str | None:
    """The mean as tables print it: rounded once, from counts."""
    return None if summary.exact is None else spelled(summary.exact)


def _numbers(summary: Summary) -> list[float | int | None]:
    return [_rounded(summary.mean), _rounded(summary.sd), summary.n, summary.n_expected]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
