"""``harness data check``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rich.progress as bars

from harness.cli.output import console
from harness.cli.state.datasets import Shelf, open_shelf
from harness.data.catalog import DatasetRow
from harness.data.check.audit import Audit, Tick, audit
from harness.errors import DataError, Fault


def check_command(
    names: Sequence[str], data: Path | None, decode: bool, content: bool, matrix: Path | None
) -> int:
    """Print what is wrong with data sets; 1 when something is.

    Raises:
        DataError: a name is unknown, or none is given and no data set is on disk.
        MatrixError: the matrix cannot be used.
    """
    shelf = open_shelf(matrix, data)
    if not names and shelf.matrix is not None:
        cells = shelf.matrix.cells
        names = [name for cell in cells for name in (cell.dataset, cell.target()[0])]
    n_findings = 0
    for row in shelf.rows(names) if names else _on_disk(shelf):
        with _bar(row.name) as tick:
            found = audit(row, shelf.root, decode=decode, content=content, tick=tick)
        for fault in found.findings:
            console.say(f"{row.name}: {fault}" if fault.where != row.name else str(fault))
        for fault in found.notes:
            console.say(f"{row.name}: note: {fault}")
        console.say(f"{row.name}: {_verdict(found, decode, content)}")
        n_findings += len(found.findings)
    return 1 if n_findings else 0


def _on_disk(shelf: Shelf) -> list[DatasetRow]:
    """The known data sets whose folder is there.

    Raises:
        DataError: there are none.
    """
    root = shelf.root
    inside = [] if root is None or not root.is_dir() else [place.name for place in root.iterdir()]
    here = [row for row in shelf.catalog.values() if row.layout.folder in inside]
    if not here:
        what = "no folder of a known data set." if root is not None else "no data folder is given."
        mend = "Name data sets, or give their folder: --data DIR or HARNESS_DATA."
        raise DataError(Fault("" if root is None else str(root), what, mend))
    return here


def _verdict(found: Audit, decode: bool, content: bool) -> str:
    """How many findings there are, or what was found to be well; then the split."""
    parts = []
    if found.findings:
        parts.append(f"{len(found.findings)} finding{'s' if len(found.findings) > 1 else ''}")
    else:
        parts.append("ok")
        if found.n_files:
            parts.append(f"{found.n_files:,} files are there{' and can be decoded' if decode else ''}")
            parts += ["no test image is a copy of another part's"] if content else []
    if found.n_images is not None and found.digest is not None:
        train, val, test = found.n_images
        parts.append(f"{train:,} train, {val:,} val and {test:,} test images of {found.n_classes:,} classes")
        parts.append(f"split {found.digest[:12]}")
    return "; ".join(parts)


@contextmanager
def _bar(name: str) -> Iterator[Tick | None]:
    """What moves a bar on stderr; ``None`` where there is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.TaskProgressColumn())
    with bars.Progress(*columns, bars.TimeRemainingColumn(), console=console.err(), transient=True) as shown:
        task = shown.add_task(name, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
