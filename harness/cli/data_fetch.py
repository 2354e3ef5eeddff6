"""``harness data fetch``."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

import rich.progress as bars
from rich.filesize import decimal

from harness.cli import console
from harness.data.catalog import DATASETS
from harness.data.dataset import data_root
from harness.data.fetch.fetch import fetch
from harness.data.fetch.sources import SOURCES
from harness.data.layout import Bundled
from harness.data.rebuild.rebuild import REBUILDABLE, rebuild_split
from harness.errors import DataError, Fault, did_you_mean

_OK, _FAULTY = 0, 1


def fetch_command(name: str, data: Path | None, given: Path | None, mirror: str | None) -> int:
    """Fetch one data set, its terms first; 1 when images are missing or wrong afterwards."""
    row = DATASETS.get(name)
    if row is None:
        raise DataError(Fault(name, "is no known data set.", did_you_mean(name, list(DATASETS))))
    if isinstance(row.layout, Bundled):
        console.say(f"{name} comes with {row.layout.package}; there is nothing to fetch")
        return _OK
    root = data_root(data, None)
    if root is None:
        raise DataError(Fault("", "no data folder: give --data DIR or set HARNESS_DATA."))
    source = SOURCES[name]
    console.say(f"{name}: {source.homepage}")
    console.say(f"terms: {source.terms}")
    if given is None and source.images and source.download_bytes is not None:
        console.say(f"download: about {decimal(source.download_bytes)}, and as much again to unpack it")
    with _Bar() as bar:
        rebuild = rebuild_split if name in REBUILDABLE else None
        faults = fetch(row, root, given, mirror, say=bar.line, progress=bar.step, rebuild=rebuild)
    if faults:
        console.faults(faults)
        return _FAULTY
    console.say(f"{name}: complete in {root / str(row.layout.folder)}")
    return _OK


class _Bar:
    """A bar of bytes in a terminal, and nothing but lines elsewhere."""

    def __init__(self) -> None:
        self._bar: bars.Progress | None = None
        self._tasks: dict[str, bars.TaskID] = {}
        if sys.stderr.isatty():
            self._bar = bars.Progress(
                bars.TextColumn("{task.description}"),
                bars.BarColumn(),
                bars.DownloadColumn(),
                bars.TransferSpeedColumn(),
                bars.TextColumn("left"),
                bars.TimeRemainingColumn(),
                console=console.err(),
            )

    def __enter__(self) -> _Bar:
        """Show the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def step(self, name: str, done: int, total: int | None) -> None:
        """Move the bar of the file at hand."""
        if self._bar is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total)
        self._bar.update(self._tasks[name], completed=done, total=total)

    def line(self, text: str) -> None:
        """Say what happens; what comes next has a bar of its own."""
        for task in self._tasks.values():
            if self._bar is not None:
                self._bar.remove_task(task)
        self._tasks.clear()
        if self._bar is None:
            console.note(text)
        else:
            self._bar.refresh()
            self._bar.console.print(text, markup=False)
