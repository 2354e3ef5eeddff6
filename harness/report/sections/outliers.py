"""Seeds that lie apart, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.report.numbers.outliers import Apart, said
from harness.report.numbers.rows import Group, Row
from harness.report.printing.captions import group_title
from harness.report.printing.long import full
from harness.report.stats.exact import percent
from harness.report.tables.table import Block, Table, TableCell, TableRow

_HEAD = (
    "backbone",
    "precision",
    "classes",
    "dataset",
    "label",
    "shots",
    "seeds",
    "accuracies",
    "apart",
    "sd",
    "usual_sd",
)


def outliers_table(
    matrix: str, group: Group, stem: str, labels: Mapping[Row, str], found: Sequence[Apart]
) -> Table | None:
    """A line for each point whose seeds disagree; ``None`` where there is none."""
    if not found:
        return None
    rows = []
    lines = [_HEAD]
    for each in found:
        accuracies = ", ".join(f"{percent(score)} (seed {seed})" for seed, score in each.runs)
        name = f"{each.dataset}, {labels[each.row]}, {each.shots} shot{'' if each.shots == 1 else 's'}"
        words = (accuracies, said(each), percent(each.sd), percent(each.usual))
        rows.append(TableRow(name, tuple(map(TableCell, words))))
        seeds, scores = zip(*each.runs, strict=True)
        spelled = (" ".join(map(str, seeds)), " ".join(map(full, scores)), " ".join(map(str, each.apart)))
        lines.append(
            (group.backbone, group.precision, group.classes, each.dataset, labels[each.row], str(each.shots),
             *spelled, full(each.sd), full(each.usual))
        )  # fmt: skip
    columns = ("Accuracies (%)", "Apart", "sd", "Usual sd")
    return Table(
        stem, "Seeds that lie apart", tuple(_caption(matrix, group)), columns, (Block("", tuple(rows)),), (),
        tuple(lines), row_heading="Point", columns_heading="Runs",
    )  # fmt: skip


def _caption(matrix: str, group: Group) -> Iterable[str]:
    yield "Points whose seeds disagree by more than chance allows; a mean over them says little."
    yield f"Matrix {matrix}; backbone {group_title(group)}."
    yield (
        "Usual sd: the median over the other points of the data set, or over those with as many shots, or the "
        "error of the test images, whichever is largest. Were it twice as large, fewer than one point in a "
        "hundred would still be listed."
    )
