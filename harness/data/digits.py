"""The tiny real data set: 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn.

They are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI, 1998).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from harness.data.partition import cut_in_three
from harness.data.split import Item, Split, validated

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_BRIGHTEST = 16  # scikit-learn keeps the ink of a pixel as 0 .. 16


def digits_split() -> Split:
    """The fixed split: of every class half to train, a fifth to val, the rest to test.

    CoOp's rule for data sets that come without a split; the digits first appear in label order.
    """
    labels = _load()["target"].tolist()
    items = (Item(f"digit_{index:04d}", label, CLASS_NAMES[label]) for index, label in enumerate(labels))
    return validated(cut_in_three(items), "digits")


def digit_image(path: str) -> Image.Image:
    """One digit as an RGB image of 8 x 8 pixels, bright ink on black.

    Args:
        path: the item's path, ``digit_`` and four figures.
    """
    ink = _load()["images"][int(path.removeprefix("digit_"))]
    grey = np.round(ink * (255 / _BRIGHTEST)).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


@cache
def _load() -> Any:
    """scikit-learn's bunch; the import takes a second, so it waits until a worker asks for digits."""
    from sklearn.datasets import load_digits

    return load_digits()
