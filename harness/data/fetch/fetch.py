"""A data set fetched: its split first, since the images are found by it, then the images, then a look at all.

Nothing appears in its place before it is complete: downloads and unpacking happen in ``.fetch`` in the data set's
folder, and images are moved from there in one step.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.check.audit import audit
from harness.data.fetch.download import Origin, Progress
from harness.data.fetch.errand import Errand, Rebuild, Say, working_alone
from harness.data.fetch.images import download_images, has_images, take, unpack_given
from harness.data.fetch.lists import get_lists, has_class_folders, has_lists
from harness.data.fetch.placing import InTheWayError
from harness.data.fetch.receipt import write_receipt
from harness.data.fetch.sources import SOURCES
from harness.errors import DataError, Fault


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
    errand = Errand(row, root, source, mirror, say, progress, rebuild)
    try:
        with working_alone(errand):
            origins, reasons = _get(errand, given)
            say("check: looking for every image")
            found = audit(row, root)
            faults = [*found.findings, *(reasons if found.digest is None else ())]
            if origins:
                write_receipt(errand, origins, found.digest)
            for downloads in errand.work.glob("*/"):
                shutil.rmtree(downloads)
    except OSError as error:
        what = f"cannot be read or written: {error.strerror or error}."
        raise DataError(Fault(str(error.filename or errand.folder), what)) from None
    return faults


def _get(errand: Errand, given: Path | None) -> tuple[list[Origin], list[Fault]]:
    """Where everything came from that was not there before, and why lists that are missing could not be had.

    Images in class folders are of use before their class names are there.
    """
    row, source = errand.row, errand.source
    if given is not None and not given.exists():
        raise DataError(Fault(str(given), "is missing.", "--from names an archive or a folder."))
    if given is None and source.by_hand and not (has_lists(errand) and has_images(errand)):
        raise DataError(Fault(row.name, "is not fetched by a program.", source.by_hand))
    tree = given if given is not None and given.is_dir() else None
    origins, reasons = get_lists(errand, tree)
    if (has_class_folders(row) or has_lists(errand)) and has_images(errand):
        errand.say("images: all there")
        return origins, reasons
    archives = [given] if given is not None and tree is None else []
    if tree is not None:
        way = next((way for way in source.images if all((tree / file.name).is_file() for file in way)), ())
        archives = [tree / file.name for file in way]
    try:
        if archives:
            origins += unpack_given(errand, archives)
        elif tree is not None:
            take(errand, tree, str(tree), link=True)
            origins.append(Origin("", str(tree.resolve())))
        else:
            origins += download_images(errand)
    except InTheWayError:
        raise
    except DataError as error:
        raise DataError([*reasons, *error.faults]) from None
    return origins, reasons
