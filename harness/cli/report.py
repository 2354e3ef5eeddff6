"""``harness report``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.cli import console
from harness.cli.situation import look, look_at_cells
from harness.data.dataset import data_root
from harness.errors import Fault, HarnessError, RecordError, did_you_mean
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing
from harness.report.build import build_report, write_report
from harness.report.entry import Entry, Words
from harness.report.evidence import Choices
from harness.report.published.sets import wanted_sets
from harness.report.published.tally import Tally
from harness.report.significance import INTERVAL_KINDS
from harness.report.stats import SD_KINDS
from harness.report.terminal import summary
from harness.report.words import words_of
from harness.store.manifest import read_manifests
from harness.store.records import Scan, record_path

WORDS_SUFFIX = ".words.json"
_MOST_REASONS = 8


def report_command(
    matrix: Path | None,
    results: Path,
    out: Path | None,
    against: Sequence[str] = (),
    sd: str = "sample",
    interval: str = "t",
) -> int:
    """Write tables and curves of one matrix, or of all that were run, and print a summary.

    Raises:
        HarnessError: a choice is none of those that there are.
        RecordError: there is not a single record to report.
    """
    choices = _choices(against, sd, interval)
    for name, sources, cells, scan in _matrices(matrix, results):
        for path, reason in scan.broken.items():
            console.note(f"{path} {reason}; it is left out", style="yellow")
        folder = _folder(name, results, out, several=matrix is None)
        likes = {source.name: source.like for source in sources}
        wanted = words_of(standing.cell for standing in cells)
        entries = [
            replace(_entry(cell, results if cell.cell in wanted else None), like=likes.get(cell.cell.dataset))
            for cell in cells
        ]
        report = build_report(name, entries, choices)
        written = write_report(report, folder)
        for block in summary(report):
            console.out().print(block)
        for tally in report.tallies:
            _say(name, tally, explains=tally.comparable > 0 or len(report.tallies) == 1)
        console.say(f"{name}: {len(written)} files in {folder}")
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


def _matrices(
    matrix: Path | None, results: Path
) -> list[tuple[str, tuple[DatasetSource, ...], tuple[Standing, ...], Scan]]:
    """Every matrix to report, with its own data sets, and where its cells stand."""
    if matrix is not None:
        situation = look(matrix, None, results, None)
        found = [(situation.matrix.name, situation.matrix.sources, situation.cells, situation.scan)]
    else:
        found = []
        for each in read_manifests(results):
            scan, _, cells = look_at_cells(each.cells, each, results, data_root(None, None))
            found.append((each.name, each.sources, cells, scan))
    if not any(standing.record for _, _, cells, _ in found for standing in cells):
        what = "holds no records to report."
        raise RecordError(
            Fault(str(results), what, "Run `harness run --matrix FILE` first, or name another --results.")
        )
    return found


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
