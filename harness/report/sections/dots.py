"""Figures with a place a data set, a length or a backbone: one mark a method, moved aside so that all are seen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from harness.report.figures.charts import Chart, Mark, Trace
from harness.report.figures.look import Look
from harness.report.numbers.results import Result
from harness.report.printing.captions import sd_words
from harness.report.stats.summary import SdKind

_APART = 0.35  # room beside an average, in the distance between two places
_DODGE = 0.62  # of the distance between two places: what the traces of one place take


def spread_sentence(kind: SdKind) -> str:
    """What the marks and bars of a figure are."""
    return f"mean over seeds, error bars one {sd_words(kind)}."


def dots(
    label: str, look: Look, places: Sequence[float], results: Sequence[Result | None], turn: int, n_turns: int
) -> Trace:
    """A trace with a mark at each of ``places``, moved aside so that those of ``n_turns`` traces are all seen."""
    aside = _DODGE / max(n_turns, 4) * (turn - (n_turns - 1) / 2)
    marks = (mark(place + aside, result) for place, result in zip(places, results, strict=True))
    return Trace(label, look, tuple(marks), "dots")


def set_apart(words: Sequence[str], averages: Collection[str]) -> tuple[tuple[float, str], ...]:
    """Ticks at equal distances; an average has some room beside it."""
    ticks: list[tuple[float, str]] = []
    place = 0.0
    for before, word in zip(("", *words), words, strict=False):
        place += _APART if before and (word in averages) != (before in averages) else 0.0
        ticks.append((place, word))
        place += 1.0
    return tuple(ticks)


def mark(place: float, result: Result | None) -> Mark:
    """The mean of a result in percent with its sd; at ``place`` without a height where there is none."""
    if result is None:
        return Mark(place, None)
    accuracy = result.accuracy
    mean, sd = (None if fraction is None else 100 * fraction for fraction in (accuracy.mean, accuracy.sd))
    return Mark(place, mean, sd, accuracy.whole)


def gaps(charts: Sequence[Chart]) -> Iterator[str]:
    """A sentence on the marks that are missing, if any are."""
    lost = []
    for chart in charts:
        for trace in chart.traces:
            names = [
                word
                for one in trace.marks
                if one.y is None
                for place, word in chart.ticks or ()
                if abs(one.x - place) < _DODGE / 2
            ]
            if names:
                where = f" ({chart.title})" if chart.title else ""
                lost.append(f"{trace.label} at {', '.join(names)}{where}")
    if lost:
        yield f"Without a mark because cells are missing: {'; '.join(lost)}."
