"""The whole report: from entries to tables and panels, and from those to files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.files import write_bytes, write_text
from harness.report.captions import group_title
from harness.report.compose import AVERAGE, Subject, table
from harness.report.entry import Entry
from harness.report.panels import Panel, panel
from harness.report.results import average_results, dataset_results
from harness.report.rows import Group, group_entries, labels, row_entries
from harness.report.table import Table
from harness.report.tables import escape_markdown, to_csv, to_latex, to_markdown

INDEX = "index"
CURVES = "curves"


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The tables and panels of one backbone: the average first, then the data sets as the matrix has them.

    ``curves`` is the stem of the figure's files.
    """

    title: str
    tables: tuple[Table, ...]
    panels: tuple[Panel, ...]
    curves: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is printed of one matrix."""

    name: str
    groups: tuple[GroupReport, ...]


def build_report(name: str, entries: Sequence[Entry]) -> Report:
    """The report on ``entries``, which hold every cell of the matrix once, in the matrix's order.

    Groups, data sets and the rows of further methods stand in order of first appearance; nothing else depends
    on the order of ``entries``.
    """
    groups = group_entries(entries)
    stems = _Stems()
    prefixes = _prefixes(list(groups))
    return Report(name, tuple(_group(name, group, groups[group], prefixes[group], stems) for group in groups))


def write_report(report: Report, out: Path) -> tuple[Path, ...]:
    """Write every file of ``report`` into the folder ``out``; the files written, sorted.

    Each table as Markdown, CSV and LaTeX, one figure a group as PDF, PNG and SVG, and ``index.md`` with
    all of them. Files of an earlier report that has other tables are left alone.
    """
    from harness.report.curves import draw  # matplotlib takes a second to import; only figures need it

    written = []
    for group in report.groups:
        for one in group.tables:
            for ending, text in (("md", to_markdown(one)), ("csv", to_csv(one)), ("tex", to_latex(one))):
                path = out / f"{one.stem}.{ending}"
                write_text(path, text)
                written.append(path)
        for ending, content in draw(group.panels).items():
            path = out / f"{group.curves}.{ending}"
            write_bytes(path, content)
            written.append(path)
    path = out / f"{INDEX}.md"
    write_text(path, index(report))
    return tuple(sorted([*written, path]))


def index(report: Report) -> str:
    """One Markdown page with every figure and table; links are relative to its folder."""
    parts = [f"# {escape_markdown(report.name)}\n"]
    for group in report.groups:
        figure = quote(group.curves)
        parts += [
            f"## {escape_markdown(group.title)}\n",
            f"![Accuracy in percent by shots per class]({figure}.png)\n",
            f"Figure: mean accuracy over seeds, error bars one sample standard deviation "
            f"([PDF]({figure}.pdf), [SVG]({figure}.svg)).\n",
        ]
        for one in group.tables:
            stem = quote(one.stem)
            parts += [to_markdown(one, level=3), f"[CSV]({stem}.csv), [LaTeX]({stem}.tex)\n"]
    return "\n".join(parts)


def _group(name: str, group: Group, entries: Sequence[Entry], prefix: str, stems: _Stems) -> GroupReport:
    rows = row_entries(entries)
    words = labels(list(rows))
    datasets = list(dict.fromkeys(entry.cell.dataset for entry in entries))
    curves = stems.take(prefix + CURVES)
    found = []
    if len(datasets) > 1:
        what = f"Mean over {len(datasets)} data sets ({', '.join(datasets)}), taken for each seed first"
        subject = Subject(stems.take(prefix + AVERAGE), "Average", what, AVERAGE, is_average=True)
        found.append((subject, average_results(rows, datasets)))
    for dataset in datasets:
        subject = Subject(stems.take(prefix + _slug(dataset)), dataset, dataset, dataset)
        found.append((subject, dataset_results(rows, dataset)))
    return GroupReport(
        group_title(group),
        tuple(table(name, group, subject, words, results) for subject, results in found),
        tuple(panel(subject.title, words, results) for subject, results in found),
        curves,
    )


class _Stems:
    """File stems that were given out, so that no two tables share a file."""

    def __init__(self) -> None:
        self._taken = {INDEX}

    def take(self, wish: str) -> str:
        """``wish``, or with a number behind it when it is taken."""
        number, stem = 1, wish
        while stem in self._taken:
            number += 1
            stem = f"{wish}-{number}"
        self._taken.add(stem)
        return stem


def _prefixes(groups: Sequence[Group]) -> dict[Group, str]:
    """How file names of a group start: nothing for a single group, else backbone and what differs."""
    if len(groups) == 1:
        return {groups[0]: ""}
    parts = [(group.backbone, group.precision, group.classes, group.evaluate_on or "") for group in groups]
    differs = [True, *(len({part[place] for part in parts}) > 1 for place in (1, 2, 3))]
    return {
        group: "".join(f"{_slug(word)}-" for word, is_told in zip(part, differs, strict=True) if is_told and word)
        for group, part in zip(groups, parts, strict=True)
    }


def _slug(word: str) -> str:
    """``word`` as part of a file name on every system: lower case, letters, digits, hyphen and underscore."""
    return re.sub(r"[^a-z0-9_]+", "-", word.lower()).strip("-") or "unnamed"
