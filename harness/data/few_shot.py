"""The few-shot draw: a pure function of the split, the number of shots, the seed and the rule."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.data.split import Item, Split
from harness.errors import DataError, Fault
from harness.matrix.cell import Shots

MOST_VAL_SHOTS = 4  # of every data set of CoOp's, such as datasets/oxford_pets.py: min(num_shots, 4)
_MOST_SEED = 2**32 - 1  # of NumPy's legacy generator
_Sample = Callable[[Sequence[int], int], Sequence[int]]  # from a class's images and a number to those chosen


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


@dataclass(frozen=True, slots=True)
class _Rule:
    """How images are drawn: the order of the classes, and a generator for all of them."""

    sorts_classes: bool
    sampler: Callable[[int], _Sample]


def _standard(seed: int) -> _Sample:
    generator = random.Random(seed)  # noqa: S311 - a published draw, not a secret
    return lambda group, shots: generator.sample(group, shots)


def _numpys(seed: int) -> _Sample:
    if seed > _MOST_SEED:
        raise DataError(
            Fault("few-shot draw", f"the seed {seed} is above {_MOST_SEED}, the most that lpclip takes.")
        )
    generator = np.random.RandomState(seed)  # by which the published numbers were drawn
    return lambda group, shots: generator.choice(group, size=shots, replace=False).tolist()


# coop: what CoOp (github.com/KaiyangZhou/CoOp at ff61507) calls of Dassl, pinned by the golden few_shot.json.
# lpclip: lpclip/linear_probe.py there, which seeds NumPy's global generator once and draws from it class by class,
# in the order of the labels, train before val, pinned by the golden linear_probe.json; lpclip/feat_extractor.py
# leaves the images in the order of the split.
_RULES = {"coop": _Rule(False, _standard), "lpclip": _Rule(True, _numpys)}
COOP_RULE = "coop"
DRAW_RULES = tuple(_RULES)


def few_shot_subset(split: Split, shots: Shots, seed: int, rule: str = COOP_RULE) -> Subset:
    """Indices of ``shots`` training images a class, and of ``min(shots, 4)`` validation images.

    Train before val, all by one generator. By the rule ``coop`` it is ``random.Random(seed)``, classes in the
    order of their first appearance: the draw of CoOp (Zhou et al., IJCV 2022) when its published split is present.
    By ``lpclip`` it is NumPy's ``RandomState(seed)``, classes in the order of their labels: the draw of its linear
    probe. A class that holds fewer images is taken whole, in the split's order and without using the generator, as
    CoOp does; its linear probe breaks off. ``all`` takes everything. Where the split has no validation part
    (ImageNet) validation images are drawn, last, from the training images that were not chosen: both of the
    references would take test images.

    Raises:
        DataError: a class has no training images, names all such classes; or the seed is too large for the rule.
    """
    sizes = Counter(item.label for item in split.train)
    empty = [name for label, name in enumerate(split.class_names) if not sizes[label]]
    if empty:
        raise DataError(Fault("few-shot draw", f"no training images for: {', '.join(empty)}."))
    if shots == "all":
        return Subset(tuple(range(len(split.train))), tuple(range(len(split.val))))
    made = _RULES[rule]
    sample = made.sampler(seed)
    train = _draw(split.train, shots, sample, made.sorts_classes)
    val = _draw_validation(split, train, shots, sample, made.sorts_classes)
    fewer = tuple(name for label, name in enumerate(split.class_names) if sizes[label] < shots)
    return Subset(train, val, fewer, val_from_train=not split.val)


def draw_validation(split: Split, train: Sequence[int], shots: Shots, seed: int) -> tuple[int, ...]:
    """Validation images, by the rule ``coop``, for training images that were listed; as in ``Subset.val``."""
    n_shots = MOST_VAL_SHOTS if shots == "all" else shots
    return _draw_validation(split, train, n_shots, _standard(seed))


def _draw_validation(
    split: Split, train: Sequence[int], shots: int, sample: _Sample, sorts_classes: bool = False
) -> tuple[int, ...]:
    rest = range(len(split.val)) if split.val else sorted(set(range(len(split.train))) - set(train))
    part = split.val or split.train
    picked = _draw([part[index] for index in rest], min(shots, MOST_VAL_SHOTS), sample, sorts_classes)
    return tuple(rest[index] for index in picked)


def _draw(items: Sequence[Item], shots: int, sample: _Sample, sorts_classes: bool) -> tuple[int, ...]:
    """Indices of ``shots`` images of every class, classes by label or in the order of their first appearance."""
    groups: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(item.label, []).append(index)
    return tuple(
        index
        for label in (sorted(groups) if sorts_classes else groups)
        for index in (groups[label] if len(groups[label]) < shots else sample(groups[label], shots))
    )
