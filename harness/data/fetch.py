"""A data set fetched: its split first, since the images are found by it, then the images, then a look at all.

Nothing appears in its place before it is complete: downloads and unpacking happen in ``.fetch`` in the data set's
folder, and images are moved from there in one step.
"""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from harness.data.archive import UNPACKING, unpacked
from harness.data.audit import audit
from harness.data.catalog import DATASETS, DatasetRow
from harness.data.class_folders import read_class_names
from harness.data.download import Origin, Progress, download
from harness.data.layout import ImageNetFolders, ShiftedFolders, SplitFile, TextLists
from harness.data.placing import InTheWayError, Piece, folders_with, is_there, pieces, put
from harness.data.sources import CLASS_NAMES, SOURCES, RemoteFile, Source, Web
from harness.data.split import PARTS
from harness.errors import DataError, Fault
from harness.files import digest_file, digest_text, parsed_json, write_bytes, write_text

RECEIPT = "harness_receipt.json"
IMAGENET_NAMES = DATASETS["imagenet"].class_names_digest
Say = Callable[[str], None]
Rebuild = Callable[[str, Path], bytes]
"""From a data set's name and a folder with its annotation files to the bytes of its split file, or DataError."""

_WORK = ".fetch"
_SHOWN = 3  # missing images that are named


@dataclass(frozen=True, slots=True)
class _Errand:
    """What one call is about."""

    row: DatasetRow
    root: Path
    source: Source
    mirror: str | None
    say: Say
    progress: Progress
    rebuild: Rebuild | None

    @property
    def folder(self) -> Path:
        return self.root / str(self.row.layout.folder)

    @property
    def work(self) -> Path:
        return self.folder / _WORK


def fetch(
    row: DatasetRow,
    root: Path,
    given: Path | None = None,
    mirror: str | None = None,
    *,
    say: Say = lambda _: None,
    progress: Progress = lambda *_: None,
    rebuild: Rebuild | None = None,
) -> list[Fault]:
    """What is still missing or wrong of a data set once it is fetched; mostly nothing.

    What is there and right is kept. A receipt in the data set's folder says where the rest came from.

    Args:
        row: the data set, one of ``SOURCES``.
        root: the folder of the data sets.
        given: an archive, which is unpacked, or a folder, which is linked, instead of a download.
        mirror: an address; below it, archives and split files are looked for by their names first.
        say: told what happens, a line at a time.
        progress: told how far the work at hand is.
        rebuild: makes a split again from annotation files.

    Raises:
        DataError: no source works, with what each of them answered; something is in the way; or the disk is full.
    """
    source = SOURCES.get(row.name)
    if source is None or row.layout.folder is None:
        raise DataError(Fault(row.name, "there is nothing to fetch."))
    errand = _Errand(row, root, source, mirror, say, progress, rebuild)
    try:
        with _alone(errand):
            origins, reasons = _get(errand, given)
            say("check: looking for every image")
            found = audit(row, root)
            faults = [*found.findings, *(reasons if found.digest is None else ())]
            if origins:
                _write_receipt(errand, origins, found.digest)
            for downloads in errand.work.glob("*/"):
                shutil.rmtree(downloads)
    except OSError as error:
        what = f"cannot be read or written: {error.strerror or error}."
        raise DataError(Fault(str(error.filename or errand.folder), what)) from None
    return faults


def _get(errand: _Errand, given: Path | None) -> tuple[list[Origin], list[Fault]]:
    """Where everything came from that was not there before, and why lists that are missing could not be had.

    Images in class folders are of use before their class names are there.
    """
    row, source = errand.row, errand.source
    if given is not None and not given.exists():
        raise DataError(Fault(str(given), "is missing.", "--from names an archive or a folder."))
    if given is None and source.by_hand and not (_has_lists(errand) and _has_images(errand)):
        raise DataError(Fault(row.name, "is not fetched by a program.", source.by_hand))
    tree = given if given is not None and given.is_dir() else None
    origins, reasons = _get_lists(errand, tree)
    if (_is_imagenet(row) or _has_lists(errand)) and _has_images(errand):
        errand.say("images: all there")
        return origins, reasons
    archives = [given] if given is not None and tree is None else []
    if tree is not None:
        way = next((way for way in source.images if all((tree / file.name).is_file() for file in way)), ())
        archives = [tree / file.name for file in way]
    try:
        if archives:
            origins += _unpack_given(errand, archives)
        elif tree is not None:
            _take(errand, tree, str(tree), link=True)
            origins.append(Origin("", str(tree.resolve())))
        else:
            origins += _download_images(errand)
    except InTheWayError:
        raise
    except DataError as error:
        raise DataError([*reasons, *error.faults]) from None
    return origins, reasons


def _download_images(errand: _Errand) -> list[Origin]:
    """Where the images came from: the first way that works, those over the mirror before the others.

    Raises:
        DataError: none does; or something is in the way.
    """
    ways = [way for way in errand.source.images if all(file.places for file in way)]
    if (mirror := errand.mirror) is not None:
        ways = [
            *(tuple(replace(file, places=(_at(mirror, file),)) for file in way) for way in errand.source.images),
            *ways,
        ]
    tried: list[Fault] = []
    for way in ways:
        try:
            found = [_download_any(errand, file) for file in way]
            with _unpacked(errand, [path for path, _ in found]) as tree:
                _take(errand, tree, " with ".join(origin.address for _, origin in found), link=False)
        except InTheWayError:
            raise
        except DataError as error:
            tried += error.faults
            continue
        return [origin for _, origin in found]
    names = " or ".join(dict.fromkeys(" with ".join(file.name for file in way) for way in errand.source.images))
    dead = f" Known not to work: {errand.source.dead}." if errand.source.dead else ""
    mend = (
        f"Try again later; or get {names} elsewhere (the authors: {errand.source.homepage}) and give it with "
        f"--from PATH; or name the folder of a server that has it with --mirror URL.{dead}"
    )
    raise DataError([*tried, Fault(errand.row.name, "no source of its images worked.", mend)])


def _unpack_given(errand: _Errand, archives: list[Path]) -> list[Origin]:
    """Where the images came from: archives of the user.

    Raises:
        DataError: an archive is refused, or does not hold the images.
    """
    known = {file.name: file for way in errand.source.images for file in way}
    origins = []
    for archive in archives:
        sha256 = digest_file(archive)
        published = known[archive.name].sha256 if archive.name in known else None
        if published not in (None, sha256):
            errand.say(
                f"warning: {archive} is not the published one (SHA-256 {sha256}, published {published}); "
                "its images are known by their names only"
            )
        origins.append(Origin(archive.name, str(archive.resolve()), None, archive.stat().st_size, sha256))
    with _unpacked(errand, archives) as tree:
        _take(errand, tree, " with ".join(map(str, archives)), link=False)
    return origins


def _take(errand: _Errand, tree: Path, called: str, *, link: bool) -> None:
    """Put what a tree holds of the data set in its place: lists that are still missing, then all images.

    Raises:
        DataError: the tree does not hold the images, or there is no split to find them by.
        InTheWayError: something is in the way.
    """
    if not _has_lists(errand) and not _copy_lists(errand, tree) and not _is_imagenet(errand.row):
        names = ", ".join(path.name for path in _list_files(errand.row, errand.root))
        raise DataError(Fault(called, f"does not hold the published split ({names})."))
    found = []
    for piece in _pieces(errand):
        if is_there(piece):
            continue
        folder = piece.find(tree)
        if folder is None:
            what = f"does not hold the images of {errand.row.name} under their original names"
            raise DataError(Fault(called, f"{what} (for {piece.target})."))
        found.append((folder, piece))
    for folder, piece in found:
        put(folder, piece, link=link)
        errand.say(f"images: {piece.target}" + (f" -> {folder.resolve()}" if link else ""))


def _get_lists(errand: _Errand, tree: Path | None) -> tuple[list[Origin], list[Fault]]:
    """Where the split file or the class names came from, and, when nowhere, why.

    Raises:
        InTheWayError: another file is in the place of a list.
    """
    row = errand.row
    if _has_lists(errand):
        errand.say("split: there, as published" if not _is_imagenet(row) else "class names: there, as published")
        return [], []
    files = _list_files(row, errand.root)
    if there := [path for path in files if path.exists()]:
        what = "is in the way: it is not the published one, or others that belong to it are missing."
        raise InTheWayError([Fault(str(path), what, "Move it away, and fetch again.") for path in there])
    for place in _other_folders(errand) if tree is None else [tree, *_other_folders(errand)]:
        if _copy_lists(errand, place):
            return [Origin(file.name, str(place.resolve()), sha256=digest_file(file)) for file in files], []
    reasons: list[Fault] = []
    for place in [errand.folder] if tree is None else [errand.folder, tree]:
        if errand.rebuild is not None:
            try:
                write_bytes(files[0], errand.rebuild(row.name, place))
            except DataError as error:
                reasons += error.faults
            else:
                errand.say(f"split: rebuilt from the annotation files in {place}")
                return [Origin(files[0].name, f"rebuilt from {place}", sha256=digest_file(files[0]))], []
    wanted = (CLASS_NAMES,) if _is_imagenet(row) else errand.source.split_files
    for file in wanted:
        places = (_at(errand.mirror, file), *file.places) if errand.mirror is not None else file.places
        if not places:
            continue
        try:
            path, origin = _download_any(errand, replace(file, places=places))
        except DataError as error:
            reasons += error.faults
            if _is_imagenet(row):
                reasons[-1] = replace(reasons[-1], mend=f"Open it in a browser, and save it as {files[0]}.")
            continue
        if _copy_lists(errand, path.parent):
            return [origin], []
        path.unlink()
        reasons.append(Fault(origin.address, f"gave a {file.name} that is not the published one."))
    return [], reasons


def _copy_lists(errand: _Errand, tree: Path) -> bool:
    """Whether the tree holds the right lists; they are copied into their place.

    Raises:
        InTheWayError: another file is in the place of one.
    """
    files = _list_files(errand.row, errand.root)
    for folder in folders_with(tree, [path.name for path in files]):
        if not _are_right(errand.row, folder):
            continue
        for path in files:
            content = (folder / path.name).read_bytes()
            if path.exists() and path.read_bytes() != content:
                raise InTheWayError(Fault(str(path), "is in the way.", "Move it away, and fetch again."))
            write_bytes(path, content)
        errand.say(f"{'class names' if _is_imagenet(errand.row) else 'split'}: {', '.join(map(str, files))}")
        return True
    return False


def _other_folders(errand: _Errand) -> list[Path]:
    """Folders of data sets under the root that may have the same class names."""
    if not _is_imagenet(errand.row):
        return []
    rows = [row for row in DATASETS.values() if _is_imagenet(row) and row.name != errand.row.name]
    return [folder for row in rows if (folder := errand.root / str(row.layout.folder)).is_dir()]


def _has_lists(errand: _Errand) -> bool:
    return _are_right(errand.row, errand.folder)


def _are_right(row: DatasetRow, folder: Path) -> bool:
    """Whether the lists in a folder are there, and say what the published ones say."""
    layout = row.layout
    try:
        if isinstance(layout, ImageNetFolders | ShiftedFolders):
            names = read_class_names(folder / CLASS_NAMES.name).values()
            return digest_text("".join(f"{name}\n" for name in names)) == IMAGENET_NAMES
        assert isinstance(layout, SplitFile | TextLists)
        # An absolute folder stays itself under any root.
        return replace(layout, folder=str(folder.absolute())).read_split(Path()).digest == row.split_digest
    except DataError:
        return False


def _is_imagenet(row: DatasetRow) -> bool:
    """Whether the images say the split, and only the class names are a list."""
    return isinstance(row.layout, ImageNetFolders | ShiftedFolders)


def _list_files(row: DatasetRow, root: Path) -> list[Path]:
    """The places of the split file, the split lists or the class names."""
    return [place for place in row.layout.needs(root) if place.suffix in (".json", ".txt")]


def _pieces(errand: _Errand) -> list[Piece]:
    """The folders of images, once the lists are there."""
    split = None if _is_imagenet(errand.row) else errand.row.layout.read_split(errand.root)
    return pieces(errand.row, errand.root, split)


def _has_images(errand: _Errand) -> bool:
    return all(is_there(piece) for piece in _pieces(errand))


def _at(mirror: str, file: RemoteFile) -> Web:
    return Web(f"{mirror.rstrip('/')}/{quote(file.name)}")


def _download_any(errand: _Errand, file: RemoteFile) -> tuple[Path, Origin]:
    """The file, and where it came from: the first place that works.

    Raises:
        DataError: none does; all their answers.
    """
    faults: list[Fault] = []
    for place in file.places:
        # Under the digest, so that what is left of one place is gone on with at another, and never mixed up.
        key = (file.sha256 or file.md5 or digest_text(repr(place)))[:12]
        target = errand.work / key / file.name
        size = f" ({size_text(file.n_bytes)})" if file.n_bytes else ""
        errand.say(f"{file.name}{size} from {place}")
        try:
            return target, download(file, place, target, errand.progress)
        except DataError as error:
            faults += error.faults
            errand.say(f"  {' '.join(f'{fault.what} {fault.mend}'.rstrip() for fault in error.faults)}")
    raise DataError(faults)


@contextmanager
def _unpacked(errand: _Errand, archives: Sequence[Path]) -> Iterator[Path]:
    """A folder with the data set's part of the archives; images that the split does not list are left out."""
    wanted: Callable[[PurePosixPath], bool] = lambda _: True  # noqa: E731
    if not _is_imagenet(errand.row) and _has_lists(errand):
        split = errand.row.layout.read_split(errand.root)
        listed = frozenset(item.path for part in PARTS for item in getattr(split, part))

        def wanted(path: PurePosixPath) -> bool:
            return any("/".join(path.parts[start:]) in listed for start in range(len(path.parts)))

    errand.say(f"unpacking {', '.join(path.name for path in archives)}")
    with unpacked(archives, errand.work, wanted, errand.say, errand.progress) as tree:
        yield tree


def _write_receipt(errand: _Errand, origins: Sequence[Origin], split_digest: str | None) -> None:
    """Leave a note of where things came from; what an earlier call brought stays in it."""
    path = errand.folder / RECEIPT
    new = {origin.file for origin in origins}
    try:
        kept = [file for file in parsed_json(path.read_text(encoding="utf-8"))["files"] if file["file"] not in new]
    except (OSError, ValueError, KeyError, TypeError):
        kept = []
    content = {
        "dataset": errand.row.name,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "files": [*kept, *map(asdict, origins)],
        "split_digest": split_digest,
    }
    write_text(path, json.dumps(content, indent=2) + "\n")


@contextmanager
def _alone(errand: _Errand) -> Iterator[None]:
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


def size_text(n_bytes: int) -> str:
    """A size as people read it, such as ``137.4 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes} bytes"
