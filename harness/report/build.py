"""The whole report: from entries to tables and panels, and from those to files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from harness.files import write_bytes, write_text
from harness.report.figures.ahead import Drawn, draw_one
from harness.report.figures.charts import Figure, too_many
from harness.report.numbers.entry import Entry
from harness.report.numbers.results import Place
from harness.report.numbers.rows import Group, group_entries
from harness.report.printing.captions import group_title
from harness.report.printing.compose import Subject, table
from harness.report.published.tally import Tally, added
from harness.report.sections.across import (
    Kin,
    backbones_figure,
    backbones_table,
    kins,
    sides_of,
    sources_of,
    transfer_across,
    transfer_figure,
)
from harness.report.sections.curves import Panel, few_shot_figure, panel
from harness.report.sections.elsewhere import halves_table, is_half, is_transfer, transfer_table
from harness.report.sections.evidence import Beside, Choices, beside
from harness.report.sections.gains import Gains, gains_figure
from harness.report.sections.per_class import class_figure, class_gains, class_table
from harness.report.sections.scope import AVERAGE, Measured, Scope, by_dataset, scope_of
from harness.report.sections.studies import (
    few_shot_table,
    initial_figure,
    length_figure,
    study_table,
    templates_table,
)
from harness.report.sections.training import training_figure
from harness.report.sections.words import words_table
from harness.report.stats.summary import SdKind
from harness.report.tables.html import to_html_file
from harness.report.tables.latex import to_latex
from harness.report.tables.table import Table
from harness.report.tables.text import escape_markdown, to_csv, to_markdown, to_wide_csv

INDEX = "index"
_TABLE, _FIGURE = "table", "figure"
CURVES, GAINS, CLASSES, TRAINING = "curves", "gains", "classes", "training"
FEW_SHOT, TEMPLATES, LENGTH, INITIAL, BACKBONES = (
    "few-shot",
    "prompt-ensembling",
    "context-length",
    "initialization",
    "backbones",
)
TRANSFER = "elsewhere"
HALVES_STEM = "base-new"
WORDS = "words"
MOST_DETAILED = 20_000  # cells of a report that has training curves, classes and a page
_STUDIES = (
    (LENGTH, "n_ctx", "Length of the context", "Contexts of several lengths"),
    (INITIAL, "ctx_init", "Initial context", "Contexts that start from noise or from words"),
)
FORMS = {"csv": "CSV", "wide.csv": "wide CSV", "tex": "LaTeX", "html": "HTML"}  # of a table, beside Markdown
_WRITERS = {"md": to_markdown, "csv": to_csv, "wide.csv": to_wide_csv, "tex": to_latex, "html": to_html_file}


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The tables and figures of one backbone: the average first, then the data sets as the matrix has them.

    Attributes:
        title: what the cells of the group share.
        tables: of the own test images, by shots.
        panels: the same as curves; evaluations elsewhere have none.
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
    panels: tuple[Panel, ...]
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


def build_report(name: str, entries: Sequence[Entry], choices: Choices | None = None) -> Report:
    """The report on ``entries``, which hold every cell of the matrix once, in the matrix's order.

    Groups, data sets and the rows of further methods stand in order of first appearance; nothing else depends
    on the order of ``entries``.

    Args:
        name: of the matrix.
        entries: its cells.
        choices: made by the user; those of ``Choices()`` without any.
    """
    choices = choices or Choices()
    groups = group_entries(entries)
    stems = _Stems()
    prefixes = _prefixes(list(groups))
    scopes = [scope_of(name, group, members, choices.sd_kind) for group, members in groups.items()]
    has_details = len(entries) <= MOST_DETAILED
    across = _across(scopes, stems)
    reports = [_group(scope, prefixes[scope.group], stems, choices, has_details=has_details) for scope in scopes]
    return Report(name, tuple(reports), across, choices.sd_kind)


def write_report(report: Report, out: Path, drawn: Iterable[Drawn] | None = None) -> tuple[Path, ...]:
    """Write every file of ``report`` into the folder ``out``; the files written, sorted.

    Each table as Markdown, CSV, LaTeX and HTML, each figure as PDF, PNG and SVG, and ``index.md`` with
    all of them. Files of an earlier report that has other tables are left alone. ``drawn`` are the figures of
    ``report.all_figures`` in each format, where they were drawn ahead. None is forced to the disk: all of them can
    be made again.
    """
    written = []
    for one in report.all_tables:
        for ending in file_endings(one):
            path = out / f"{one.stem}.{ending}"
            write_text(path, _WRITERS[ending](one), durable=False)
            written.append(path)
    for figure, files in zip(report.all_figures, drawn or map(draw_one, report.all_figures), strict=True):
        for ending, content in files.items():
            path = out / f"{figure.stem}.{ending}"
            write_bytes(path, content, durable=False)
            written.append(path)
    path = out / f"{INDEX}.md"
    write_text(path, index(report), durable=False)
    return tuple(sorted([*written, path]))


def index(report: Report) -> str:
    """One Markdown page with every figure and table; links are relative to its folder."""
    parts = [f"# {escape_markdown(report.name)}\n"]
    if report.across.tables or report.across.figures:
        parts += ["## Between backbones\n", *_section(report.across.figures, report.across.tables)]
    for group in report.groups:
        parts += [f"## {escape_markdown(group.title)}\n", *_section(group.figures, group.all_tables)]
        parts += [f"{escape_markdown(remark)}\n" for remark in group.remarks]
    return "\n".join(parts)


def _section(figures: Iterable[Figure], tables: Iterable[Table]) -> Iterator[str]:
    """Figures with their captions, then tables, each with links to its files."""
    for figure in figures:
        stem, said = quote(figure.stem), escape_markdown(" ".join(figure.caption))
        yield f"![{escape_markdown(figure.title)}]({stem}.png)\n"
        yield f"Figure: {said} ([PDF]({stem}.pdf), [SVG]({stem}.svg))\n"
    for one in tables:
        endings = file_endings(one)
        links = [f"[{FORMS[ending]}]({quote(one.stem)}.{ending})" for ending in FORMS if ending in endings]
        yield to_markdown(one, level=3)
        if links:
            yield f"{', '.join(links)}\n"


def file_endings(table: Table) -> list[str]:
    """How the files of a table end: none without rows, only the long form where no row is printed."""
    printed = ["md", "tex", "wide.csv", "html"] if table.blocks else []
    return [*printed, "csv"] if len(table.long) > 1 else printed


def _group(scope: Scope, prefix: str, stems: _Stems, choices: Choices, *, has_details: bool) -> GroupReport:
    name, group, words = scope.matrix, scope.group, scope.labels
    panels = [panel(one.title, words, scope.looks, one.results) for one in scope.measured]
    bars = [Gains(one.title, one.results, one.is_average) for one in scope.measured]
    drawn = [
        few_shot_figure(prefix + CURVES, panels, scope.sd_kind),
        gains_figure(prefix + GAINS, words, scope.looks, bars, scope.sd_kind) if panels else None,
        length_figure(scope, prefix + LENGTH),
        initial_figure(scope, prefix + INITIAL),
    ]
    gains = {dataset: class_gains(scope, dataset) for dataset in scope.datasets} if has_details else {}
    gains = {dataset: found for dataset, found in gains.items() if found}
    if has_details:
        drawn += [class_figure(scope, prefix + CLASSES, gains), training_figure(scope, prefix + TRAINING)]
    figures, remarks = _readable(drawn, stems)
    if not has_details:
        remarks.append(f"Classes, training curves and the page are made of {MOST_DETAILED:,} cells at most.")
    subjects = [_subject(one, stems.take(prefix + _slug(one.name)), scope.datasets) for one in scope.measured]
    tables = [
        table(name, group, subject, words, one.results)
        for subject, one in zip(subjects, scope.measured, strict=True)
    ]
    studies = [
        few_shot_table(scope, prefix + FEW_SHOT),
        templates_table(scope, prefix + TEMPLATES),
        *(study_table(scope, prefix + stem, axis, title, what) for stem, axis, title, what in _STUDIES),
    ]
    classes = [
        class_table(scope, stems.take(f"{prefix}{_slug(dataset)}-{CLASSES}"), dataset, found)
        for dataset, found in gains.items()
    ]
    return GroupReport(
        group_title(group),
        tuple(tables),
        tuple(panels),
        tuple(figures),
        tuple(replace(one, stem=stems.take(one.stem)) for one in studies if one is not None),
        tuple(_elsewhere(scope, prefix, stems)),
        beside(scope, prefix, choices).with_stems(stems.take),
        tuple(_words(scope, prefix, stems)),
        tuple(classes),
        tuple(remarks),
    )


def _readable(figures: Iterable[Figure | None], stems: _Stems) -> tuple[list[Figure], list[str]]:
    """The figures that there are, with stems of their own, and why some are not drawn."""
    kept, remarks = [], []
    for one in figures:
        if one is None:
            continue
        why = too_many(one)
        if why:
            remarks.append(f"{one.title}: no figure, since {why}.")
        else:
            kept.append(replace(one, stem=stems.take(one.stem, _FIGURE)))
    return kept, remarks


def _across(scopes: Sequence[Scope], stems: _Stems) -> Across:
    """What stands between backbones, and one figure for each data set that something was transferred from."""
    tables: list[Table] = []
    figures: list[Figure] = []
    for kin in kins(scopes):
        end = f"-{kin.name}" if kin.name else ""
        sides = sides_of(kin)
        if sides is not None:
            tables.append(backbones_table(sides, stems.take(BACKBONES + end)))
            kept, _ = _readable([backbones_figure(sides, BACKBONES + end)], stems)
            figures += kept
        tables += _transfers_across(kin, end, stems)
    for source in sources_of(scopes):
        kept, _ = _readable([transfer_figure(scopes, source, f"{_slug(source)}-{TRANSFER}")], stems)
        figures += kept
    return Across(tuple(tables), tuple(figures))


def _transfers_across(kin: Kin, end: str, stems: _Stems) -> Iterator[Table]:
    for source in sources_of(list(kin.scopes.values())):
        one = transfer_across(kin, source, f"{_slug(source)}-{TRANSFER}-{BACKBONES}{end}")
        if one is not None:
            yield replace(one, stem=stems.take(one.stem))


def _subject(one: Measured, stem: str, datasets: Sequence[str]) -> Subject:
    """What the table of one data set, or of the average, is about."""
    what = f"Mean over {len(datasets)} data sets ({', '.join(datasets)}), taken for each seed first"
    return Subject(stem, one.title, what if one.is_average else one.name, one.name, one.is_average)


def _elsewhere(scope: Scope, prefix: str, stems: _Stems) -> Iterator[Table]:
    """A table for each data set that something was transferred from, then those of the halves, average first."""
    name, group, words = scope.matrix, scope.group, scope.labels
    learned = by_dataset(scope.rows)
    targets: dict[str, dict[Place, None]] = {}
    for entry in filter(is_transfer, scope.entries):
        targets.setdefault(entry.cell.dataset, {})[entry.cell.target()] = None
    for source, places in targets.items():
        stem = stems.take(f"{prefix}{_slug(source)}-{TRANSFER}")
        yield transfer_table(name, group, stem, source, list(places), words, learned[source], scope.sd_kind)
    datasets = list(dict.fromkeys(entry.cell.dataset for entry in filter(is_half, scope.entries)))
    if len(datasets) > 1:
        stem = stems.take(f"{prefix}{AVERAGE}-{HALVES_STEM}")
        yield halves_table(name, group, stem, datasets, words, scope.rows, scope.sd_kind)
    for dataset in datasets:
        stem = stems.take(f"{prefix}{_slug(dataset)}-{HALVES_STEM}")
        yield halves_table(name, group, stem, [dataset], words, learned[dataset], scope.sd_kind)


def _words(scope: Scope, prefix: str, stems: _Stems) -> Iterator[Table]:
    """The nearest words of each data set's contexts."""
    for dataset in scope.datasets:
        stem = f"{prefix}{_slug(dataset)}-{WORDS}"
        one = words_table(scope.matrix, scope.group, stem, dataset, scope.labels, scope.by_dataset[dataset])
        if one is not None:
            yield replace(one, stem=stems.take(one.stem))


class _Stems:
    """File stems that were given out, so that no two tables share a file, nor two figures."""

    def __init__(self) -> None:
        self._taken = {(INDEX, _TABLE)}

    def take(self, wish: str, of: str = _TABLE) -> str:
        """``wish``, or with a number behind it when it is taken; tables and figures have other file endings."""
        number, stem = 1, wish
        while (stem, of) in self._taken:
            number += 1
            stem = f"{wish}-{number}"
        self._taken.add((stem, of))
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
