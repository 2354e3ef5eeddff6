"""``harness report``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.cli import console
from harness.cli.vocabulary import known_names
from harness.data.dataset import data_root
from harness.data.own import catalog_with
from harness.errors import Fault, HarnessError, RecordError, did_you_mean
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing, look_at_today, standings
from harness.report.ahead import drawing_ahead
from harness.report.build import MOST_DETAILED, build_report, write_report
from harness.report.entry import Entry, Words
from harness.report.evidence import Choices
from harness.report.published.sets import wanted_sets
from harness.report.published.tally import Tally
from harness.report.significance import INTERVAL_KINDS
from harness.report.stats import SD_KINDS
from harness.report.terminal import summary
from harness.report.words import words_of
from harness.store.manifest import Manifest, read_manifests
from harness.store.records import read_records, record_path

WORDS_SUFFIX = ".words.json"
_MOST_REASONS = 8
_AT_ONCE = 500  # records that are in memory with everything that they hold


def report_command(
    matrix: Path | None,
    results: Path,
    out: Path | None,
    against: Sequence[str] = (),
    sd: str = "sample",
    interval: str = "t",
) -> int:
    """Write tables and figures of one matrix, or of all that were run, and print a summary.

    Raises:
        HarnessError: a choice is none of those that there are.
        RecordError: there is not a single record to report.
    """
    choices = _choices(against, sd, interval)
    matrices = _matrices(matrix, results)
    made = []
    has_records = False
    with drawing_ahead() as ahead:
        for each, root in matrices:
            entries, broken = _entries(each, results, root)
            has_records = has_records or any(entry.record is not None for entry in entries)
            report = build_report(each.name, entries, choices)
            made.append((report, broken, ahead.draw(report.all_figures)))
        if not has_records:
            what = "holds no records to report."
            raise RecordError(
                Fault(str(results), what, "Run `harness run --matrix FILE` first, or name another --results.")
            )
        for report, broken, drawn in made:
            for path, reason in broken.items():
                console.note(f"{path} {reason}; it is left out", style="yellow")
            folder = _folder(report.name, results, out, several=matrix is None)
            written = write_report(report, folder, drawn)
            for block in summary(report):
                console.out().print(block)
            for tally in report.tallies:
                _say(report.name, tally, explains=tally.comparable > 0 or len(report.tallies) == 1)
            console.say(f"{report.name}: {len(written)} files in {folder}")
    return 0


def _say(matrix: str, tally: Tally, *, explains: bool) -> None:
    """Print how many numbers compare how, and why the others cannot."""
    console.say(f"{matrix} against {tally}")
    reasons = list(tally.reasons.items()) if explains else []
    for reason, count in reasons[:_MOST_REASONS]:
        console.say(f"  {count} not comparable: {reason}")
    if len(reasons) > _MOST_REASONS:
        console.say(f"  and {len(reasons) - _MOST_REASONS} other reasons; the table has them all")


def _choices(against: Sequence[str], sd: str, interval: str) -> Choices:
    """The choices as ``build_report`` takes them.

    Raises:
        HarnessError: with all that cannot be used.
    """
    faults: list[Fault] = []
    sets: tuple[str, ...] = ()
    try:
        sets = wanted_sets(against)
    except HarnessError as error:
        faults += error.faults
    kind = next((each for each in SD_KINDS if each == sd), None)
    if kind is None:
        faults.append(Fault(f"--sd {sd}", "is no standard deviation.", did_you_mean(sd, SD_KINDS)))
    way = next((each for each in INTERVAL_KINDS if each == interval), None)
    if way is None:
        faults.append(
            Fault(f"--interval {interval}", "is no way to make one.", did_you_mean(interval, INTERVAL_KINDS))
        )
    if faults or kind is None or way is None:
        raise HarnessError(faults)
    return Choices(kind, way, sets)


def _matrices(matrix: Path | None, results: Path) -> list[tuple[Matrix | Manifest, Path | None]]:
    """Every matrix to report and its data root."""
    if matrix is not None:
        one = read_matrix(matrix, known_names())
        return [(one, data_root(None, one.data))]
    return [(each, data_root(None, None)) for each in read_manifests(results)]


def _entries(of: Matrix | Manifest, results: Path, root: Path | None) -> tuple[list[Entry], dict[Path, str]]:
    """Every cell with its record, and the files that are not whole records.

    Records are read some at a time. Of very many, what stands in them by class and epoch is let go at once: the
    report does not show it, and memory would not hold it.
    """
    today = look_at_today(of.cells, catalog_with(of.sources), root, of.weights, results)
    entry_of = _maker(of.cells, of.sources, results)
    is_detailed = len(of.cells) <= MOST_DETAILED
    entries: list[Entry] = []
    broken: dict[Path, str] = {}
    for start in range(0, len(of.cells), _AT_ONCE):
        cells = of.cells[start : start + _AT_ONCE]
        scan = read_records(results, map(cell_id, cells))
        broken |= scan.broken
        for standing in standings(cells, scan, results, today):
            entry = entry_of(standing)
            entries.append(entry if is_detailed else _without_details(entry))
    return entries, broken


def report_entries(cells: Sequence[Standing], sources: Sequence[DatasetSource], results: Path) -> list[Entry]:
    """Cells whose records are at hand, as the report takes them."""
    return [*map(_maker([standing.cell for standing in cells], sources, results), cells)]


def _maker(cells: Sequence[Cell], sources: Sequence[DatasetSource], results: Path) -> Callable[[Standing], Entry]:
    """A function from a cell to its entry: with its record, and with its words where they are printed."""
    likes = {source.name: source.like for source in sources}
    wanted = words_of(cells)

    def make(standing: Standing) -> Entry:
        entry = _entry(standing, results if standing.cell in wanted else None)
        return replace(entry, like=likes.get(standing.cell.dataset))

    return make


def _without_details(entry: Entry) -> Entry:
    """The entry with a record that has its counts and not those of classes and epochs."""
    if entry.record is None:
        return entry
    return replace(entry, record=entry.record.model_copy(update={"per_class": (), "history": ()}))


def _folder(name: str, results: Path, out: Path | None, several: bool) -> Path:
    """Where the files go; with ``--out`` and several matrices, a folder each."""
    if out is None:
        return results / name / "report"
    return out / name if several else out


def _entry(standing: Standing, results: Path | None) -> Entry:
    """The cell with its record, or why it has none that counts; from ``results`` the words of what it learned."""
    if standing.state == "done":
        words = None if results is None else _words(record_path(results, standing.id).with_suffix(WORDS_SUFFIX))
        return Entry(standing.cell, standing.record, None, words)
    if standing.state == "failed":
        return Entry(standing.cell, standing.record, "failed")
    return Entry(standing.cell, None, "stale" if standing.why.startswith("stale") else "missing")


def _words(path: Path) -> Words | None:
    """The nearest words that stand in a file; ``None`` where there is none, which the report then says."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = [tuple((str(each["word"]), float(each["distance"])) for each in row) for row in content["nearest"]]
        shape = tuple(map(int, content["shape"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_whole = len(rows) == math.prod(shape) and bool(shape) and all(rows)
    return Words(shape, tuple(rows)) if is_whole else None
