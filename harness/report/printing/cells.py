"""How a number is printed, which numbers of a column are bold, and the footnotes that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Generic

from harness.matrix.cell import Shots
from harness.report.numbers.results import ByRow, Column, Result
from harness.report.numbers.rows import Row
from harness.report.stats.exact import percent, signed
from harness.report.stats.summary import Summary
from harness.report.tables.table import DAGGER, DASH, Note, TableCell, Value

BEST, SECOND = 1, 2
_CONTEST = "among cells with nothing missing, on the same seeds and test images; compared by exact counts"
BOLD_SENTENCE = f"Bold: highest mean of a column {_CONTEST}."
MARKS_SENTENCE = f"Bold: highest mean of a column, underlined: the second, {_CONTEST}."

_LEAST_FOR_SECOND = 3  # of two, the second is the last
_MOST_NAMES = 6  # names in a footnote before it says "and 12 more"


@dataclass(frozen=True, slots=True)
class Style:
    """How much of a number a cell shows; what it leaves out stands in a footnote or in another table."""

    decimals: int
    has_sd: bool
    says_counts: bool


SPREAD = Style(decimals=1, has_sd=True, says_counts=True)
MEANS = Style(decimals=2, has_sd=False, says_counts=False)  # for many columns; two decimals, as the paper prints


@dataclass(frozen=True, slots=True)
class Contest(Generic[Column]):
    """Who is best: from points to ``BEST`` or ``SECOND``, and the points of each column that were compared."""

    ranks: Mapping[tuple[Row, Column], int]
    rivals: Mapping[Column, Sequence[tuple[Row, Column]]]


def marks_sentences(contests: Iterable[Contest[Column]]) -> tuple[str, ...]:
    """What bold and underlined mean, where either is there."""
    ranks = {rank for one in contests for rank in one.ranks.values()}
    if SECOND in ranks:
        return (MARKS_SENTENCE,)
    return (BOLD_SENTENCE,) if ranks else ()


def contest(columns: Iterable[Column], results: ByRow[Column]) -> Contest[Column]:
    """The points that are ``BEST`` or ``SECOND`` of their column, all that tie included, if there is a contest.

    Points compete where nothing is missing and all is alike: the number of test images, and the seeds, of which
    those that most points have count; what draws nothing competes with every seed. Means are compared as ratios of
    whole numbers. The second is named where three or more compete.
    """
    by_column: dict[Column, list[tuple[Row, Column]]] = {column: [] for column in columns}
    for point, result in results.items():
        if point[1] in by_column and result.accuracy.whole and result.accuracy.exact is not None:
            by_column[point[1]].append(point)
    ranks: dict[tuple[Row, Column], int] = {}
    rivals = {column: _alike(points, results) for column, points in by_column.items()}
    for points in rivals.values():
        if len(points) == 1:
            continue
        exact = {point: _exact(results[point]) for point in points}
        best = max(exact.values(), default=None)
        second = max((mean for mean in exact.values() if mean != best), default=None)
        for point, mean in exact.items():
            if mean == best:
                ranks[point] = BEST
            elif mean == second and len(points) >= _LEAST_FOR_SECOND:
                ranks[point] = SECOND
    return Contest(ranks, rivals)


def told_apart(
    found: Contest[Column], results: ByRow[Column], labels: Mapping[Row, str], style: Style = SPREAD
) -> list[Note]:
    """Why numbers that are printed alike are not marked alike, with as many decimals as tell them apart."""
    parts = []
    for column, points in found.rivals.items():
        alike: dict[str, list[tuple[Row, Column]]] = {}
        for point in points:
            alike.setdefault(percent(_exact(results[point]), style.decimals), []).append(point)
        for same in alike.values():
            if len({found.ranks.get(point) for point in same}) > 1:
                exact = sorted(same, key=lambda point: _exact(results[point]), reverse=True)
                words = (f"{labels[point[0]]} {_telling(results[point], exact, results)}" for point in exact)
                parts.append(f"{column}: {', '.join(words)}")
    return [Note("", f"Printed alike, told apart by exact counts: {'; '.join(parts)}.")] if parts else []


def _telling(result: Result, among: Sequence[tuple[Row, Column]], results: ByRow[Column]) -> str:
    """The mean of ``result`` with as many decimals, nine at most, as tell apart the means of all points."""
    means = {_exact(results[point]) for point in among}
    for decimals in range(2, 9):
        if len({percent(mean, decimals) for mean in means}) == len(means):
            return percent(_exact(result), decimals)
    return percent(_exact(result), 9)


def _exact(result: Result) -> Fraction:
    return result.accuracy.exact if result.accuracy.exact is not None else Fraction(-1)


def _alike(points: Sequence[tuple[Row, Column]], results: ByRow[Column]) -> list[tuple[Row, Column]]:
    """The largest set of points that may be compared; of equally large ones that with more seeds, or images."""
    kinds: dict[tuple[int, ...], dict[tuple[int | None, ...], list[tuple[Row, Column]]]] = {}
    for point in points:
        result = results[point]
        kinds.setdefault(result.n_test, {}).setdefault(result.seeds if result.seeded else (), []).append(point)
    best: list[tuple[Row, Column]] = []
    for n_test in sorted(kinds, reverse=True):
        by_seeds = kinds[n_test]
        unseeded = by_seeds.pop((), [])
        seeded = max(
            by_seeds.items(), key=lambda kind: (len(kind[1]), len(kind[0]), repr(kind[0])), default=((), [])
        )
        rivals = [*unseeded, *seeded[1]]
        if len(rivals) > len(best):
            best = rivals
    return best


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
