"""Archives from the net: looked through before a byte is written, and unpacked into a folder that goes away again.

What kind an archive is, its first bytes say; names lie (ImageNetV2's ``.tar.gz`` is a plain tar). One member that
leads out of the folder, or is no plain file, and the archive is refused as a whole. Only what a data set is made
of is ever written: images, lists and archives within; so a pickle, which runs code when loaded, never is.
"""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from harness.data.images import IMAGE_SUFFIXES
from harness.errors import DataError, Fault

Wanted = Callable[[PurePosixPath], bool]
Step = Callable[[str, int, int | None], None]

UNPACKING = "unpacking-"
"""How the names of folders start that a killed process may leave."""

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz")
_LISTS = (".json", ".txt", ".mat")
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill")
_NOT_OF_THE_DATA = ("__MACOSX", "split_fewshot")  # a Mac's side files, and other people's draws
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError)
_MOST_FAULTS = 5  # members that are named one by one


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive; ``trouble`` says why it must not be unpacked."""

    path: PurePosixPath
    n_bytes: int
    is_file: bool
    trouble: str


def archive_kind(path: Path) -> Literal["zip", "tar"] | None:
    """What a file is by its content: ``tar`` stands for compressed tars, too; ``None`` for anything else."""
    with path.open("rb") as file:
        # A zip is also known by its end, but so is any file that happens to have one appended.
        if file.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            return "zip"
    try:
        return "tar" if tarfile.is_tarfile(path) else None
    except _DAMAGED:  # it starts like a compressed file, and goes on otherwise
        return None


def of_a_data_set(path: PurePosixPath) -> bool:
    """Whether a member can be part of a data set: an image, a list, or an archive with more of them."""
    if any(part.startswith(".") or part in _NOT_OF_THE_DATA for part in path.parts):
        return False
    return path.suffix.lower() in (*IMAGE_SUFFIXES, *_LISTS, *_ARCHIVES)


@contextmanager
def unpacked(
    archives: Iterable[Path], beside: Path, wanted: Wanted, say: Callable[[str], None], step: Step
) -> Iterator[Path]:
    """A folder with what is wanted of the archives, and of archives within them; it is removed afterwards.

    Args:
        archives: files; several are unpacked side by side.
        beside: where the folder is made, so that what it holds can be moved without copying.
        wanted: which members are unpacked, out of those that can be part of a data set.
        say: told what is left out.
        step: told how far it is.

    Raises:
        DataError: an archive is none, is damaged, or is refused; all the reasons together.
    """
    outer = Path(tempfile.mkdtemp(dir=beside, prefix=UNPACKING))
    folder = outer / "content"  # mkdtemp's own folder is closed to colleagues, and what is moved keeps its mode
    folder.mkdir()
    try:
        for archive in archives:
            _unpack(archive, folder, wanted, say, step)
        for archive in [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _ARCHIVES]:
            # Caltech101 is a tar in a zip. What lies deeper than that is no data set's.
            if archive.is_file() and archive_kind(archive) is not None:
                within = archive.with_name(f"{archive.name}.content")
                within.mkdir(exist_ok=True)
                _unpack(archive, within, wanted, say, step)
                archive.unlink()
        yield folder
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def members(archive: Path) -> list[Member]:
    """All entries of an archive.

    Raises:
        DataError: it is no archive, or is damaged.
    """
    kind = archive_kind(archive)
    if kind is None:
        raise DataError(Fault(str(archive), "is neither a zip nor a tar archive."))
    try:
        if kind == "zip":
            with zipfile.ZipFile(archive) as opened:
                return [_zip_member(info) for info in opened.infolist()]
        with tarfile.open(archive) as tar:
            return [_tar_member(info) for info in tar]
    except (*_DAMAGED, OSError, ValueError) as error:
        raise DataError(Fault(str(archive), f"the archive is damaged: {error}.")) from None


def _unpack(archive: Path, folder: Path, wanted: Wanted, say: Callable[[str], None], step: Step) -> None:
    """Unpack what is wanted.

    Raises:
        DataError: the archive is refused or damaged, or the disk has no room.
    """
    found = members(archive)
    _refuse(archive, found)
    pickles = [member for member in found if member.is_file and member.path.suffix.lower() in _PICKLES]
    if pickles:
        say(f"{archive.name}: {len(pickles)} pickles left out, {str(pickles[0].path)!r} first")
    keep = {
        member.path
        for member in found
        if member.is_file
        and of_a_data_set(member.path)
        and (member.path.suffix.lower() not in IMAGE_SUFFIXES or wanted(member.path))
    }
    total = sum(member.n_bytes for member in found if member.path in keep)
    free = shutil.disk_usage(folder).free
    if total > free:
        what = f"has {free:,} bytes free, and {archive.name} unpacks to {total:,}."
        raise DataError(Fault(str(folder.parent), what))
    done = 0
    try:
        if archive_kind(archive) == "zip":
            with zipfile.ZipFile(archive) as opened:
                for info in opened.infolist():
                    if PurePosixPath(info.filename) in keep and not info.is_dir():
                        opened.extract(info, folder)
                        done += info.file_size
                        step(archive.name, done, total)
        else:
            with tarfile.open(archive) as tar:
                # The idiom of Python's documentation; 3.11.3 and older have no filter, and `_refuse` came before.
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                for entry in tar:
                    if PurePosixPath(entry.name) in keep and entry.isfile():
                        tar.extract(entry, folder)
                        done += entry.size
                        step(archive.name, done, total)
    except (*_DAMAGED, OSError, ValueError, RuntimeError) as error:
        raise DataError(Fault(str(archive), f"the archive cannot be unpacked: {error}.")) from None


def _refuse(archive: Path, found: list[Member]) -> None:
    """Raise DataError when members must not be unpacked."""
    bad = [member for member in found if member.trouble]
    faults = [
        Fault(str(archive), f"the archive is refused: {str(member.path)!r} {member.trouble}.")
        for member in bad[:_MOST_FAULTS]
    ]
    if len(bad) > _MOST_FAULTS:
        faults.append(Fault(str(archive), f"{len(bad) - _MOST_FAULTS} more members must not be unpacked."))
    if not faults and not any(member.is_file for member in found):
        faults.append(Fault(str(archive), "the archive is empty."))
    if faults:
        raise DataError(faults)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)  # zero where the archive was made on Windows
    trouble = _leads_out(info.orig_filename)
    if info.flag_bits & 0x1:
        trouble = "is encrypted"
    elif kind == stat.S_IFLNK:
        trouble = "is a link"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        trouble = "is neither a file nor a folder"
    return Member(PurePosixPath(info.filename), info.file_size, not info.is_dir(), trouble)


def _tar_member(info: tarfile.TarInfo) -> Member:
    trouble = _leads_out(info.name)
    if info.issym() or info.islnk():
        trouble = "is a link"
    elif not (info.isfile() or info.isdir()):
        trouble = "is neither a file nor a folder"
    return Member(PurePosixPath(info.name), info.size, info.isfile(), trouble)


def _leads_out(name: str) -> str:
    """What is wrong with a path; nothing mostly."""
    if "\0" in name:
        return "has a zero byte in its name"
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in re.split(r"[/\\]", name):
        return "leads out of the folder"
    return ""
