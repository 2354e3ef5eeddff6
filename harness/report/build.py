"""From the entries of a matrix to its whole report: which sections there are, and under which names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harness.report.figures.charts import Figure, too_many
from harness.report.numbers.entry import Entry, Place
from harness.report.numbers.rows import group_entries
from harness.report.printing.captions import group_title
from harness.report.printing.compose import Subject, table
from harness.report.report import Across, GroupReport, Report
from harness.report.sections.backbones import backbones_figure, backbones_table, sides_of
from harness.report.sections.curves import few_shot_figure
from harness.report.sections.elsewhere import halves_table, is_half, is_transfer, transfer_table
from harness.report.sections.evidence import Choices, beside
from harness.report.sections.gains import gains_figure
from harness.report.sections.kin import Kin, kins
from harness.report.sections.per_class import class_figure, class_gains, class_table
from harness.report.sections.scope import AVERAGE, Measured, Scope, scope_of
from harness.report.sections.studies import (
    few_shot_table,
    initial_figure,
    length_figure,
    study_table,
    templates_table,
)
from harness.report.sections.training import training_figure
from harness.report.sections.transfers import sources_of, transfer_across, transfer_figure
from harness.report.sections.words import words_table
from harness.report.stems import Stems, prefixes, slug
from harness.report.tables.table import Table

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
    stems = Stems()
    begins = prefixes(list(groups))
    scopes = [scope_of(name, group, members, choices.sd_kind) for group, members in groups.items()]
    has_details = len(entries) <= MOST_DETAILED
    across = _across(scopes, stems)
    reports = [_group(scope, begins[scope.group], stems, choices, has_details=has_details) for scope in scopes]
    return Report(name, tuple(reports), across, choices.sd_kind)


def _group(scope: Scope, prefix: str, stems: Stems, choices: Choices, *, has_details: bool) -> GroupReport:
    name, group, words = scope.matrix, scope.group, scope.labels
    drawn = [
        few_shot_figure(scope, prefix + CURVES),
        gains_figure(scope, prefix + GAINS),
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
    subjects = [_subject(one, stems.take(prefix + slug(one.name)), scope.datasets) for one in scope.measured]
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
        class_table(scope, stems.take(f"{prefix}{slug(dataset)}-{CLASSES}"), dataset, found)
        for dataset, found in gains.items()
    ]
    return GroupReport(
        title=group_title(group),
        tables=tuple(tables),
        figures=tuple(figures),
        studies=tuple(replace(one, stem=stems.take(one.stem)) for one in studies if one is not None),
        elsewhere=tuple(_elsewhere(scope, prefix, stems)),
        beside=beside(scope, prefix, choices).with_stems(stems.take),
        words=tuple(_words(scope, prefix, stems)),
        classes=tuple(classes),
        remarks=tuple(remarks),
    )


def _readable(figures: Iterable[Figure | None], stems: Stems) -> tuple[list[Figure], list[str]]:
    """The figures that there are, with stems of their own, and why some are not drawn."""
    kept, remarks = [], []
    for one in figures:
        if one is None:
            continue
        why = too_many(one)
        if why:
            remarks.append(f"{one.title}: no figure, since {why}.")
        else:
            kept.append(replace(one, stem=stems.take(one.stem, "figure")))
    return kept, remarks


def _across(scopes: Sequence[Scope], stems: Stems) -> Across:
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
        kept, _ = _readable([transfer_figure(scopes, source, f"{slug(source)}-{TRANSFER}")], stems)
        figures += kept
    return Across(tuple(tables), tuple(figures))


def _transfers_across(kin: Kin, end: str, stems: Stems) -> Iterator[Table]:
    for source in sources_of(list(kin.scopes.values())):
        one = transfer_across(kin, source, f"{slug(source)}-{TRANSFER}-{BACKBONES}{end}")
        if one is not None:
            yield replace(one, stem=stems.take(one.stem))


def _subject(one: Measured, stem: str, datasets: Sequence[str]) -> Subject:
    """What the table of one data set, or of the average, is about."""
    what = f"Mean over {len(datasets)} data sets ({', '.join(datasets)}), taken for each seed first"
    return Subject(stem, one.title, what if one.is_average else one.name, one.name, one.is_average)


def _elsewhere(scope: Scope, prefix: str, stems: Stems) -> Iterator[Table]:
    """A table for each data set that something was transferred from, then those of the halves, average first."""
    targets: dict[str, dict[Place, None]] = {}
    for entry in filter(is_transfer, scope.entries):
        targets.setdefault(entry.cell.dataset, {})[entry.cell.target()] = None
    for source, places in targets.items():
        stem = stems.take(f"{prefix}{slug(source)}-{TRANSFER}")
        yield transfer_table(scope, stem, source, list(places))
    datasets = list(dict.fromkeys(entry.cell.dataset for entry in filter(is_half, scope.entries)))
    if len(datasets) > 1:
        stem = stems.take(f"{prefix}{AVERAGE}-{HALVES_STEM}")
        yield halves_table(scope, stem, datasets)
    for dataset in datasets:
        stem = stems.take(f"{prefix}{slug(dataset)}-{HALVES_STEM}")
        yield halves_table(scope, stem, [dataset])


def _words(scope: Scope, prefix: str, stems: Stems) -> Iterator[Table]:
    """The nearest words of each data set's contexts."""
    for dataset in scope.datasets:
        stem = f"{prefix}{slug(dataset)}-{WORDS}"
        one = words_table(scope, stem, dataset)
        if one is not None:
            yield replace(one, stem=stems.take(one.stem))
