"""What every data set owes, tried on its data where they lie."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.data.catalog import DatasetRow
from harness.data.dataset import read_images, read_split, whats_missing
from harness.data.draw import draw_subset
from harness.data.few_shot import COOP_RULE
from harness.data.split import PARTS, Split
from harness.errors import DataError
from harness.testing.check import Check, Owed, checks_of

_MOST_IMAGES = 4  # that are read of each part


@dataclass(frozen=True, slots=True)
class Subject:
    """A data set, and the data root below which it lies; ``None`` for one that comes with a package."""

    row: DatasetRow
    root: Path | None

    @property
    def split(self) -> Split:
        """The split, read anew."""
        return read_split(self.row, self.root)


def finds_all_that_it_needs(subject: Subject, _: Path) -> None:
    """What it needs on disk is there."""
    missing = whats_missing(subject.row, subject.root)
    assert missing is None, missing


def says_what_is_missing(subject: Subject, folder: Path) -> None:
    """Below an empty folder something is missing, and reading the split is a DataError, not a traceback."""
    if subject.row.layout.folder is None or Path(subject.row.layout.folder).is_absolute():
        return
    assert whats_missing(subject.row, folder) is not None, "needs() names nothing that an empty folder lacks"
    try:
        subject.row.layout.read_split(folder)
    except DataError:
        return
    except Exception as error:
        raise AssertionError(f"reading an absent split must raise DataError, not {error!r}") from error
    raise AssertionError("a split is read of an empty folder")


def reads_the_same_split_again(subject: Subject, _: Path) -> None:
    """The same images in the same order, whatever the file system lists first."""
    assert subject.split.digest == subject.split.digest, "a second reading gives another split"


def numbers_its_classes(subject: Subject, _: Path) -> None:
    """Labels run from 0 without a gap, and a label is one class name."""
    items = [item for part in PARTS for item in getattr(subject.split, part)]
    labels = {item.label for item in items}
    assert labels == set(range(len(labels))), f"labels must run from 0 without a gap, not be {sorted(labels)[:9]}"
    names = {(item.label, item.class_name) for item in items}
    assert len(names) == len(labels), "a label stands for several class names"


def keeps_test_images_apart(subject: Subject, _: Path) -> None:
    """No test image is trained on, no image stands twice in a part, and there are test images."""
    split = subject.split
    parts = {part: [item.path for item in getattr(split, part)] for part in PARTS}
    for part, paths in parts.items():
        assert len(paths) == len(set(paths)), f"an image stands twice in {part}"
    shared = set(parts["test"]) & {*parts["train"], *parts["val"]}
    assert not shared, f"{len(shared)} test images are trained on, {min(shared)} first"
    assert parts["test"], "there is no test image"


def counts_what_there_is(subject: Subject, _: Path) -> None:
    """The row's counts, where it has any, are those of the split."""
    row, split = subject.row, subject.split
    n_images = (len(split.train), len(split.val), len(split.test))
    train = [item.label for item in split.train]
    smallest = min((train.count(label) for label in range(len(split.class_names))), default=0)
    assert row.n_classes in (None, len(split.class_names)), f"n_classes is {len(split.class_names)}"
    assert row.n_images in (None, n_images), f"n_images is {n_images}"
    assert row.smallest_class in (None, smallest), f"smallest_class is {smallest}"


def draws_one_image_a_class(subject: Subject, _: Path) -> None:
    """A few-shot draw finds an image of every class; a data set without training images is not asked."""
    split = subject.split
    if not subject.row.trains:
        return
    subset = draw_subset(split, subject.row, 1, 1, COOP_RULE)
    drawn = sorted(item.label for item in subset.train_items(split))
    assert drawn == list(range(len(split.class_names))), "some classes have no training image"


def reads_its_images(subject: Subject, _: Path) -> None:
    """The first images of each part are decoded, as RGB."""
    read, split = read_images(subject.row, subject.root), subject.split
    for part in PARTS:
        for item in getattr(split, part)[:_MOST_IMAGES]:
            mode = read(item.path).mode
            assert mode == "RGB", f"{item.path} is read as {mode}, not RGB"


DATASET_CONTRACT: tuple[Owed[Subject], ...] = (
    finds_all_that_it_needs,
    says_what_is_missing,
    reads_the_same_split_again,
    numbers_its_classes,
    keeps_test_images_apart,
    counts_what_there_is,
    draws_one_image_a_class,
    reads_its_images,
)


def dataset_checks(row: DatasetRow, root: Path | None) -> tuple[Check, ...]:
    """A check for each thing that a data set owes; ``root`` is the data root."""
    return checks_of(row.name, DATASET_CONTRACT, lambda _: nullcontext(Subject(row, root)))
