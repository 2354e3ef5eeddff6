"""Comparisons with published figures as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from harness.matrix.protocol import LPCLIP
from harness.report.numbers.outliers import Apart
from harness.report.numbers.rows import Group, Row, RowEntries
from harness.report.printing.captions import group_title
from harness.report.printing.cells import Notes, brief_shots
from harness.report.printing.long import full
from harness.report.published.ours import learns, our_numbers
from harness.report.published.read import Published, published
from harness.report.published.sets import SETS
from harness.report.published.tally import Tally, tally
from harness.report.published.verdict import Comparison, compare, image_error
from harness.report.stats.exact import percent, signed
from harness.report.tables.table import DASH, Block, Table, TableCell, TableRow

_DECIMALS = 2  # as papers print
_MOST_OTHERS = 4
_COLUMNS = ("Published", "Ours", "Difference", "Noise (±)", "Verdict")
_HEAD = (
    "set", "backbone", "precision", "classes", "evaluate_on", "dataset", "method", "label", "shots", "metric",
    "published", "published_sd", "published_n", "ours", "sd", "n", "difference", "noise", "noise_seeds",
    "noise_images", "noise_rounding", "noise_from", "test_set_error", "verdict", "reason", "source",
    "confidence", "where", "also",
)  # fmt: skip


def against_tables(
    matrix: str,
    group: Group,
    prefix: str,
    rows: RowEntries,
    labels: Mapping[Row, str],
    sets: Sequence[str],
    odd: Sequence[Apart] = (),
) -> tuple[list[Table], tuple[Tally, ...]]:
    """A table and a tally for each set of published figures that a group is held against."""
    if not sets:
        return [], ()
    numbers = list(our_numbers(group, rows, labels))
    figures = published()
    tables, tallies = [], []
    for name in sets:
        comparisons = compare(numbers, figures, name, odd)
        tables.append(against_table(matrix, group, f"{prefix}against-{name}", name, comparisons))
        tallies.append(tally(name, comparisons))
    return tables, tuple(tallies)


def against_table(matrix: str, group: Group, stem: str, name: str, comparisons: Sequence[Comparison]) -> Table:
    """Each number of ours beside the figure of one set; a block a place."""
    notes = Notes()
    blocks: dict[str, list[TableRow]] = {}
    for each in comparisons:
        blocks.setdefault(each.ours.where, []).append(_row(each, notes))
    counted = tally(name, comparisons)
    return Table(
        stem,
        f"Against {name}",
        tuple(_caption(matrix, group, name, counted, comparisons)),
        _COLUMNS,
        tuple(Block(where, tuple(rows)) for where, rows in blocks.items()),
        tuple(notes.made),
        (_HEAD, *(_line(name, each) for each in comparisons)),
        row_heading="Method, shots",
        columns_heading="Published and ours",
    )


def _row(each: Comparison, notes: Notes) -> TableRow:
    ours, figure = each.ours, each.figure
    shots = f", {brief_shots(ours.shots)}" if learns(ours) and ours.shots else ""
    exact = ours.accuracy.exact
    comparable = each.verdict != "not comparable"
    also = notes.mark(_others(each.also)) if each.also else ()
    verdict = each.verdict if comparable else f"not comparable: {each.reason}"
    n = f" (n={ours.accuracy.n})" if ours.accuracy.sd is not None else ""
    return TableRow(
        f"{ours.label}{shots}",
        (
            TableCell(DASH if figure is None else str(figure.value), marks=also),
            TableCell(DASH if exact is None else f"{percent(exact, _DECIMALS)}{n}"),
            TableCell(DASH if each.difference is None or not comparable else signed(each.difference, _DECIMALS)),
            TableCell(DASH if each.noise is None else percent(each.noise.half, _DECIMALS)),
            TableCell(verdict, bold=each.verdict in ("higher", "lower")),
        ),
    )


def _others(figures: Sequence[Published]) -> str:
    """The other figures for the same thing."""
    said = [f"{each.value} ({each.source}{f': {each.obstacle}' if each.obstacle else ''})" for each in figures]
    more = f" and {len(said) - _MOST_OTHERS} more" if len(said) > _MOST_OTHERS else ""
    return f"also published: {'; '.join(said[:_MOST_OTHERS])}{more}"


def _caption(
    matrix: str, group: Group, name: str, counted: Tally, comparisons: Sequence[Comparison]
) -> Iterable[str]:
    yield f"{SETS[name]}. Accuracy in percent, beside ours."
    yield f"Matrix {matrix}; backbone {group_title(group)}."
    yield f"{counted}."
    figures = [each.figure for each in comparisons if each.figure is not None and each.verdict != "not comparable"]
    if not figures:
        return
    probes = [each.ours for each in comparisons if each.figure is not None and each.figure.protocol == LPCLIP.name]
    if any(ours.row.axis("protocol") != LPCLIP.name for ours in probes):
        yield f"The authors drew the linear probe's images by another rule, which is protocol {LPCLIP.name}."
    confidences = Counter(figure.confidence for figure in figures)
    words = {"read-directly": "read where first published", "secondary-source": "read where quoted"}
    yield f"Figures: {', '.join(f'{count} {words[kind]}' for kind, count in confidences.most_common())}."
    yield (
        "Noise: 95 % of the difference of two means by t over seeds, our spread standing for theirs where none "
        "was published; 1 in 100 test images tipping either way; and half a unit of the last printed digit."
    )
    yield (
        "The test images are the same, so that their own error is no part of it. Protocols coop and coop_ijcv2022 "
        "count as one: they differ in the prompts of a few class names and initial words only."
    )


def _line(name: str, each: Comparison) -> tuple[str, ...]:
    ours, figure, noise = each.ours, each.figure, each.noise
    accuracy = ours.accuracy
    parts = ("", "", "", "", "") if noise is None else (
        full(noise.half), full(noise.seeds), full(noise.images), full(noise.rounding), noise.said,
    )  # fmt: skip
    theirs = ("", "", "") if figure is None else (
        str(figure.value), "" if figure.sd is None else str(figure.sd), str(figure.n_seeds or ""),
    )  # fmt: skip
    source = ("", "", "") if figure is None else (figure.source, figure.confidence, figure.where)
    also = "; ".join(f"{other.value} ({other.source})" for other in each.also)
    return (
        name, ours.group.backbone, ours.group.precision, ours.group.classes, ours.evaluate_on, ours.dataset,
        ours.row.method, ours.label, str(ours.shots), ours.metric, *theirs, full(accuracy.mean), full(accuracy.sd),
        str(accuracy.n), full(_float(each.difference)), *parts, full(image_error(ours)), each.verdict, each.reason,
        *source, also,
    )  # fmt: skip


def _float(fraction: Fraction | None) -> float | None:
    return None if fraction is None else float(fraction)
