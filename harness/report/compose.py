"""From results to a table: what is printed in a cell, what is bold, and what stands in a footnote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from harness.matrix.cell import Scalar, Shots
from harness.report.captions import caption, common_runs
from harness.report.results import Result, Results, baseline_row
from harness.report.rows import Group, Row, shots_order
from harness.report.stats import Summary
from harness.report.table import DAGGER, DASH, Block, Note, Table, TableCell, TableRow

GAIN_HEADING = "Gain over zero-shot (percentage points)"
AVERAGE = "average"

_STEP = Decimal("0.1")  # percent are printed with one decimal
_MOST_NAMES = 6  # names in a footnote before it says "and 12 more"
_LONG_AXES = ("protocol", "views", "context", "n_ctx", "class_token_position", "ctx_init")
_LONG_HEAD = ("backbone", "precision", "classes", "evaluate_on", "dataset", "method", "label")
_LONG_TAIL = ("shots", "n", "n_expected", "mean", "sd", "gain", "gain_sd", "n_test", "note")


@dataclass(frozen=True, slots=True)
class Subject:
    """What one table is about: its file stem, its title, and the words for it in caption and long form."""

    stem: str
    title: str
    what: str
    dataset: str
    is_average: bool = False


def table(matrix: str, group: Group, subject: Subject, labels: Mapping[Row, str], results: Results) -> Table:
    """The table of one data set, or of the average; ``labels`` holds all rows of the group in order."""
    rows = [row for row in labels if any(key[0] == row for key in results)]
    columns = shots_order(shots for _, shots in results)
    best = _best(columns, results)
    notes = _Notes()
    common = common_runs(results.values())
    dagger = _dagger(columns, results, subject.is_average)

    def accuracy_cell(row: Row, shots: Shots) -> TableCell:
        result = results.get((row, shots))
        if result is None:
            return TableCell()
        says_n = common is None and result.seeded
        marks = (*((DAGGER,) if result.fewer_shots else ()), *notes.mark(result.why))
        return TableCell(_text(result.accuracy, result.counts, says_n), (row, shots) in best, marks)

    def gain_cell(row: Row, shots: Shots) -> TableCell:
        result = results.get((row, shots))
        if result is None or result.gain is None:
            return TableCell()
        return TableCell(_text(result.gain, result.counts, False, sign="+"), marks=notes.mark(result.why))

    blocks = [Block("", _rows(rows, columns, labels, accuracy_cell))]
    gaining = [row for row in rows if any(_has_gain(results.get((row, shots))) for shots in columns)]
    if gaining:
        blocks.append(Block(GAIN_HEADING, _rows(gaining, columns, labels, gain_cell)))
    sentences = caption(matrix, group, subject.what, list(labels), results)
    if best:
        sentences = (*sentences, "Bold: highest printed mean of a column among cells with nothing missing.")
    return Table(
        subject.stem,
        subject.title,
        sentences,
        tuple(map(str, columns)),
        tuple(blocks),
        (*dagger, *notes.made, *_gain_remark(rows, labels, results, bool(gaining))),
        _long(group, subject, rows, labels, results, columns),
    )


def _rows(
    rows: Sequence[Row],
    columns: Sequence[Shots],
    labels: Mapping[Row, str],
    cell: Callable[[Row, Shots], TableCell],
) -> tuple[TableRow, ...]:
    return tuple(TableRow(labels[row], tuple(cell(row, shots) for shots in columns)) for row in rows)


# --- the text of a cell ------------------------------------------------------------------------------------


def _percent(fraction: float, sign: str = "") -> str:
    """One decimal, halves away from zero as by hand; a gain that rounds to zero has no sign."""
    # Nine decimals first: 70.15 and 10.15 are not halves in binary, and would round in different directions.
    exact = Decimal(repr(round(100 * fraction, 9)))
    text = f"{exact.quantize(_STEP, ROUND_HALF_UP):{sign}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−" if sign else "-")


def _text(summary: Summary, counts: str, says_n: bool, sign: str = "") -> str:
    """``71.2 ± 0.8 (2 of 3)``: what is there, and how much of what should be there."""
    if summary.mean is None:
        # A bare dash where nothing is there at all; of an average, how far it is from complete.
        return f"{DASH} ({counts})" if counts else DASH
    text = _percent(summary.mean, sign)
    if summary.sd is not None:
        text += f" ± {_percent(summary.sd)}"
    if counts:
        return f"{text} ({counts})"
    return f"{text} (n={summary.n})" if says_n else text


def _best(columns: Sequence[Shots], results: Results) -> set[tuple[Row, Shots]]:
    """The points to print bold: the highest printed mean of a column, with ties, if there is a contest."""
    best = set()
    for column in columns:
        means = {
            key: float(_percent(result.accuracy.mean))
            for key, result in results.items()
            if key[1] == column and result.accuracy.whole and result.accuracy.mean is not None
        }
        if len(means) > 1:
            top = max(means.values())
            best |= {key for key, mean in means.items() if mean == top}
    return best


# --- footnotes ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Notes:
    """The lettered footnotes of one table while its cells are printed."""

    made: list[Note] = field(default_factory=list)

    def mark(self, text: str) -> tuple[str, ...]:
        """The mark of the footnote that says ``text``; the same text has one footnote."""
        if not text:
            return ()
        known = next((note.mark for note in self.made if note.text == text), None)
        if known is None:
            known = _letter(len(self.made))
            self.made.append(Note(known, text))
        return (known,)


def _letter(number: int) -> str:
    """a, b .. z, aa, ab ..: column names of a spreadsheet."""
    word = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, 26)
        word = chr(ord("a") + digit) + word
    return word


def _dagger(columns: Sequence[Shots], results: Results, is_average: bool) -> list[Note]:
    """The one footnote on classes that hold fewer images than were asked for."""
    parts = []
    for column in columns:
        names = {
            name: None for (_, shots), result in results.items() if shots == column for name in result.fewer_shots
        }
        if names:
            listed = list(names) if is_average else sorted(names)
            parts.append(f"{column} shots: {_some(listed)}")
    if not parts:
        return []
    who = "On these data sets, classes" if is_average else "Classes"
    return [
        Note(DAGGER, f"{who} with fewer training images than asked for were taken whole ({'; '.join(parts)}).")
    ]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _has_gain(result: Result | None) -> bool:
    return result is not None and result.gain is not None and result.gain.mean is not None


def _gain_remark(rows: Sequence[Row], labels: Mapping[Row, str], results: Results, has_gains: bool) -> list[Note]:
    """Over which zero-shot row the gain is, or why there is none."""
    baseline = baseline_row(list(labels))
    if baseline is None or not any(row.method != baseline.method for row in rows):
        return []
    found = [result for (row, _), result in results.items() if row == baseline]
    if not any(result.accuracy.mean is not None for result in found):
        why = next((result.why for result in found), "run missing")
        return [Note("", f"No gain over zero-shot is given ({why}).")]
    if has_gains and sum(row.method == baseline.method for row in rows) > 1:
        return [Note("", f"The gain is over {labels[baseline]}.")]
    return []


# --- long form ---------------------------------------------------------------------------------------------


def _long(
    group: Group,
    subject: Subject,
    rows: Sequence[Row],
    labels: Mapping[Row, str],
    results: Results,
    columns: Sequence[Shots],
) -> tuple[tuple[str, ...], ...]:
    """Header and one line for each row and shot count that the matrix asks for."""
    extras = _extra_axes(labels)
    lines = [(*_LONG_HEAD, "template", *_LONG_AXES, *extras, "recipe", *_LONG_TAIL)]
    for row in rows:
        for shots in columns:
            result = results.get((row, shots))
            if result is not None:
                head = (*_group_words(group), subject.dataset, row.method, labels[row])
                axes = (*_row_words(row, result, extras),)
                lines.append((*head, *axes, *_number_words(shots, result)))
    return tuple(lines)


def _extra_axes(rows: Mapping[Row, str]) -> list[str]:
    """Axes of plug-in methods."""
    names = {name for row in rows for name, _ in row.axes}
    return sorted(name for name in names - {*_LONG_AXES, "template"} if not name.startswith("recipe."))


def _group_words(group: Group) -> tuple[str, ...]:
    return (group.backbone, group.precision, group.classes, _word(group.evaluate_on))


def _row_words(row: Row, result: Result, extras: Sequence[str]) -> list[str]:
    template = result.templates[0] if len(result.templates) == 1 else ""
    recipe = "; ".join(f"{name}={value}" for name, value in row.overrides.items())
    return [template, *(_word(row.axis(name)) for name in (*_LONG_AXES, *extras)), recipe]


def _number_words(shots: Shots, result: Result) -> list[str]:
    accuracy, gain = result.accuracy, result.gain
    fewer = f"taken whole: {', '.join(result.fewer_shots)}" if result.fewer_shots else ""
    return [
        str(shots),
        str(accuracy.n),
        str(accuracy.n_expected),
        _full(accuracy.mean),
        _full(accuracy.sd),
        _full(gain.mean if gain else None),
        _full(gain.sd if gain else None),
        " or ".join(map(str, result.n_test)),
        "; ".join(filter(None, [result.counts, result.why, fewer])),
    ]


def _full(fraction: float | None) -> str:
    """Percent with six decimals at most; empty for nothing."""
    return "" if fraction is None else repr(round(100 * fraction, 6) + 0.0)  # + 0.0 turns -0.0 into 0.0


def _word(value: Scalar) -> str:
    return "" if value is None else str(value)
