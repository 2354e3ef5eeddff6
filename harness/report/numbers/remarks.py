"""What is to be said of single numbers of a table, beside what is missing from them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.matrix.cell import Shots
from harness.report.numbers.entry import Place
from harness.report.numbers.outliers import Apart, said
from harness.report.numbers.results import Results, other_seeds, with_remarks, with_sd_kind
from harness.report.numbers.rows import Row
from harness.report.stats.exact import percent
from harness.report.stats.summary import SdKind


def dressed(results: Results, places: Sequence[Place], odd: Sequence[Apart], sd_kind: SdKind) -> Results:
    """The results on ``places`` with the chosen deviation, and with what is to be said of some of them."""
    return with_sd_kind(with_remarks(results, _remarks(results, places, odd)), sd_kind)


def _remarks(results: Results, places: Sequence[Place], odd: Sequence[Apart]) -> dict[tuple[Row, Shots], str]:
    """By point: seeds that other rows do not have, and seeds that lie apart."""
    found = other_seeds(results)
    datasets = {dataset for dataset, _ in places}
    by_point: dict[tuple[Row, Shots], list[Apart]] = {}
    for each in odd:
        if each.dataset in datasets:
            by_point.setdefault((each.row, each.shots), []).append(each)
    for key, points in by_point.items():
        if len(places) > 1:
            text = f"seeds lie apart on {', '.join(each.dataset for each in points)}"
        else:
            scores = ", ".join(percent(score) for _, score in sorted(points[0].runs))
            text = f"seeds lie apart: {scores} ({said(points[0])})"
        found[key] = "; ".join(filter(None, (found.get(key, ""), text)))
    return found
