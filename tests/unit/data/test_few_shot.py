"""The few-shot draw."""

import dataclasses
import random
from collections import Counter

import numpy as np
import pytest

from harness.data.few_shot import few_shot_subset
from harness.data.split import Item, Split
from harness.errors import DataError


def test_draw_takes_shots_of_every_class(split: Split) -> None:
    """Two shots are two training and two validation images of every class."""
    subset = few_shot_subset(split, 2, 1)
    assert Counter(item.class_name for item in subset.train_items(split)) == {"large": 2, "small": 2}
    assert Counter(item.class_name for item in subset.val_items(split)) == {"large": 2, "small": 2}
    assert (subset.fewer_shots, subset.val_from_train) == ((), False)


def test_validation_images_are_at_most_four_of_a_class(split: Split) -> None:
    """More shots do not mean more validation images."""
    subset = few_shot_subset(split, 6, 1)
    assert Counter(item.class_name for item in subset.val_items(split)) == {"large": 4, "small": 4}


def test_small_class_is_taken_whole_and_named(split: Split) -> None:
    """A class with fewer images is taken in the order of the split, and said."""
    subset = few_shot_subset(split, 3, 1)
    small = [item.path for item in subset.train_items(split) if item.class_name == "small"]
    assert (small, subset.fewer_shots) == (["train/small_0", "train/small_1"], ("small",))


def test_all_takes_everything(split: Split) -> None:
    """``all`` is the whole training and validation part, in order."""
    subset = few_shot_subset(split, "all", 1)
    assert (subset.train_items(split), subset.val_items(split)) == (list(split.train), list(split.val))


def test_all_does_not_depend_on_the_seed(split: Split) -> None:
    """Nothing is drawn where everything is taken."""
    assert few_shot_subset(split, "all", 1) == few_shot_subset(split, "all", 2)


def test_seed_changes_the_draw(split: Split) -> None:
    """Of six images different seeds choose different ones."""
    assert len({few_shot_subset(split, 2, seed).train for seed in range(20)}) > 1


def test_draw_leaves_the_global_generator_alone(split: Split) -> None:
    """No draw of anybody else changes with it."""
    random.seed(0)
    state = random.getstate()
    few_shot_subset(split, 2, 1)
    assert random.getstate() == state


def test_draw_does_not_depend_on_the_global_generator(split: Split) -> None:
    """No draw of anybody else changes it."""
    random.seed(0)
    first = few_shot_subset(split, 2, 1)
    random.seed(1)
    assert few_shot_subset(split, 2, 1) == first


def test_validation_images_come_from_train_where_there_are_no_others(split: Split) -> None:
    """Without validation part they are other training images, and the training draw stays the same."""
    bare = dataclasses.replace(split, val=())
    subset = few_shot_subset(bare, 1, 1)
    assert subset.val_from_train
    assert not set(subset.val) & set(subset.train)
    assert Counter(item.class_name for item in subset.val_items(bare)) == {"large": 1, "small": 1}
    assert subset.train == few_shot_subset(split, 1, 1).train


def test_class_without_training_images_is_an_error() -> None:
    """All classes that cannot be drawn are named."""
    split = Split((Item("a", 0, "zero"),), (), (Item("b", 1, "one"), Item("c", 2, "two")))
    with pytest.raises(DataError) as caught:
        few_shot_subset(split, 1, 1)
    assert str(caught.value) == "few-shot draw: no training images for: one, two."


def test_rules_draw_other_images(split: Split) -> None:
    """The same shots and seed are other images by another rule, and both are fixed."""
    subsets = [few_shot_subset(split, 2, 1, rule) for rule in ("coop", "lpclip")]
    assert [subset.train for subset in subsets] == [(1, 4, 6, 7), (2, 1, 6, 7)]


def test_lpclip_takes_classes_by_label(split: Split) -> None:
    """The order of the split decides which image has which number, not which class is drawn first."""
    turned = dataclasses.replace(split, train=tuple(reversed(split.train)))
    for rule, names in (("lpclip", ["large", "small"]), ("coop", ["small", "large"])):
        chosen = few_shot_subset(turned, 1, 1, rule).train_items(turned)
        assert [item.class_name for item in chosen] == names


def test_lpclip_leaves_numpys_global_generator_alone(split: Split) -> None:
    """Neither does the draw change what others draw, nor the other way round."""
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - the generator that must not be touched
    first = few_shot_subset(split, 2, 1, "lpclip")
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert str(after) == str(before)
    np.random.seed(5)  # noqa: NPY002
    assert few_shot_subset(split, 2, 1, "lpclip") == first


def test_seed_that_numpy_does_not_take_is_said(split: Split) -> None:
    """NumPy's legacy generator has seeds of 32 bits."""
    few_shot_subset(split, 1, 2**32 - 1, "lpclip")
    with pytest.raises(DataError, match="the seed 4294967296 is above 4294967295"):
        few_shot_subset(split, 1, 2**32, "lpclip")
