"""``harness data list``, ``draw``, ``split`` and ``rebuild``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.filesize import decimal

from harness.cli.output import console
from harness.cli.state.datasets import open_shelf
from harness.cli.vocabulary import known_catalog
from harness.data.class_folders import read_class_names
from harness.data.dataset import data_root, read_split, require_root, whats_missing
from harness.data.draw import draw_subset
from harness.data.fetch.sources import SOURCES
from harness.data.few_shot import DRAW_RULES
from harness.data.folder import folder_split
from harness.data.layout import SplitFile
from harness.data.rebuild.rebuild import REBUILDABLE, rebuild_split
from harness.data.split import items_digest, items_lines
from harness.data.split_files import split_json
from harness.errors import DataError, Fault
from harness.files import write_bytes
from harness.matrix.cell import Shots


def list_command(data: Path | None) -> int:
    """Print the data sets: one line each, then what is missing of them, and on what terms they can be had."""
    root = data_root(data, None)
    rows: list[tuple[object, ...]] = []
    missing: dict[str, list[str]] = {}
    terms: dict[str, str] = {}
    for row in known_catalog().values():
        source = SOURCES.get(row.name)
        lacking = whats_missing(row, root)
        if lacking is not None:
            missing.setdefault(lacking, []).append(row.name)
        if source is not None:
            terms[row.name] = source.terms
        size = "–" if source is None or source.download_bytes is None else decimal(source.download_bytes)
        parts = (f"{count:,}" if count else "–" for count in row.n_images or (0, 0, 0))
        state = "on disk" if lacking is None else "missing"
        rows.append((row.name, row.n_classes, *parts, size, row.template, state))
    numbers = ("classes", "train", "val", "test", "download")
    console.table("", ("dataset", *numbers, "template", "state"), rows, numbers=numbers)
    console.say()
    for what, names in missing.items():
        console.say(f"{', '.join(names)}: {what}")
    console.say()
    console.table("", ("dataset", "terms"), terms.items())
    return 0


def draw_command(
    name: str,
    shots: str,
    seed: int,
    part: str,
    matrix: Path | None,
    data: Path | None,
    subset_file: str | None,
    rule: str,
) -> int:
    """Print the images of a few-shot draw, one line each; the SHA-256 of the output is the draw's fingerprint.

    Raises:
        DataError: the data set is not known, its split is not there, or the draw cannot be made.
    """
    shelf = open_shelf(matrix, data)
    (row,) = shelf.rows([name])
    count = _shots(shots)
    if part not in ("train", "val"):
        raise DataError(Fault("--part", f"must be train or val, not {part!r}."))
    if rule not in DRAW_RULES:
        raise DataError(Fault("--rule", f"must be {' or '.join(DRAW_RULES)}, not {rule!r}."))
    if subset_file is not None:
        row = replace(row, subset_file=subset_file)
    split = read_split(row, shelf.root)
    subset = draw_subset(split, row, count, seed, rule)
    items = subset.train_items(split) if part == "train" else subset.val_items(split)
    # Bytes, so that neither a terminal's encoding nor Windows' line ends change the fingerprint.
    console.raw(items_lines(items).encode("utf-8"))
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


def rebuild_command(name: str, data: Path | None) -> int:
    """Make a published split file from the data set's own annotation files.

    Raises:
        DataError: this data set's split does not follow from annotation files, some are missing or wrong, or the
            file is there already.
    """
    shelf = open_shelf(None, data)
    (row,) = shelf.rows([name])
    if name not in REBUILDABLE or not isinstance(row.layout, SplitFile):
        what = f"only of {', '.join(REBUILDABLE)} does the split follow from annotation files."
        raise DataError(Fault(name, what, "Get the published file; `harness data fetch` does."))
    folder = require_root(row, shelf.root) / row.layout.folder
    file = folder / row.layout.file
    if file.exists():
        raise DataError(Fault(str(file), "is there already.", f"`harness data check {name}` compares it."))
    write_bytes(file, rebuild_split(name, folder))
    console.say(f"{file}: the published split, digest {row.split_digest}")
    return 0


def _shots(text: str) -> Shots:
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise DataError(Fault("--shots", f"must be a whole number above zero or all, not {text!r}."))
