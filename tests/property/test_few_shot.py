"""The few-shot draw, whatever the split."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.few_shot import DRAW_RULES, MOST_VAL_SHOTS, few_shot_subset
from harness.data.split import Item, Split

quick = settings(max_examples=80)
shot_counts = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)
rules = st.sampled_from(DRAW_RULES)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    """A split of one to five classes in any order; some have few images, and some splits no validation part."""
    n_classes = draw(st.integers(1, 5))
    least = {"train": 1, "val": 0, "test": 1}
    most = {"train": 15, "val": draw(st.sampled_from([0, 8])), "test": 2}
    parts = {}
    for part in ("train", "val", "test"):
        labels = [label for label in range(n_classes) for _ in range(draw(st.integers(least[part], most[part])))]
        order = draw(st.permutations(labels))
        parts[part] = tuple(Item(f"{part}/{index}", label, f"class {label}") for index, label in enumerate(order))
    return Split(**parts)


@quick
@given(splits(), shot_counts, seeds, rules)
def test_subset_lies_inside_train(split: Split, shots: int, seed: int, rule: str) -> None:
    """Every chosen image is a training image, chosen once, and never a test image."""
    chosen = few_shot_subset(split, shots, seed, rule).train_items(split)
    assert set(chosen) <= set(split.train)
    assert len(set(chosen)) == len(chosen)
    assert not set(chosen) & set(split.test)


@quick
@given(splits(), shot_counts, seeds, rules)
def test_every_class_has_its_shots(split: Split, shots: int, seed: int, rule: str) -> None:
    """A class has as many images as shots, or all that it holds, and then it is named."""
    subset = few_shot_subset(split, shots, seed, rule)
    sizes = Counter(item.label for item in split.train)
    counts = Counter(item.label for item in subset.train_items(split))
    assert counts == {label: min(shots, size) for label, size in sizes.items()}
    assert set(subset.fewer_shots) == {f"class {label}" for label, size in sizes.items() if size < shots}


@quick
@given(splits(), shot_counts, seeds)
def test_classes_stand_in_the_order_of_their_first_appearance(split: Split, shots: int, seed: int) -> None:
    """The images of a class are together, and classes follow the split."""
    labels = [item.label for item in few_shot_subset(split, shots, seed).train_items(split)]
    assert list(dict.fromkeys(labels)) == list(dict.fromkeys(item.label for item in split.train))
    assert labels == sorted(labels, key=list(dict.fromkeys(labels)).index)


@quick
@given(splits(), shot_counts, seeds, rules)
def test_validation_images_are_others(split: Split, shots: int, seed: int, rule: str) -> None:
    """They are of the validation part, or training images that were not chosen, and at most four of a class."""
    subset = few_shot_subset(split, shots, seed, rule)
    chosen, part = subset.val_items(split), split.val or split.train
    assert subset.val_from_train == (not split.val)
    assert set(chosen) <= set(part)
    assert not set(chosen) & set(subset.train_items(split))
    left = Counter(item.label for item in set(part) - set(subset.train_items(split)))
    most = min(shots, MOST_VAL_SHOTS)
    assert Counter(item.label for item in chosen) == {label: min(most, size) for label, size in left.items()}


@quick
@given(splits(), shot_counts, seeds, rules)
def test_draw_is_pure(split: Split, shots: int, seed: int, rule: str) -> None:
    """The same question has the same answer."""
    assert few_shot_subset(split, shots, seed, rule) == few_shot_subset(split, shots, seed, rule)
