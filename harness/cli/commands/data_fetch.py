"""``harness data fetch``."""

from __future__ import annotations

from pathlib import Path

import rich.progress as bars
from rich.filesize import decimal

from harness.cli.output import console
from harness.cli.output.bar import Bars
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
    with _FileBar() as bar:
        rebuild = rebuild_split if name in REBUILDABLE else None
        faults = fetch(row, root, given, mirror, say=bar.say, progress=bar.step, rebuild=rebuild)
    if faults:
        console.faults(faults)
        return _FAULTY
    console.say(f"{name}: complete in {root / str(row.layout.folder)}")
    return _OK


class _FileBar(Bars):
    """A bar of bytes for the file at hand."""

    def __init__(self) -> None:
        super().__init__(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.DownloadColumn(),
            bars.TransferSpeedColumn(),
            bars.TextColumn("left"),
            bars.TimeRemainingColumn(),
        )
        self._file: tuple[str, bars.TaskID] | None = None

    def step(self, name: str, done: int, total: int | None) -> None:
        """Move the bar of a file, which takes the place of another's."""
        if self.bars is None:
            return
        if self._file is None or self._file[0] != name:
            self._clear()
            self._file = name, self.bars.add_task(name, total=total)
        self.bars.update(self._file[1], completed=done, total=total)

    def say(self, text: str) -> None:
        """Say what happens; what comes next has a bar of its own."""
        self._clear()
        self.line(text)

    def _clear(self) -> None:
        if self.bars is not None and self._file is not None:
            self.bars.remove_task(self._file[1])
            self.bars.refresh()
        self._file = None
