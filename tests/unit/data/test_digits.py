"""The data set that comes with scikit-learn."""

from collections import Counter

import numpy as np

from harness.data.catalog import DATASETS
from harness.data.dataset import image_files_digest, read_images, read_split
from harness.data.digits import CLASS_NAMES, digit_image, digits_split

ROW = DATASETS["digits"]
DIGEST = "2ec5fa99c2471ec000c0803a3a3b075652fc4a88c5373f222d07a2a9a2ba63e3"


def test_split_is_pinned() -> None:
    """The split never changes: its digest is the literal one and the catalog's."""
    assert digits_split().digest == ROW.split_digest == DIGEST


def test_sizes_are_those_of_the_catalog() -> None:
    """898 images train, 359 validate, 540 test: all 1,797."""
    split = digits_split()
    sizes = (len(split.train), len(split.val), len(split.test))
    assert sizes == ROW.n_images == (898, 359, 540)
    assert len({item.path for part in (split.train, split.val, split.test) for item in part}) == 1797


def test_smallest_class_is_that_of_the_catalog() -> None:
    """The parser's bound on shots is the true one."""
    assert min(Counter(item.label for item in digits_split().train).values()) == ROW.smallest_class


def test_classes_are_the_words_of_the_digits() -> None:
    """Class names are words, in label order."""
    assert digits_split().class_names == CLASS_NAMES
    assert len(CLASS_NAMES) == ROW.n_classes


def test_catalog_reads_split_and_images_without_a_folder() -> None:
    """A bundled data set needs no data root, and has no files whose change could be seen."""
    split = read_split(ROW, None)
    assert split.digest == DIGEST
    image = read_images(ROW, None)(split.train[0].path)
    assert (image.size, image.mode) == ((8, 8), "RGB")
    assert image_files_digest(ROW, None, [split.train[0].path]) is None


def test_image_is_the_bundled_one() -> None:
    """Ink of 0 to 16 becomes grey of 0 to 255, bright on black."""
    grey = np.asarray(digit_image("digit_0000"))
    assert grey[0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert (grey[..., 0] == grey[..., 1]).all()
    assert (grey[..., 0] == grey[..., 2]).all()
