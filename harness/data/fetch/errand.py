"""What one fetch is about, the folder that it works in, and files brought there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rich.filesize import decimal

from harness.data.catalog import DatasetRow
from harness.data.fetch.archive import UNPACKING
from harness.data.fetch.download import Origin, Progress, download
from harness.data.fetch.sources import RemoteFile, Source, Web
from harness.errors import DataError, Fault
from harness.files import digest_text

Say = Callable[[str], None]
Rebuild = Callable[[str, Path], bytes]
"""From a data set's name and a folder with its annotation files to the bytes of its split file, or DataError."""

_WORK = ".fetch"


@dataclass(frozen=True, slots=True)
class Errand:
    """What one fetch is about.

    Attributes:
        row: the data set.
        root: the folder of the data sets.
        source: where it can be had.
        mirror: an address below which files are looked for first.
        say: told what happens, a line at a time.
        progress: told how far the work at hand is.
        rebuild: makes a split again from annotation files.
    """

    row: DatasetRow
    root: Path
    source: Source
    mirror: str | None
    say: Say
    progress: Progress
    rebuild: Rebuild | None

    @property
    def folder(self) -> Path:
        """The data set's folder."""
        return self.root / str(self.row.layout.folder)

    @property
    def work(self) -> Path:
        """Where unfinished work lies: inside the data set's folder, so that images are moved without copying."""
        return self.folder / _WORK

    def on_mirror(self, file: RemoteFile) -> tuple[Web, ...]:
        """The file's place on the mirror, where there is one."""
        return () if self.mirror is None else (Web(f"{self.mirror.rstrip('/')}/{quote(file.name)}"),)


@contextmanager
def working_alone(errand: Errand) -> Iterator[None]:
    """The folder for unfinished work, for one process at a time; gone afterwards if nothing is in it.

    Raises:
        DataError: another process fetches this data set.
    """
    from filelock import FileLock, Timeout

    errand.work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(errand.work / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        what = "another `harness data fetch` is at work here."
        raise DataError(Fault(str(errand.folder), what)) from None
    try:
        for left in errand.work.glob(f"{UNPACKING}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        _sweep(errand.work)
        lock.release()


def _sweep(work: Path) -> None:
    """Remove the folder of unfinished work unless a download is in it, and then the data set's, if empty."""
    if any(path.is_file() for path in work.glob("*/*")):
        return
    shutil.rmtree(work, ignore_errors=True)
    with suppress(OSError):
        work.parent.rmdir()


def bring(errand: Errand, file: RemoteFile) -> tuple[Path, Origin]:
    """The file, and where it came from: the first place that works.

    Raises:
        DataError: none does; all their answers.
    """
    faults: list[Fault] = []
    for place in file.places:
        # Under the digest, so that what is left of one place is gone on with at another, and never mixed up.
        key = (file.sha256 or file.md5 or digest_text(repr(place)))[:12]
        target = errand.work / key / file.name
        size = f" ({decimal(file.n_bytes)})" if file.n_bytes else ""
        errand.say(f"{file.name}{size} from {place}")
        try:
            return target, download(file, place, target, errand.progress)
        except DataError as error:
            faults += error.faults
            errand.say(f"  {' '.join(f'{fault.what} {fault.mend}'.rstrip() for fault in error.faults)}")
    raise DataError(faults)
