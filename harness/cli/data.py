"""``harness data list``, ``draw`` and ``split``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from harness.cli import console
from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS, DatasetRow
from harness.data.class_folders import read_class_names
from harness.data.dataset import data_root, read_split, whats_missing
from harness.data.draw import draw_subset
from harness.data.folder import folder_split
from harness.data.own import catalog_with
from harness.data.split import items_digest, items_lines
from harness.data.split_files import split_json
from harness.errors import DataError, Fault, did_you_mean
from harness.files import write_bytes
from harness.matrix.cell import Shots
from harness.matrix.matrix import read_matrix


def list_command(data: Path | None) -> int:
    """Print one line a data set."""
    root = data_root(data, None)
    rows = []
    for row in DATASETS.values():
        missing = whats_missing(row, root)
        train, val, test = (f"{count:,}" if count else "–" for count in row.n_images or (0, 0, 0))
        rows.append((row.name, row.n_classes, train, val, test, row.template, missing or "on disk"))
    numbers = ("classes", "train", "val", "test")
    console.table("", ("dataset", *numbers, "template", "state"), rows, numbers=numbers)
    return 0


def draw_command(
    name: str, shots: str, seed: int, part: str, matrix: Path | None, data: Path | None, subset_file: str | None
) -> int:
    """Print the images of a few-shot draw, one line each; the SHA-256 of the output is the draw's fingerprint.

    Raises:
        DataError: the data set is not known, its split is not there, or the draw cannot be made.
    """
    row, root = find_dataset(name, matrix, data)
    count = _shots(shots)
    if part not in ("train", "val"):
        raise DataError(Fault("--part", f"must be train or val, not {part!r}."))
    if subset_file is not None:
        row = replace(row, subset_file=subset_file)
    split = read_split(row, root)
    subset = draw_subset(split, row, count, seed)
    items = subset.train_items(split) if part == "train" else subset.val_items(split)
    # Bytes, so that neither a terminal's encoding nor Windows' line ends change the fingerprint.
    sys.stdout.buffer.write(items_lines(items).encode("utf-8"))
    sys.stdout.buffer.flush()
    console.note(f"{name}: {len(items)} images, SHA-256 {items_digest(items)}")
    if subset.fewer_shots and part == "train":
        console.note(f"{len(subset.fewer_shots)} classes have fewer images and are taken whole")
    return 0


def split_command(folder: Path, class_names: Path | None, out: Path) -> int:
    """Draw the split of any folder of images and write it.

    Raises:
        DataError: it cannot be drawn, or there is a file already.
    """
    if out.exists():
        what = "is there already; a split is drawn once."
        raise DataError(Fault(str(out), what, "Name another file, or remove it yourself."))
    split = folder_split(folder, None if class_names is None else read_class_names(class_names))
    try:
        write_bytes(out, split_json(split))
    except OSError as error:
        raise DataError(Fault(str(out), f"cannot be written: {error}.")) from None
    sizes = f"{len(split.train)} train, {len(split.val)} val, {len(split.test)} test"
    console.say(f"{out}: {len(split.class_names)} classes, {sizes}, digest {split.digest[:12]}")
    return 0


def find_dataset(name: str, matrix: Path | None, data: Path | None) -> tuple[DatasetRow, Path | None]:
    """The row of a known data set, or of one that a matrix brings along, and the data root.

    Raises:
        HarnessError: there is none of that name, or the matrix cannot be read.
    """
    read = None if matrix is None else read_matrix(matrix, known_names())
    catalog = catalog_with(() if read is None else read.sources)
    if name not in catalog:
        mend = did_you_mean(name, tuple(catalog))
        if matrix is None:
            mend += " `--matrix FILE` adds those that a matrix describes."
        raise DataError(Fault("DATASET", f"unknown data set {name!r}.", mend))
    return catalog[name], data_root(data, None if read is None else read.data)


def _shots(text: str) -> Shots:
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise DataError(Fault("--shots", f"must be a whole number above zero or all, not {text!r}."))
