"""The whole report: from entries to tables and panels, and from those to files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from harness.files import write_bytes, write_text
from harness.report.captions import group_title
from harness.report.compose import AVERAGE, Subject, table
from harness.report.elsewhere import RowEntries, halves_table, is_half, is_transfer, transfer_table
from harness.report.entry import Entry
from harness.report.html import to_html_file
from harness.report.panels import Panel, panel
from harness.report.results import place_results
from harness.report.rows import Group, group_entries, labels, row_entries
from harness.report.table import Table
from harness.report.tables import escape_markdown, to_csv, to_latex, to_markdown
from harness.report.words import words_table

INDEX = "index"
CURVES = "curves"
TRANSFER = "elsewhere"
HALVES_STEM = "base-new"
WORDS = "words"
_WRITERS = {"md": to_markdown, "csv": to_csv, "tex": to_latex, "html": to_html_file}


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The tables and panels of one backbone: the average first, then the data sets as the matrix has them.

    Attributes:
        title: what the cells of the group share.
        tables: of the own test images, by shots.
        panels: the same as curves; evaluations elsewhere have none.
        curves: the stem of the figure's files.
        elsewhere: tables of other data sets, then of other halves of the classes.
        words: tables of the nearest words of learned contexts.
    """

    title: str
    tables: tuple[Table, ...]
    panels: tuple[Panel, ...]
    curves: str
    elsewhere: tuple[Table, ...] = ()
    words: tuple[Table, ...] = ()

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table in the order in which it is read."""
        return (*self.tables, *self.elsewhere, *self.words)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is printed of one matrix."""

    name: str
    groups: tuple[GroupReport, ...]

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table in the order in which it is read."""
        return tuple(one for group in self.groups for one in group.all_tables)


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

    Each table as Markdown, CSV, LaTeX and HTML, one figure a group as PDF, PNG and SVG, and ``index.md`` with
    all of them. Files of an earlier report that has other tables are left alone.
    """
    from harness.report.curves import draw  # matplotlib takes a second to import; only figures need it

    written = []
    for group in report.groups:
        for one in group.all_tables:
            for ending in _endings(one):
                path = out / f"{one.stem}.{ending}"
                write_text(path, _WRITERS[ending](one))
                written.append(path)
        for ending, content in draw(group.panels).items() if group.panels else ():
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
        parts.append(f"## {escape_markdown(group.title)}\n")
        if group.panels:
            parts += [
                f"![Accuracy in percent by shots per class]({figure}.png)\n",
                f"Figure: mean accuracy over seeds, error bars one sample standard deviation "
                f"([PDF]({figure}.pdf), [SVG]({figure}.svg)).\n",
            ]
        for one in group.all_tables:
            names = {"csv": "CSV", "tex": "LaTeX", "html": "HTML"}
            links = [
                f"[{names[ending]}]({quote(one.stem)}.{ending})" for ending in names if ending in _endings(one)
            ]
            parts += [to_markdown(one, level=3), *([f"{', '.join(links)}\n"] if links else [])]
    return "\n".join(parts)


def _endings(table: Table) -> list[str]:
    """The files of a table: none without rows, only the long form where no row is printed."""
    printed = ["md", "tex", "html"] if table.blocks else []
    return [*printed, "csv"] if len(table.long) > 1 else printed


def _group(name: str, group: Group, entries: Sequence[Entry], prefix: str, stems: _Stems) -> GroupReport:
    rows = row_entries(entries)
    words = labels(list(rows))
    curves = stems.take(prefix + CURVES)
    own = {row: [entry for entry in members if entry.cell.evaluate_on is None] for row, members in rows.items()}
    datasets = _datasets(entry for entry in entries if entry.cell.evaluate_on is None)
    places = [(dataset, group.classes) for dataset in datasets]
    found = []
    if len(datasets) > 1:
        what = f"Mean over {len(datasets)} data sets ({', '.join(datasets)}), taken for each seed first"
        subject = Subject(stems.take(prefix + AVERAGE), "Average", what, AVERAGE, is_average=True)
        found.append((subject, place_results(own, places)))
    for dataset, place in zip(datasets, places, strict=True):
        subject = Subject(stems.take(prefix + _slug(dataset)), dataset, dataset, dataset)
        found.append((subject, place_results(own, [place])))
    return GroupReport(
        group_title(group),
        tuple(table(name, group, subject, words, results) for subject, results in found),
        tuple(panel(subject.title, words, results) for subject, results in found),
        curves,
        tuple(_elsewhere(name, group, entries, rows, prefix, stems)),
        tuple(_words(name, group, datasets, rows, prefix, stems)),
    )


def _elsewhere(
    name: str, group: Group, entries: Sequence[Entry], rows: RowEntries, prefix: str, stems: _Stems
) -> Iterator[Table]:
    """A table for each data set that something was transferred from, then those of the halves, average first."""
    words = labels(list(rows))
    transfers = [entry for entry in entries if is_transfer(entry)]
    for source in _datasets(transfers):
        stem = stems.take(f"{prefix}{_slug(source)}-{TRANSFER}")
        targets = (entry.cell.target() for entry in transfers if entry.cell.dataset == source)
        yield transfer_table(name, group, stem, source, list(dict.fromkeys(targets)), words, rows)
    datasets = _datasets(filter(is_half, entries))
    if len(datasets) > 1:
        yield halves_table(name, group, stems.take(f"{prefix}{AVERAGE}-{HALVES_STEM}"), datasets, words, rows)
    for dataset in datasets:
        stem = stems.take(f"{prefix}{_slug(dataset)}-{HALVES_STEM}")
        yield halves_table(name, group, stem, [dataset], words, rows)


def _words(
    name: str, group: Group, datasets: Sequence[str], rows: RowEntries, prefix: str, stems: _Stems
) -> Iterator[Table]:
    """The nearest words of each data set's contexts."""
    words = labels(list(rows))
    for dataset in datasets:
        one = words_table(name, group, f"{prefix}{_slug(dataset)}-{WORDS}", dataset, words, rows)
        if one is not None:
            yield replace(one, stem=stems.take(one.stem))


def _datasets(entries: Iterable[Entry]) -> list[str]:
    """The data sets that are trained on, in order of first appearance."""
    return list(dict.fromkeys(entry.cell.dataset for entry in entries))


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
    parts = [(group.backbone, group.precision, group.classes) for group in groups]
    differs = [True, *(len({part[place] for part in parts}) > 1 for place in (1, 2))]
    return {
        group: "".join(f"{_slug(word)}-" for word, is_told in zip(part, differs, strict=True) if is_told)
        for group, part in zip(groups, parts, strict=True)
    }


def _slug(word: str) -> str:
    """``word`` as part of a file name on every system: lower case, letters, digits, hyphen and underscore."""
    return re.sub(r"[^a-z0-9_]+", "-", word.lower()).strip("-") or "unnamed"
