"""``harness report --serve``."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from harness.cli.output import console
from harness.cli.state.entries import entries_of, has_page, jobs_of, look_at_matrices
from harness.dispatch.orders import INTERRUPTED, SignalledError
from harness.errors import Fault, HarnessError, RecordError
from harness.report.build import MOST_DETAILED, build_report
from harness.report.page.document import Content, page_content
from harness.report.page.serve import PageServer, Source
from harness.report.sections.evidence import Choices
from harness.store.records import records_folder

DEFAULT_PORT = 8765
_WATCHED = ("*/cells.json", "*/jobs/*-run/events.jsonl")


def serve_command(matrix: Path | None, results: Path, out: Path | None, port: int | None, choices: Choices) -> int:
    """Serve the page of one matrix, or of all that were run, until it is interrupted; writes no file.

    Raises:
        RecordError: no matrix was run into the results folder.
        HarnessError: the port cannot be had, or a folder is named although nothing is written.
    """
    if out is not None:
        raise HarnessError(
            Fault("--out", "has no meaning with --serve, which writes nothing.", "Give one of the two.")
        )
    looks = look_at_matrices(matrix, results)
    faults = [
        Fault(look.name, f"has {len(look.of.cells):,} cells; a page shows {MOST_DETAILED:,} at most.", "Split it.")
        for look in looks
        if not has_page(look.of.cells)
    ]
    if faults:
        raise HarnessError(faults)
    sources = {look.name: _source(look.name, matrix, results, choices) for look in looks}
    with PageServer(sources, DEFAULT_PORT if port is None else port, _complain) as server:
        console.say(f"{', '.join(sources)}: {server.address} until Ctrl-C; only this machine is answered")
        try:
            server.serve_forever()
        except SignalledError as signalled:
            if signalled.exit_code != INTERRUPTED:
                raise
            console.note("stopped serving; nothing was written")
    return 0


def _complain(text: str) -> None:
    console.note(text, style="yellow")


def _source(name: str, matrix: Path | None, results: Path, choices: Choices) -> Source:
    return Source(lambda: _mark(matrix, results), lambda: _content(name, matrix, results, choices))


def _content(name: str, matrix: Path | None, results: Path, choices: Choices) -> Content:
    """The page of a matrix as its records are now.

    Raises:
        RecordError: the matrix is not there any more.
    """
    for look in look_at_matrices(matrix, results):
        if matrix is not None or look.name == name:
            entries = entries_of(look, results).entries
            jobs = jobs_of(look.name, entries, results, is_live=True)
            return page_content(build_report(look.name, entries, choices), entries, jobs, has_files=False)
    raise RecordError(Fault(str(results), f"the matrix {name} is not here any more."))


def _mark(matrix: Path | None, results: Path) -> Hashable:
    """Names, sizes and times of all files that a page is made from."""
    paths = [
        *records_folder(results).glob("*.json"),
        *(path for pattern in _WATCHED for path in results.glob(pattern)),
    ]
    paths += [] if matrix is None else [matrix]
    return tuple(sorted((str(path), _state(path)) for path in paths))


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change; nothing of a file that has just gone."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
