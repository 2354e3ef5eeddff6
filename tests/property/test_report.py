"""Properties of reports: the order in which entries come, and what a table may never hide."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from support.published_records import record_with

from harness.matrix.cell import Cell
from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.numbers.results import harmonic_results, place_results
from harness.report.numbers.rows import row_entries
from harness.report.report import Report
from harness.report.stats.summary import average_over_datasets, summarise
from harness.report.tables.csv import to_csv
from harness.report.tables.latex import to_latex
from harness.report.tables.markdown import to_markdown

POINTS = [("zero_shot", 0, None)] + [
    (method, shots, seed) for method in ("linear_probe", "mine") for shots in (1, 2, "all") for seed in (1, 2, 3)
]
CELLS = [
    Cell(dataset=dataset, backbone="B", method=method, shots=shots, seed=seed, evaluate_on=place, classes="base")
    for dataset in ("a", "b")
    for method, shots, seed in POINTS
    for place in ((None, "c", "new") if shots in (0, 1) else (None,))
]
SCORES = npst.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(0, 1) | st.just(math.nan)
)


def _entry(cell: Cell, n_correct: int | None) -> Entry:
    if n_correct is None:
        return Entry(cell, None, "missing")
    return Entry(cell, record_with(cell, n_correct, n_test=97))


def _texts(report: Report) -> list[str]:
    return [write(table) for table in report.all_tables for write in (to_markdown, to_csv, to_latex)]


counts = st.lists(st.none() | st.integers(0, 97), min_size=len(CELLS), max_size=len(CELLS))


@given(counts, st.permutations(range(len(CELLS))))
def test_report_is_independent_of_order(right: list[int | None], order: list[int]) -> None:
    """Shuffled entries give the same bytes while data sets and rows first appear in the same order."""
    entries = [_entry(cell, n) for cell, n in zip(CELLS, right, strict=True)]
    heads = [i for i, cell in enumerate(CELLS) if cell.shots in (0, 1) and cell.seed in (None, 1)]
    shuffled = [entries[i] for i in (*heads, *(i for i in order if i not in heads))]
    first, second = build_report("m", entries), build_report("m", shuffled)
    assert _texts(first) == _texts(second)
    assert first.all_figures == second.all_figures


@given(counts, st.permutations(range(len(CELLS))))
def test_numbers_are_independent_of_any_order(right: list[int | None], order: list[int]) -> None:
    """Whatever the order of entries, the long forms hold the same lines, each data set in its own file."""
    entries = [_entry(cell, n) for cell, n in zip(CELLS, right, strict=True)]

    def lines(some: list[Entry]) -> dict[str, list[tuple[str, ...]]]:
        tables = build_report("m", some).groups[0].all_tables
        return {table.stem: sorted(line[:-1] for line in table.long) for table in tables}

    assert lines(entries) == lines([entries[i] for i in order])


@given(counts)
def test_exact_means_are_the_means(right: list[int | None]) -> None:
    """The ratio that contests are decided by is the mean that is printed, and is there exactly when that is."""
    rows = row_entries([_entry(cell, n) for cell, n in zip(CELLS, right, strict=True)])
    places = [(name, "base") for name in ("a", "b")]
    of_a = {row: [entry for entry in members if entry.cell.dataset == "a"] for row, members in rows.items()}
    found = [place_results(rows, places[:1]), place_results(rows, places), place_results(of_a, [("c", "all")])]
    found += [harmonic_results(rows, names, of_means=of_means) for names in (["a"], ["a", "b"])
              for of_means in (False, True)]  # fmt: skip
    for results in found:
        for result in results.values():
            assert (result.accuracy.exact is None) == (result.accuracy.mean is None)
            if result.accuracy.exact is not None:
                assert math.isclose(float(result.accuracy.exact), result.accuracy.mean, abs_tol=1e-12)


@given(SCORES)
def test_average_never_hides_a_hole(scores: np.ndarray) -> None:
    """There is an average exactly when nothing is missing, and then it is the mean of all numbers."""
    summary = average_over_datasets(scores)
    assert (summary.mean is None) == bool(np.isnan(scores).any())
    if summary.mean is not None:
        assert math.isclose(summary.mean, float(scores.mean()), abs_tol=1e-12)
        assert summary.whole


@given(SCORES)
def test_summary_counts_holes(scores: np.ndarray) -> None:
    """What is there and what should be there are both counted, and the mean lies between the extremes."""
    summary = summarise(scores[:, 0])
    there = scores[:, 0][~np.isnan(scores[:, 0])]
    assert (summary.n, summary.n_expected) == (len(there), len(scores))
    if len(there):
        assert summary.mean is not None
        assert there.min() - 1e-12 <= summary.mean <= there.max() + 1e-12
