"""Paired differences as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from harness.report.numbers.paired import Column, Difference, Pair, Pairs, pairs
from harness.report.numbers.rows import RowEntries
from harness.report.numbers.runs import Runs
from harness.report.printing.captions import group_title
from harness.report.printing.long import GROUP_HEAD, full, group_words
from harness.report.sections.scope import Scope
from harness.report.stats.exact import signed
from harness.report.stats.significance import ALPHA, needed_units, smallest_p
from harness.report.tables.table import Block, Note, Table, TableCell, TableRow

DIFFERENCE_HEADING = "Difference in percentage points [95 % interval]"
P_HEADING = "p, corrected"
DETECTABLE_HEADING = "Difference that would be found four times in five"

_Drawn = Mapping[tuple[object, ...], str]  # from row, data set, shots and seed to the training images' digest

_HEAD = (*GROUP_HEAD, "one", "other", "shots", "unit", "n", "n_lacking")
_TAIL = ("difference", "low", "high", "p", "p_corrected", "tests", "detectable", "same_images")


def paired_table(scope: Scope, stem: str, runs: Runs) -> Table | None:
    """Every pair of rows at every shot count and over all of them; ``None`` where there is nothing to compare.

    ``runs`` are the accuracies on the own test images.
    """
    labels, drawn = scope.labels, _drawn(scope.own)
    compared = pairs(list(labels), runs)
    found = compared.found
    if not any(each.interval for each in found.values()):
        return None
    printed = [pair for pair in compared.tested if any((pair, column) in found for column in compared.columns)]
    names = {pair: f"{labels[pair[0]]} − {labels[pair[1]]}" for pair in printed}
    others = {pair for pair in printed if not _same_images(pair, runs, drawn)}
    says_n = len({each.n for each in found.values()}) > 1

    def block(heading: str, cell: Callable[[Difference], TableCell]) -> Block:
        rows = []
        for pair in printed:
            here = [found.get((pair, column)) for column in compared.columns]
            rows.append(TableRow(names[pair], tuple(TableCell() if each is None else cell(each) for each in here)))
        return Block(heading, tuple(rows))

    blocks = [block(DIFFERENCE_HEADING, lambda each: _difference_cell(each, says_n))]
    if compared.can_tell:
        blocks.append(block(P_HEADING, _p_cell))
    blocks.append(block(DETECTABLE_HEADING, _detectable_cell))
    lines = (
        _line(scope, pair, column, compared, pair not in others)
        for column in compared.columns
        for pair in printed
        if (pair, column) in found
    )
    return Table(
        stem,
        "Paired differences",
        tuple(_caption(scope, runs, compared)),
        tuple(map(str, compared.columns)),
        tuple(blocks),
        tuple(Note("", f"{names[pair]}: not on the same training images.") for pair in printed if pair in others),
        ((*_HEAD, *_TAIL), *lines),
        row_heading="Pair",
    )


def _same_images(pair: Pair, runs: Runs, drawn: _Drawn) -> bool:
    """Whether both rows learned from the same images wherever both say from which."""
    for dataset, _ in runs.places:
        for shots in runs.shots:
            for seed in runs.seeds:
                digests = {drawn.get((row, dataset, shots, seed)) for row in pair} - {None}
                if len(digests) > 1:
                    return False
    return True


def _drawn(rows: RowEntries) -> _Drawn:
    """From row, data set, shots and seed to the digest of the training images, where the record says it."""
    found: dict[tuple[object, ...], str] = {}
    for row, members in rows.items():
        for entry in members:
            made_from = None if entry.record is None or entry.hole else entry.record.provenance
            if made_from is not None and made_from.subset_digest is not None:
                found[row, entry.cell.dataset, entry.cell.shots, entry.cell.seed] = made_from.subset_digest
    return found


def _caption(scope: Scope, runs: Runs, compared: Pairs) -> Iterable[str]:
    ns = {each.n for each in compared.found.values()}
    n, n_pairs, unit = max(ns), len(compared.tested), compared.unit
    size = f"n = {n}" if len(ns) == 1 else "n beside each difference"
    if unit == "data set":
        over = f"the data sets are the units ({size}), each with the mean over its seeds"
        holds = "what is said holds for data sets like these."
    else:
        over = f"the runs are the units ({size}): seeds, within each data set"
        holds = "what is said holds for these data sets."
    yield f"Differences between methods with the same seed on the same data set; {over}; {holds}"
    yield f"Matrix {scope.matrix}; backbone {group_title(scope.group)}."
    kind = "Student's t" if unit == "data set" or len(runs.places) == 1 else "t over seeds, stratified by data set"
    yield f"Intervals: {kind}."
    if compared.can_tell:
        yield f"p: sign-flip test, two-sided{_sampling(n)}; corrected by Holm for the {n_pairs} pairs of a column."
    else:
        least = smallest_p(n)
        yield (
            f"No p is given: {n} unit{'s' if n != 1 else ''} cannot have a two-sided sign-flip p below "
            f"{least:.2g}, or {min(1.0, n_pairs * least):.2g} for {n_pairs} pair{'s' if n_pairs > 1 else ''}; "
            f"{needed_units(n_pairs)} could reach {ALPHA}."
        )
    yield "The last block: the true difference that a t test at 0.05 finds with probability 0.8 in so many units."


def _sampling(n: int) -> str:
    return ", exact" if smallest_p(n) == 2.0 ** (1 - n) else ", 19,999 sign patterns drawn"


def _difference_cell(each: Difference, says_n: bool) -> TableCell:
    text = signed(each.mean)
    if each.interval is not None:
        text += f" [{signed(each.interval.low)}, {signed(each.interval.high)}]"
    return TableCell(f"{text} (n={each.n})" if says_n else text)


def _p_cell(each: Difference) -> TableCell:
    if each.p_corrected is None:
        return TableCell()
    return TableCell(spelled_p(each.p_corrected), bold=each.p_corrected <= ALPHA)


def spelled_p(p: float) -> str:
    """Three decimals, never zero."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _detectable_cell(each: Difference) -> TableCell:
    return TableCell() if each.detectable is None else TableCell(signed(each.detectable).lstrip("+"))


def _line(scope: Scope, pair: Pair, column: Column, compared: Pairs, same_images: bool) -> tuple[str, ...]:
    each = compared.found[pair, column]
    low, high = (each.interval.low, each.interval.high) if each.interval else (None, None)
    return (
        *group_words(scope.group),
        *(scope.labels[row] for row in pair),
        str(column),
        compared.unit,
        str(each.n),
        str(each.n_lacking),
        full(each.mean),
        full(low),
        full(high),
        "" if each.p is None else f"{each.p:.6g}",
        "" if each.p_corrected is None else f"{each.p_corrected:.6g}",
        str(len(compared.tested)),
        full(each.detectable),
        "yes" if same_images else "no",
    )
