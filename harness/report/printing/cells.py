"""How a number is printed in a cell of a table, and the footnotes that it leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from harness.matrix.cell import Shots
from harness.report.numbers.results import Result
from harness.report.stats.exact import percent, signed
from harness.report.stats.summary import Summary
from harness.report.tables.table import DAGGER, DASH, Note, TableCell, Value

BEST, SECOND = 1, 2  # ranks of a number in the contest of its column
_MOST_NAMES = 6  # names in a footnote before it says "and 12 more"


@dataclass(frozen=True, slots=True)
class Style:
    """How much of a number a cell shows; what it leaves out stands in a footnote or in another table."""

    decimals: int
    has_sd: bool
    says_counts: bool


SPREAD = Style(decimals=1, has_sd=True, says_counts=True)
MEANS = Style(decimals=2, has_sd=False, says_counts=False)  # for many columns; two decimals, as the paper prints


def accuracy_cell(
    result: Result | None, notes: Notes, *, rank: int | None, says_n: bool, style: Style = SPREAD
) -> TableCell:
    """The accuracy of one point with its place in the contest; ``says_n`` puts the number of seeds beside it."""
    if result is None:
        return TableCell()
    marks = (*((DAGGER,) if result.fewer_shots else ()), *notes.mark(result.why), *notes.mark(result.remark))
    text = _text(result.accuracy, result.counts, says_n and result.seeded, style)
    return TableCell(text, rank == BEST, marks, rank == SECOND, _value(result.accuracy))


def gain_cell(result: Result | None, notes: Notes) -> TableCell:
    """The gain over zero-shot of one point."""
    if result is None or result.gain is None:
        return TableCell()
    text = _text(result.gain, result.counts, False, SPREAD, signed)
    return TableCell(text, marks=notes.mark(result.why), value=_value(result.gain))


def _value(summary: Summary) -> Value:
    mean, sd = (None if fraction is None else 100 * fraction for fraction in (summary.mean, summary.sd))
    return Value(mean, sd, summary.n, summary.n_expected)


def has_gain(result: Result | None) -> bool:
    """Whether there is a gain to print."""
    return result is not None and result.gain is not None and result.gain.mean is not None


@dataclass(slots=True)
class Notes:
    """The lettered footnotes of one table while its cells are printed."""

    made: list[Note] = field(default_factory=list)
    _marks: dict[str, str] = field(default_factory=dict)

    def mark(self, text: str) -> tuple[str, ...]:
        """The mark of the footnote that says ``text``; the same text has one footnote."""
        if not text:
            return ()
        if text not in self._marks:
            self._marks[text] = _letter(len(self.made))
            self.made.append(Note(self._marks[text], text))
        return (self._marks[text],)


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


def shots_words(count: Shots) -> str:
    """A shot count in a sentence: ``16 shots per class``."""
    return brief_shots(count) + ("" if count == "all" else " per class")


def brief_shots(count: Shots) -> str:
    """A shot count where it is plain what shots are: ``16 shots``."""
    return "all training images" if count == "all" else f"{count} shot{'' if count == 1 else 's'}"


def _text(
    summary: Summary,
    counts: str,
    says_n: bool,
    style: Style,
    spelled: Callable[[Fraction | float, int], str] = percent,
) -> str:
    """``71.2 ± 0.8 (2 of 3)``: what is there, and how much of what should be there."""
    if summary.mean is None:
        # A bare dash where nothing is there at all; of an average, how far it is from complete.
        return f"{DASH} ({counts})" if counts and style.says_counts else DASH
    text = spelled(summary.mean if summary.exact is None else summary.exact, style.decimals)
    if summary.sd is not None and style.has_sd:
        text += f" ± {percent(summary.sd, style.decimals)}"
    if counts and style.says_counts:
        return f"{text} ({counts})"
    return f"{text} (n={summary.n})" if says_n else text
