"""The files of a split, looked at side by side: whether they are there, decode, and are copies of each other."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from harness.data.check.misplaced import Places
from harness.data.check.spellings import Spellings, differs_in_spelling_only
from harness.data.images import ReadImage
from harness.data.split import PARTS, Split
from harness.errors import DataError, Fault, few
from harness.files import digest_file

Step = Callable[[int], None]
T = TypeVar("T")

_SHOWN_UNDECODABLE = 20
# Paths that one thread takes at a time: enough that handing out costs little, few enough that a bar moves.
_STATS, _READS = 2000, 50
_GET_ANEW = "Unpack or download them again."


@dataclass(frozen=True, slots=True)
class Looked:
    """The paths of a split by what is there; every path stands in one of them, in the split's order."""

    good: list[str]
    empty: list[str]
    missing: list[str]
    no_file: list[str]
    unseen: list[str]

    def faults(self, places: Places) -> list[Fault]:
        """One finding for each way in which files are not there."""
        faults = _missing_faults(self, places)
        for paths, what, mend in (
            (self.empty, "images are empty files", _GET_ANEW),
            (self.no_file, "images are folders or other things that are no files", "Move them out of the way."),
            (self.unseen, "images may not be looked at", "Let your user read the folders (chmod)."),
        ):
            if paths:
                faults.append(Fault(str(places.base), f"{len(paths):,} {what}: {few(paths)}.", mend))
        return faults


def look_at_files(base: Path, paths: Sequence[str], step: Step) -> Looked:
    """The paths by what is there.

    One ``stat`` a path tells the size, too; in many threads, since a network disk takes its time for each.
    """
    looked = Looked([], [], [], [], [])
    kinds = {"good": looked.good, "empty": looked.empty, "missing": looked.missing}
    kinds |= {"no file": looked.no_file, "unseen": looked.unseen}
    prefix = f"{base}{os.sep}"

    def kind(path: str) -> str:
        try:
            status = os.stat(prefix + path)  # noqa: PTH116 - a million Path objects take seconds
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except OSError:
            return "unseen"
        if not stat.S_ISREG(status.st_mode):
            return "no file"
        return "good" if status.st_size else "empty"

    for path, found in zip(paths, _side_by_side(kind, paths, _STATS, step), strict=True):
        kinds[found].append(path)
    return looked


def decoding_faults(base: Path, paths: Sequence[str], read: ReadImage, step: Step) -> list[Fault]:
    """A finding for each image that cannot be decoded, up to a number; then how many more there are."""

    def fault(path: str) -> Fault | None:
        try:
            read(path)
        except DataError as error:
            return error.faults[0]
        return None

    faults = [found for found in _side_by_side(fault, paths, _READS, step) if found is not None]
    more = len(faults) - _SHOWN_UNDECODABLE
    if more > 0:
        faults[_SHOWN_UNDECODABLE:] = [Fault(str(base), f"{more:,} more images cannot be decoded.", _GET_ANEW)]
    return faults


def same_content(base: Path, split: Split, paths: set[str], step: Step) -> tuple[list[Fault], list[Fault]]:
    """Findings and notes on files of the same bytes: test images that stand in another part, and other copies.

    Args:
        base: the image base.
        split: the split.
        paths: those of its paths that can be read.
        step: is told how many files are read.
    """
    parts = {part: [item.path for item in getattr(split, part) if item.path in paths] for part in PARTS}
    everything = [path for found in parts.values() for path in found]
    prefix = Path(base)

    def digest(path: str) -> str:
        try:
            return digest_file(prefix / path)
        except OSError:
            return path  # like no other; decoding says what is wrong with it

    digests = dict(zip(everything, _side_by_side(digest, everything, _READS, step), strict=True))
    wrong, harmless = [], []
    for first, second in combinations(PARTS, 2):
        here = {digests[path]: path for path in reversed(parts[first])}
        pairs = [f"{path} = {here[digests[path]]}" for path in parts[second] if digests[path] in here]
        if pairs:
            what = f"{len(pairs):,} {second} images have the bytes of {first} images: {few(pairs)}."
            if second == "test":
                mend = "Keep a published split as it is and say so with the numbers; mend one of your own."
                wrong.append(Fault(str(base), what, mend))
            else:
                harmless.append(Fault(str(base), what))
    for part, found in parts.items():
        n_copies = sum(count - 1 for count in Counter(digests[path] for path in found).values())
        if n_copies:
            harmless.append(Fault(str(base), f"{n_copies:,} {part} images are copies of others of that part."))
    return wrong, harmless


def _missing_faults(looked: Looked, places: Places) -> list[Fault]:
    """Findings on missing images: those under another name, those behind broken links, and the others."""
    base = places.base
    spellings = Spellings(base)
    respelled: list[str] = []
    other_form: list[str] = []
    links, gone = [], []
    for path in looked.missing:
        if found := spellings.found(path):
            (respelled if differs_in_spelling_only(path, found) else other_form).append(f"{path} as {found}")
        elif os.path.islink(base / path):  # noqa: PTH114 - Path's raises on EACCES
            links.append(path)
        else:
            gone.append(path)
    faults = []
    if gone:
        n_all = sum(map(len, (looked.good, looked.empty, looked.missing, looked.no_file, looked.unseen)))
        faults.append(_gone_fault(gone, n_all, places))
    for paths, what, mend in (
        (
            respelled,
            "images are there under names of another spelling",
            "Rename them: the split's spelling counts on this disk.",
        ),
        (
            other_form,
            "images are there in another form only",
            "Get the original archive: converted images have other pixels.",
        ),
        (links, "images are links to nothing", "Bring back what they point at, or unpack the images again."),
    ):
        if paths:
            faults.append(Fault(str(base), f"{len(paths):,} {what}: {few(paths)}.", mend))
    return faults


def _gone_fault(gone: list[str], n_all: int, places: Places) -> Fault:
    """The finding on images that are not there under any name."""
    by_folder = Counter(os.path.dirname(path) for path in gone)  # noqa: PTH120
    folders = [f"{name} ({n:,})" for name, n in by_folder.items() if name and not (places.base / name).exists()]
    what = f"{len(gone):,} of {n_all:,} images are missing: {few(gone)}"
    whole = f"; whole folders are missing: {few(folders)}" if folders else ""
    return Fault(str(places.base), f"{what}{whole}.", places.mend_images(gone))


def _side_by_side(work: Callable[[str], T], paths: Sequence[str], n_together: int, step: Step) -> Iterator[T]:
    """What ``work`` says of each path, in order; ``step`` is told how many are done.

    Threads do: Pillow, ``stat`` and SHA-256 let go of the interpreter's lock, and processes take seconds to start.
    """
    pool = ThreadPoolExecutor()
    chunks = [paths[start : start + n_together] for start in range(0, len(paths), n_together)]
    n_done = 0
    try:
        for answers in pool.map(lambda chunk: [work(path) for path in chunk], chunks):
            yield from answers
            n_done += len(answers)
            step(n_done)
    finally:
        pool.shutdown(cancel_futures=True)  # also when the user has seen enough
