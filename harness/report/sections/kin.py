"""Groups that differ in the backbone alone, and what tables and figures between them have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.report.numbers.rows import Row
from harness.report.printing.grid import Grid
from harness.report.printing.long import Lines
from harness.report.sections.scope import Scope
from harness.report.tables.table import Table


@dataclass(frozen=True, slots=True)
class Kin:
    """Groups that differ in the backbone alone, two at least.

    Attributes:
        name: what else they share, as part of a file name; empty where all groups of the report do.
        shared: the same in a caption.
        scopes: by backbone, in order of first appearance.
    """

    name: str
    shared: str
    scopes: Mapping[str, Scope]

    @property
    def matrix(self) -> str:
        """Its name, which all have."""
        return next(iter(self.scopes.values())).matrix

    @property
    def where(self) -> str:
        """The backbones and what they share, in a caption."""
        return f"{' or '.join(self.scopes)}, {self.shared}"

    def rows(self, wanted: Collection[Row]) -> list[Row]:
        """Those of ``wanted``, in the order in which the groups have them."""
        return [row for row in rows_of(list(self.scopes.values())) if row in wanted]


def kins(scopes: Sequence[Scope]) -> list[Kin]:
    """The sets of groups that can be compared between backbones."""
    found: dict[tuple[str, str], dict[str, Scope]] = {}
    for scope in scopes:
        found.setdefault((scope.group.precision, scope.group.classes), {})[scope.group.backbone] = scope
    return [
        Kin(
            f"{precision}-{classes}" if len(found) > 1 else "",
            precision if classes == "all" else f"{precision}, {classes} classes",
            members,
        )
        for (precision, classes), members in found.items()
        if len(members) > 1
    ]


def rows_of(scopes: Sequence[Scope]) -> list[Row]:
    """The rows of all groups, in the order in which the groups have them."""
    return list(dict.fromkeys(row for scope in scopes for row in scope.labels))


def joined(forms: Iterator[Lines]) -> Lines:
    """Long forms under one header, which they share since all were made with the same rows."""
    several = list(forms)
    return (several[0][0], *(line for lines in several for line in lines[1:]))


def side_table(
    stem: str,
    title: str,
    sentences: tuple[str, ...],
    columns: Sequence[str],
    printed: Grid,
    long: Lines,
    heading: str,
) -> Table:
    """A table of ``printed`` blocks, under sentences on the numbers and on the marks."""
    said = (*sentences, *printed.sentences)
    return Table(stem, title, said, tuple(columns), printed.blocks, printed.notes, long, columns_heading=heading)
