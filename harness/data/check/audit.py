"""What is missing or wrong with a data set on disk, all of it at once, and what to do about it."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.check.image_files import decoding_faults, look_at_files, same_content
from harness.data.check.misplaced import Places, stale_pickles
from harness.data.dataset import require_root, unpublished
from harness.data.images import image_reader
from harness.data.split import PARTS, Split
from harness.errors import DataError, Fault, few

Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found of one data set.

    Attributes:
        name: of the data set.
        digest: of its split; ``None`` where the split cannot be read, and so are the next two.
        n_images: training, validation and test images of the split.
        n_classes: classes of the split.
        n_files: files that were looked for on disk.
        findings: what is wrong, and how to mend it.
        notes: what is worth knowing and no fault.
    """

    name: str
    digest: str | None = None
    n_images: tuple[int, int, int] | None = None
    n_classes: int | None = None
    n_files: int = 0
    findings: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()


def audit(
    row: DatasetRow,
    root: Path | None,
    *,
    decode: bool = False,
    content: bool = False,
    tick: Tick | None = None,
) -> Audit:
    """What is missing or wrong with a data set on disk; a fault becomes a finding and is not raised.

    Args:
        row: the data set.
        root: folder of the data sets.
        decode: decode every image, as a run would.
        content: compare the bytes of all images, to find those that stand in two parts.
        tick: is told, on the caller's thread, how many steps of how many are done.
    """
    try:
        return _audit(row, root, decode, content, tick or _no_tick)
    except OSError as error:  # such as a folder that the user may not look into
        fault = Fault(str(error.filename or row.name), f"cannot be looked at: {error.strerror or error}.")
        return Audit(row.name, findings=(fault,))


def _audit(row: DatasetRow, root: Path | None, decode: bool, content: bool, tick: Tick) -> Audit:
    """What ``audit`` says, where everything can be looked at."""
    try:
        place = require_root(row, root)
        if row.layout.folder is None:
            return _of_split(row, row.layout.read_split(place), [], [])
    except DataError as error:
        return Audit(row.name, findings=error.faults)
    places = Places(row, root)
    if not places.folder.is_dir():
        return Audit(row.name, findings=(places.absent_folder(),))
    findings = places.standing_faults()
    said = {fault.where for fault in findings}
    notes = stale_pickles(places.folder)
    try:
        split = row.layout.read_split(place)
    except DataError as error:
        findings += [fault for fault in error.faults if fault.where not in said]
        if not places.base.exists() and str(places.base) not in said:
            findings.append(places.absent_base([]))
        return Audit(row.name, findings=tuple(findings), notes=tuple(notes))
    findings += [*unpublished(row, split), *_count_faults(row, split), *_overlap_faults(row, split)]
    paths = [item.path for part in PARTS for item in getattr(split, part)]
    if not places.base.is_dir():
        findings.append(places.absent_base(paths))
        return _of_split(row, split, findings, notes)

    n_all, n_readings = len(paths), decode + content
    looked = look_at_files(places.base, paths, lambda done: tick(done, n_all * (1 + n_readings)))
    findings += looked.faults(places)
    notes += places.unnamed_images(paths)
    n_good = len(looked.good)
    if decode:
        step = _step(tick, n_all, n_all + n_readings * n_good)
        findings += decoding_faults(places.base, looked.good, image_reader(places.base), step)
    if content:
        step = _step(tick, n_all + n_good * decode, n_all + n_readings * n_good)
        wrong, harmless = same_content(places.base, split, set(looked.good), step)
        findings += wrong
        notes += harmless
    return _of_split(row, split, findings, notes, n_all)


def _no_tick(done: int, total: int) -> None:
    """Do nothing."""


def _step(tick: Tick, behind: int, total: int) -> Callable[[int], None]:
    """A ``tick`` that counts from ``behind`` on."""
    return lambda done: tick(behind + done, total)


def _of_split(row: DatasetRow, split: Split, findings: list[Fault], notes: list[Fault], n_files: int = 0) -> Audit:
    """The findings with what is known of the split."""
    n_images = (len(split.train), len(split.val), len(split.test))
    n_classes = len(split.class_names)
    return Audit(row.name, split.digest, n_images, n_classes, n_files, tuple(findings), tuple(notes))


def _count_faults(row: DatasetRow, split: Split) -> list[Fault]:
    """Where the numbers of classes and images are not the catalog's, with the classes that are too small."""
    faults = []
    if row.n_classes not in (None, len(split.class_names)):
        faults.append(Fault(row.name, f"has {len(split.class_names):,} classes; {row.n_classes:,} are published."))
    counts = {part: len(getattr(split, part)) for part in PARTS}
    differing = [
        f"{counts[part]:,} {part} images ({wanted:,} are published)"
        for part, wanted in zip(PARTS, row.n_images or counts.values(), strict=True)
        if counts[part] != wanted
    ]
    if not differing:
        return faults
    what = f"has {' and '.join(differing)}"
    sizes = Counter(item.class_name for item in split.train)
    small = [f"{name} ({size:,})" for name, size in sizes.items() if size < (row.smallest_class or 0)]
    if small:
        what += f"; {few(small)} of at least {row.smallest_class:,} a class"
    mend = "Unpack the archive again." if row.split_digest is None else ""
    return [*faults, Fault(row.name, f"{what}.", mend)]


def _overlap_faults(row: DatasetRow, split: Split) -> list[Fault]:
    """Images that stand in two parts under paths of different spelling; one spelling twice is no split at all."""
    first: dict[str, tuple[str, str]] = {}
    double = []
    for part in PARTS:
        for item in getattr(split, part):
            before, spelled = first.setdefault(posixpath.normpath(item.path), (part, item.path))
            if before != part:
                double.append(f"{spelled} of {before} is {item.path} of {part}")
    if not double:
        return []
    what = f"{len(double):,} images stand in two parts: {few(double)}."
    return [Fault(row.name, what, "Take them out of one part: they would be learnt and tested.")]
