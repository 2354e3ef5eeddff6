"""``harness report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.cli.output import console
from harness.cli.state.entries import entries_of, has_page, jobs_of, look_at_matrices
from harness.errors import Fault, RecordError
from harness.report.build import MOST_DETAILED, build_report
from harness.report.figures.ahead import drawing_ahead
from harness.report.numbers.entry import Entry
from harness.report.page.document import PAGE_FILE, page_content, page_html
from harness.report.published.tally import Tally
from harness.report.report import Report
from harness.report.sections.evidence import Choices
from harness.report.terminal import summary
from harness.report.write import write_file, write_report

_MOST_REASONS = 8


def report_command(matrix: Path | None, results: Path, out: Path | None, choices: Choices | None = None) -> int:
    """Write tables, figures and the page of one matrix, or of all that were run, and print a summary.

    Raises:
        HarnessError: the matrix cannot be used, or there is not a single record to report.
    """
    matrices = look_at_matrices(matrix, results)
    made = []
    with drawing_ahead() as ahead:
        for each in matrices:
            known = entries_of(each, results)
            report = build_report(each.name, known.entries, choices)
            drawn = ahead.draw(report.all_figures)
            is_paged = known.has_records and has_page(known.entries)
            made.append((report, known, drawn, _page(report, known.entries, results) if is_paged else None))
        if not any(known.has_records for _, known, *_ in made):
            what = "holds no records to report."
            raise RecordError(
                Fault(str(results), what, "Run `harness run --matrix FILE` first, or name another --results.")
            )
        for report, known, drawn, page in made:
            for path, reason in known.broken.items():
                console.note(f"{path} {reason}; it is left out", style="yellow")
            folder = _folder(report.name, results, out, several=matrix is None)
            written = write_report(report, folder, drawn)
            said = _write_page(folder / PAGE_FILE, page)
            for block in summary(report):
                console.show(block)
            for tally in report.tallies:
                _say(report.name, tally, explains=tally.comparable > 0 or len(report.tallies) == 1)
            console.say(f"{report.name}: {len(written) + (page is not None)} files in {folder}; {said}")
    return 0


def _page(report: Report, entries: Sequence[Entry], results: Path) -> str:
    return page_html(page_content(report, entries, jobs_of(report.name, entries, results)))


def _write_page(path: Path, page: str | None) -> str:
    """Write the page, or take away that of an earlier report where there is none; what is said of it."""
    if page is None:
        path.unlink(missing_ok=True)
        return f"no page, which shows {MOST_DETAILED:,} cells at most"
    write_file(path, page.encode())
    return f"{path} opens in a browser"


def _say(matrix: str, tally: Tally, *, explains: bool) -> None:
    """Print how many numbers compare how, and why the others cannot."""
    console.say(f"{matrix} against {tally}")
    reasons = list(tally.reasons.items()) if explains else []
    for reason, count in reasons[:_MOST_REASONS]:
        console.say(f"  {count} not comparable: {reason}")
    if len(reasons) > _MOST_REASONS:
        console.say(f"  and {len(reasons) - _MOST_REASONS} other reasons; the table has them all")


def _folder(name: str, results: Path, out: Path | None, several: bool) -> Path:
    """Where the files go; with ``--out`` and several matrices, a folder each."""
    if out is None:
        return results / name / "report"
    return out / name if several else out
