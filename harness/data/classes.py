"""The base and the new half of a data set's classes, as CoCoOp (Zhou et al., CVPR 2022) cuts them.

``subsample_classes`` of datasets/oxford_pets.py, in github.com/KaiyangZhou/CoOp.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.data.split import Item


def relabelled(labels: Iterable[int], classes: str) -> dict[int, int]:
    """From each label that is kept to its label among those that are kept.

    ``base`` is the first half of the sorted labels, the larger one where their number is odd; ``new`` is the
    rest, numbered from 0. ``all`` leaves everything as it is.
    """
    ordered = sorted(set(labels))
    if classes == "all":
        return {label: label for label in ordered}
    half = (len(ordered) + 1) // 2
    kept = ordered[:half] if classes == "base" else ordered[half:]
    return {label: place for place, label in enumerate(kept)}


def cut(items: Iterable[Item], kept: Mapping[int, int]) -> list[Item]:
    """The items of the classes that are kept, in order, with their new labels."""
    return [
        Item(item.path, kept[item.label], item.class_name) if kept[item.label] != item.label else item
        for item in items
        if item.label in kept
    ]
