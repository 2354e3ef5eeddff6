"""A report as a value: every table and figure of a matrix, in the order in which it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.report.figures.charts import Figure
from harness.report.published.tally import Tally, added
from harness.report.sections.evidence import Beside
from harness.report.stats.summary import SdKind
from harness.report.tables.table import Table


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The tables and figures of one backbone: the average first, then the data sets as the matrix has them.

    Attributes:
        title: what the cells of the group share.
        tables: of the own test images, by shots.
        figures: everything that is drawn of the group, the few-shot curves first.
        studies: tables with a column a data set: all shot counts, templates, lengths and initial contexts.
        elsewhere: tables of other data sets, then of other halves of the classes.
        beside: tables of evidence, and of published figures.
        words: tables of the nearest words of learned contexts.
        classes: tables of the gains of single classes.
        remarks: what is left out, and why.
    """

    title: str
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    studies: tuple[Table, ...] = ()
    elsewhere: tuple[Table, ...] = ()
    beside: Beside = field(default_factory=Beside)
    words: tuple[Table, ...] = ()
    classes: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table in the order in which it is read."""
        return (*self.studies, *self.tables, *self.elsewhere, *self.beside.tables, *self.words, *self.classes)


@dataclass(frozen=True, slots=True)
class Across:
    """Tables and figures between backbones."""

    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is printed of one matrix."""

    name: str
    groups: tuple[GroupReport, ...]
    across: Across = Across()
    sd_kind: SdKind = "sample"

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table in the order in which it is read."""
        return (*self.across.tables, *(one for group in self.groups for one in group.all_tables))

    @property
    def all_figures(self) -> tuple[Figure, ...]:
        """Every figure in the order in which it is looked at."""
        return (*self.across.figures, *(one for group in self.groups for one in group.figures))

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """How the numbers of all groups compare with each set of published figures."""
        return added([each for group in self.groups for each in group.beside.tallies])
