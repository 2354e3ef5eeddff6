"""Seeds that lie apart, as a table."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.numbers.outliers import said
from harness.report.printing.captions import group_title
from harness.report.printing.cells import brief_shots
from harness.report.printing.long import GROUP_HEAD, full, group_words
from harness.report.sections.scope import Scope
from harness.report.stats.exact import percent
from harness.report.tables.table import Block, Table, TableCell, TableRow

_HEAD = (
    *GROUP_HEAD,
    "dataset",
    "label",
    "shots",
    "seeds",
    "accuracies",
    "apart",
    "sd",
    "usual_sd",
)


def outliers_table(scope: Scope, stem: str) -> Table | None:
    """A line for each point whose seeds disagree; ``None`` where there is none."""
    if not scope.odd:
        return None
    group, labels = scope.group, scope.labels
    rows = []
    lines = [_HEAD]
    for each in scope.odd:
        accuracies = ", ".join(f"{percent(score)} (seed {seed})" for seed, score in each.runs)
        name = f"{each.dataset}, {labels[each.row]}, {brief_shots(each.shots)}"
        words = (accuracies, said(each), percent(each.sd), percent(each.usual))
        rows.append(TableRow(name, tuple(map(TableCell, words))))
        seeds, scores = zip(*each.runs, strict=True)
        spelled = (" ".join(map(str, seeds)), " ".join(map(full, scores)), " ".join(map(str, each.apart)))
        lines.append(
            (*group_words(group), each.dataset, labels[each.row], str(each.shots),
             *spelled, full(each.sd), full(each.usual))
        )  # fmt: skip
    columns = ("Accuracies (%)", "Apart", "sd", "Usual sd")
    return Table(
        stem, "Seeds that lie apart", tuple(_caption(scope)), columns, (Block("", tuple(rows)),), (),
        tuple(lines), row_heading="Point", columns_heading="Runs",
    )  # fmt: skip


def _caption(scope: Scope) -> Iterable[str]:
    yield "Points whose seeds disagree by more than chance allows; a mean over them says little."
    yield f"Matrix {scope.matrix}; backbone {group_title(scope.group)}."
    yield (
        "Usual sd: the median over the other points of the data set, or over those with as many shots, or the "
        "error of the test images, whichever is largest. Were it twice as large, fewer than one point in a "
        "hundred would still be listed."
    )
