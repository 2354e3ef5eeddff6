"""What a cell of the matrix learns from: a draw or somebody's list, and all classes or half of them."""

from __future__ import annotations

from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.classes import relabelled
from harness.data.few_shot import COOP_RULE, Subset, few_shot_subset
from harness.data.split import Split
from harness.data.subset_file import listed_subset
from harness.errors import DataError, Fault
from harness.files import digest_file
from harness.matrix.cell import Shots


def draw_subset(split: Split, row: DatasetRow, shots: Shots, seed: int, rule: str = COOP_RULE) -> Subset:
    """The few-shot draw by a rule, or the list of images that the data set has in its place, whatever the rule.

    Raises:
        DataError: the data set has no training images, or the draw cannot be made; or the list is missing or does
            not go with the split.
    """
    if not row.trains:
        raise DataError(Fault(row.name, "has no training images; it is a target to evaluate on."))
    file = list_file(row, shots, seed)
    return few_shot_subset(split, shots, seed, rule) if file is None else listed_subset(split, file, shots, seed)


def list_file(row: DatasetRow, shots: Shots, seed: int) -> Path | None:
    """The file that names the training images of one draw; ``None`` where they are drawn."""
    if row.subset_file is None:
        return None
    return Path(row.subset_file.replace("{shots}", str(shots)).replace("{seed}", str(seed)))


def list_digest(row: DatasetRow, shots: Shots, seed: int) -> str | None:
    """SHA-256 of that file; ``None`` where images are drawn.

    Raises:
        DataError: the file cannot be read.
    """
    file = list_file(row, shots, seed)
    if file is None:
        return None
    try:
        return digest_file(file)
    except OSError as error:
        what = f"the list of training images cannot be read: {error.strerror}."
        raise DataError(Fault(str(file), what)) from None


def kept_classes(split: Split, classes: str, where: str) -> dict[int, int]:
    """From the label of each class of a half to its label among them.

    Raises:
        DataError: there are none.
    """
    kept = relabelled(range(len(split.class_names)), classes)
    if not kept:
        raise DataError(Fault(where, f"has no {classes} classes: it has {len(split.class_names)} in all."))
    return kept
