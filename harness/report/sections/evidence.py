"""What is said beside the numbers of one group: how sure they are, and which of them to look at twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.report.numbers.runs import runs_of
from harness.report.printing.cells import brief_shots
from harness.report.published.tables import against_tables
from harness.report.published.tally import Tally
from harness.report.sections.intervals import intervals_table
from harness.report.sections.outliers import outliers_table
from harness.report.sections.paired import paired_table
from harness.report.sections.scope import Scope
from harness.report.stats.significance import IntervalKind
from harness.report.stats.summary import SdKind
from harness.report.tables.table import Note, Table

INTERVALS, PAIRED, APART = "intervals", "paired", "apart"


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen of a report's statistics.

    Attributes:
        sd_kind: whose standard deviation is printed.
        interval: how the 95 % intervals are made.
        against: sets of published figures to compare with.
    """

    sd_kind: SdKind = "sample"
    interval: IntervalKind = "t"
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """The tables that stand beside the accuracies of a group.

    Attributes:
        evidence: methods against each other, and intervals.
        apart: seeds that lie apart from the others.
        against: published figures beside ours, a table a set.
        tallies: what those say, counted.
    """

    evidence: tuple[Table, ...] = ()
    apart: tuple[Table, ...] = ()
    against: tuple[Table, ...] = ()
    tallies: tuple[Tally, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of them in the order in which they are read."""
        return (*self.evidence, *self.apart, *self.against)

    @property
    def met(self) -> tuple[Table, ...]:
        """The comparisons with sets that have a figure for any of the numbers."""
        pairs = zip(self.against, self.tallies, strict=True)
        return tuple(table for table, tally in pairs if tally.comparable)

    def with_stems(self, take: Callable[[str], str]) -> Beside:
        """The same with file stems that ``take`` gives out."""

        def named(tables: Sequence[Table]) -> tuple[Table, ...]:
            return tuple(replace(one, stem=take(one.stem)) for one in tables)

        return Beside(named(self.evidence), named(self.apart), named(self.against), self.tallies)


def beside(scope: Scope, prefix: str, choices: Choices) -> Beside:
    """What stands beside the numbers of a group; ``prefix`` is what file stems begin with."""
    places = list(dict.fromkeys(entry.cell.target() for members in scope.own.values() for entry in members))
    runs = runs_of(scope.own, places)
    found = (
        paired_table(scope, prefix + PAIRED, runs),
        intervals_table(scope, prefix + INTERVALS, runs, choices.interval),
    )
    notes = _odd_notes(scope)
    evidence = (replace(table, notes=(*table.notes, *notes)) for table in found if table is not None)
    torn = outliers_table(scope, prefix + APART)
    against, tallies = against_tables(
        scope.matrix, scope.group, prefix, scope.rows, scope.labels, choices.against, scope.odd
    )
    return Beside(tuple(evidence), () if torn is None else (torn,), tuple(against), tallies)


def _odd_notes(scope: Scope) -> list[Note]:
    """What the tables of evidence include although it says little."""
    where: dict[str, list[str]] = {}
    for each in scope.odd:
        point = f"{scope.labels[each.row]}, {brief_shots(each.shots)}"
        where.setdefault(point, []).append(each.dataset)
    return [Note("", f"{point}: seeds lie apart on {', '.join(names)}.") for point, names in where.items()]
