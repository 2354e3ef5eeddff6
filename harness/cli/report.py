"""``harness report``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cli import console
from harness.cli.job_logs import read_jobs
from harness.cli.situation import look as look_at_matrix
from harness.cli.situation import look_at_cells
from harness.data.dataset import data_root
from harness.errors import Fault, HarnessError, RecordError
from harness.files import write_text
from harness.matrix.source import DatasetSource
from harness.plan.pending import Standing
from harness.report.build import build_report, write_report
from harness.report.entry import Entry, Gap, Words
from harness.report.page.document import PAGE_FILE, page_content, page_html
from harness.report.page.logs import Jobs
from harness.report.terminal import summary
from harness.report.words import words_of
from harness.store.manifest import read_manifests
from harness.store.records import Scan, record_path

WORDS_SUFFIX = ".words.json"


@dataclass(frozen=True, slots=True)
class Look:
    """A matrix with where its cells stand, and the records that were read for it."""

    name: str
    sources: tuple[DatasetSource, ...]
    cells: tuple[Standing, ...]
    scan: Scan


def report_command(matrix: Path | None, results: Path, out: Path | None, port: int | None = None) -> int:
    """Write tables, curves and the page of one matrix, or of all that were run, and print a summary.

    Raises:
        RecordError: there is not a single record to report.
        HarnessError: a port is named although nothing is served.
    """
    if port is not None:
        raise HarnessError(Fault("--port", "has no meaning without --serve.", "Add --serve, or leave it out."))
    looks = look_at_matrices(matrix, results)
    if not any(standing.record for look in looks for standing in look.cells):
        raise RecordError(
            Fault(
                str(results),
                "holds no records to report.",
                "Run `harness run --matrix FILE` first, or name another --results.",
            )
        )
    for look in looks:
        for path, reason in look.scan.broken.items():
            console.note(f"{path} {reason}; it is left out", style="yellow")
        folder = _folder(look.name, results, out, several=matrix is None)
        entries = entries_of(look, results)
        report = build_report(look.name, entries)
        page = folder / PAGE_FILE
        written = {*write_report(report, folder), page}
        write_text(page, page_html(page_content(report, entries, jobs_of(look, results))))
        for block in summary(report):
            console.out().print(block)
        console.say(f"{look.name}: {len(written)} files in {folder}; {page} opens in a browser")
    return 0


def look_at_matrices(matrix: Path | None, results: Path) -> list[Look]:
    """Every matrix to report: the one of a file, or all that were run.

    Raises:
        MatrixError: the file cannot be used.
    """
    if matrix is not None:
        situation = look_at_matrix(matrix, None, results, None)
        return [Look(situation.matrix.name, situation.matrix.sources, situation.cells, situation.scan)]
    found = []
    for each in read_manifests(results):
        scan, _, cells = look_at_cells(each.cells, each, results, data_root(None, None))
        found.append(Look(each.name, each.sources, cells, scan))
    return found


def entries_of(look: Look, results: Path) -> list[Entry]:
    """What the report is made from: every cell with its record, or with the reason why it has none."""
    likes = {source.name: source.like for source in look.sources}
    wanted = words_of(standing.cell for standing in look.cells)
    return [
        replace(_entry(cell, results if cell.cell in wanted else None), like=likes.get(cell.cell.dataset))
        for cell in look.cells
    ]


def jobs_of(look: Look, results: Path, *, is_live: bool = False) -> Jobs:
    """The jobs that the cells ran in."""
    failed = {standing.id: standing.why for standing in look.cells if standing.state == "failed"}
    return read_jobs(results, look.name, failed, is_live=is_live)


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
    gap: Gap = "stale" if standing.why.startswith("stale") else "missing"
    return Entry(standing.cell, None, gap, why=standing.why)


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
