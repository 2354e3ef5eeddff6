"""How a number is printed, which numbers of a column are bold, and the footnotes that they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from harness.report.exact import percent, signed
from harness.report.results import ByRow, Column, Result
from harness.report.rows import Row
from harness.report.stats import Summary
from harness.report.table import DAGGER, DASH, Note, TableCell

BOLD_SENTENCE = "Bold: highest printed mean of a column among cells with nothing missing."

_MOST_NAMES = 6  # names in a footnote before it says "and 12 more"


def best(columns: Sequence[Column], results: ByRow[Column]) -> set[tuple[Row, Column]]:
    """The points to print bold: the highest printed mean of a column, with ties, if there is a contest."""
    found = set()
    for column in columns:
        means = {
            key: float(_percent(_mean(result.accuracy)))
            for key, result in results.items()
            if key[1] == column and result.accuracy.whole and result.accuracy.mean is not None
        }
        if len(means) > 1:
            top = max(means.values())
            found |= {key for key, mean in means.items() if mean == top}
    return found


def accuracy_cell(result: Result | None, notes: Notes, *, is_best: bool, says_n: bool) -> TableCell:
    """The accuracy of one point; ``says_n`` puts the number of seeds beside it."""
    if result is None:
        return TableCell()
    marks = (*((DAGGER,) if result.fewer_shots else ()), *notes.mark(result.why), *notes.mark(result.remark))
    return TableCell(_text(result.accuracy, result.counts, says_n and result.seeded), is_best, marks)


def gain_cell(result: Result | None, notes: Notes) -> TableCell:
    """The gain over zero-shot of one point."""
    if result is None or result.gain is None:
        return TableCell()
    return TableCell(_text(result.gain, result.counts, False, sign="+"), marks=notes.mark(result.why))


def has_gain(result: Result | None) -> bool:
    """Whether there is a gain to print."""
    return result is not None and result.gain is not None and result.gain.mean is not None


@dataclass(slots=True)
class Notes:
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


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _percent(fraction: Fraction | float, sign: str = "") -> str:
    """One decimal, halves away from zero as by hand; a gain that rounds to zero has no sign."""
    return signed(fraction) if sign else str(percent(fraction))


def _mean(summary: Summary) -> Fraction | float:
    """The mean as counted, or as close as a float comes to it."""
    return summary.exact if summary.exact is not None else summary.mean or 0.0


def _text(summary: Summary, counts: str, says_n: bool, sign: str = "") -> str:
    """``71.2 ± 0.8 (2 of 3)``: what is there, and how much of what should be there."""
    if summary.mean is None:
        # A bare dash where nothing is there at all; of an average, how far it is from complete.
        return f"{DASH} ({counts})" if counts else DASH
    text = _percent(_mean(summary), sign)
    if summary.sd is not None:
        text += f" ± {_percent(summary.sd)}"
    if counts:
        return f"{text} ({counts})"
    return f"{text} (n={summary.n})" if says_n else text
