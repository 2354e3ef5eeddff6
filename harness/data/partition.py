"""CoOp's two rules for the parts that a data set comes without.

They are ``split_trainval`` of datasets/oxford_pets.py and ``read_and_split_data`` of datasets/dtd.py, in
github.com/KaiyangZhou/CoOp at ff61507.

Both take the classes in the order of their first appearance, shuffle each once by one ``random.Random(1)``, and
keep the shuffled order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from harness.data.split import Item, Split

_SEED = 1


def hold_out_fifth(items: Iterable[Item]) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Training and validation images: of every class the first fifth of the shuffled images validates."""
    train: list[Item] = []
    val: list[Item] = []
    for group in _shuffled_classes(items):
        n_val = round(0.2 * len(group))
        val += group[:n_val]
        train += group[n_val:]
    return tuple(train), tuple(val)


def cut_in_three(items: Iterable[Item]) -> Split:
    """A split: of every class half of the shuffled images train, a fifth validates, the rest test."""
    train: list[Item] = []
    val: list[Item] = []
    test: list[Item] = []
    for group in _shuffled_classes(items):
        n_train, n_val = round(0.5 * len(group)), round(0.2 * len(group))  # Python's rounding: half to even
        train += group[:n_train]
        val += group[n_train : n_train + n_val]
        test += group[n_train + n_val :]
    return Split(tuple(train), tuple(val), tuple(test))


def _shuffled_classes(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The images of every class, shuffled."""
    groups: dict[int, list[Item]] = {}
    for item in items:
        groups.setdefault(item.label, []).append(item)
    generator = random.Random(_SEED)  # noqa: S311 - a published draw, not a secret
    for group in groups.values():
        generator.shuffle(group)
        yield group
