"""The images of a data set, from wherever they can be had into their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from harness.data.fetch.archive import unpacked
from harness.data.fetch.download import Origin
from harness.data.fetch.errand import Errand, bring
from harness.data.fetch.lists import copy_lists, has_class_folders, has_lists, list_files
from harness.data.fetch.placing import InTheWayError, Piece, is_there, pieces, put
from harness.data.split import PARTS
from harness.errors import DataError, Fault
from harness.files import digest_file


def has_images(errand: Errand) -> bool:
    """Whether all images are in their place; their lists are there.

    Raises:
        InTheWayError: some are not, and something is in their place.
    """
    return all(is_there(piece) for piece in _pieces(errand))


def download_images(errand: Errand) -> list[Origin]:
    """Where the images came from: the first way that works, those over the mirror before the others.

    Raises:
        DataError: none does; or something is in the way.
    """
    ways = [way for way in errand.source.images if all(file.places for file in way)]
    if errand.mirror is not None:
        mirrored = [[replace(file, places=errand.on_mirror(file)) for file in way] for way in errand.source.images]
        ways = [*map(tuple, mirrored), *ways]
    tried: list[Fault] = []
    for way in ways:
        try:
            found = [bring(errand, file) for file in way]
            with _unpacked(errand, [path for path, _ in found]) as tree:
                take(errand, tree, " with ".join(origin.address for _, origin in found), link=False)
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


def unpack_given(errand: Errand, archives: list[Path]) -> list[Origin]:
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
        take(errand, tree, " with ".join(map(str, archives)), link=False)
    return origins


def take(errand: Errand, tree: Path, called: str, *, link: bool) -> None:
    """Put what a tree holds of the data set in its place: lists that are still missing, then all images.

    Raises:
        DataError: the tree does not hold the images, or there is no split to find them by.
        InTheWayError: something is in the way.
    """
    if not has_lists(errand) and not copy_lists(errand, tree) and not has_class_folders(errand.row):
        names = ", ".join(path.name for path in list_files(errand.row, errand.root))
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


def _pieces(errand: Errand) -> list[Piece]:
    """The folders of images, once the lists are there."""
    split = None if has_class_folders(errand.row) else errand.row.layout.read_split(errand.root)
    return pieces(errand.row, errand.root, split)


@contextmanager
def _unpacked(errand: Errand, archives: Sequence[Path]) -> Iterator[Path]:
    """A folder with the data set's part of the archives; images that the split does not list are left out."""
    wanted: Callable[[PurePosixPath], bool] = lambda _: True  # noqa: E731
    if not has_class_folders(errand.row) and has_lists(errand):
        split = errand.row.layout.read_split(errand.root)
        listed = frozenset(item.path for part in PARTS for item in getattr(split, part))

        def wanted(path: PurePosixPath) -> bool:
            return any("/".join(path.parts[start:]) in listed for start in range(len(path.parts)))

    errand.say(f"unpacking {', '.join(path.name for path in archives)}")
    with unpacked(archives, errand.work, wanted, errand.say, errand.progress) as tree:
        yield tree
