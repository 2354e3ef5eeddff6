"""The few-shot draw: a pure function of the split, the number of shots and the seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.data.split import Item, Split
from harness.errors import DataError, Fault
from harness.matrix.cell import Shots

MOST_VAL_SHOTS = 4


@dataclass(frozen=True, slots=True)
class Subset:
    """The chosen images, as indices into the parts of a split, in the order of the draw.

    Attributes:
        train: indices into ``split.train``.
        val: indices into ``split.val``, or into ``split.train`` where ``val_from_train``.
        val_from_train: the split has no validation part, so that validation images are other training images.
        fewer_shots: names of the classes that hold fewer training images than asked for, and are taken whole.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    fewer_shots: tuple[str, ...] = ()
    val_from_train: bool = False

    def train_items(self, split: Split) -> list[Item]:
        """The chosen training images."""
        return [split.train[index] for index in self.train]

    def val_items(self, split: Split) -> list[Item]:
        """The chosen validation images."""
        part = split.train if self.val_from_train else split.val
        return [part[index] for index in self.val]


def few_shot_subset(split: Split, shots: Shots, seed: int) -> Subset:
    """Indices of ``shots`` training images a class, and of ``min(shots, 4)`` validation images.

    Classes in the order of their first appearance, train before val, one ``random.Random(seed)``: the draw of
    CoOp (Zhou et al., IJCV 2022) when its published split is present. A class that holds fewer images is taken
    whole, in the split's order and without using the generator, as the reference does. ``all`` takes
    everything. Where the split has no validation part (ImageNet) validation images are drawn, last, from the
    training images that were not chosen: the reference would take test images.

    Raises:
        DataError: a class has no training images; names all such classes.
    """
    sizes = Counter(item.label for item in split.train)
    empty = [name for label, name in enumerate(split.class_names) if not sizes[label]]
    if empty:
        raise DataError(Fault("few-shot draw", f"no training images for: {', '.join(empty)}."))
    if shots == "all":
        return Subset(tuple(range(len(split.train))), tuple(range(len(split.val))))
    generator = random.Random(seed)  # noqa: S311 - a published draw, not a secret
    train = _draw(split.train, shots, generator)
    val = _draw_validation(split, train, shots, generator)
    fewer = tuple(name for label, name in enumerate(split.class_names) if sizes[label] < shots)
    return Subset(train, val, fewer, val_from_train=not split.val)


def draw_validation(split: Split, train: Sequence[int], shots: Shots, seed: int) -> tuple[int, ...]:
    """Validation images for training images that were not drawn; indices as in ``Subset.val``."""
    generator = random.Random(seed)  # noqa: S311 - a draw that anyone can repeat, not a secret
    n_shots = MOST_VAL_SHOTS if shots == "all" else shots
    return _draw_validation(split, train, n_shots, generator)


def _draw_validation(split: Split, train: Sequence[int], shots: int, generator: random.Random) -> tuple[int, ...]:
    rest = range(len(split.val)) if split.val else sorted(set(range(len(split.train))) - set(train))
    part = split.val or split.train
    picked = _draw([part[index] for index in rest], min(shots, MOST_VAL_SHOTS), generator)
    return tuple(rest[index] for index in picked)


def _draw(items: Sequence[Item], shots: int, generator: random.Random) -> tuple[int, ...]:
    """Indices of ``shots`` images of every class, classes in the order of their first appearance."""
    groups: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(item.label, []).append(index)
    return tuple(
        index
        for group in groups.values()
        for index in (group if len(group) < shots else generator.sample(group, shots))
    )
