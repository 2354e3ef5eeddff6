"""The tiny real data set: 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn.

They are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI, 1998).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

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


def shifted_split(shift: str) -> Split:
    """The test images of the digits, seen through one of ``SHIFTS``; there is nothing to train on."""
    test = tuple(Item(f"{shift}/{path}", label, name) for path, label, name in digits_split().test)
    return validated(Split(train=(), val=(), test=test), f"digits_{shift}", must_hold=("test",))


def digit_image(path: str) -> Image.Image:
    """One digit as an RGB image, bright ink on black, of 8 x 8 pixels; 32 x 32 where a shift needs them.

    Args:
        path: the item's path, ``digit_`` and four figures; behind a shift's name and a slash where it is shifted.
    """
    shift, _, name = path.rpartition("/")
    number = int(name.removeprefix("digit_"))
    grey = np.round(_load()["images"][number] * (255 / _BRIGHTEST)).astype(np.uint8)
    image = Image.fromarray(grey)
    return (SHIFTS[shift](image, number) if shift else image).convert("RGB")


def _inverted(image: Image.Image, _: int) -> Image.Image:
    """Dark ink on white."""
    return ImageOps.invert(image)


def _blurred(image: Image.Image, _: int) -> Image.Image:
    """Out of focus."""
    return _enlarged(image).filter(ImageFilter.GaussianBlur(2.5))


def _rotated(image: Image.Image, number: int) -> Image.Image:
    """Turned by 25 degrees, every other image to the other side."""
    return _enlarged(image).rotate(25 if number % 2 else -25, Image.Resampling.BICUBIC)


def _noisy(image: Image.Image, number: int) -> Image.Image:
    """With normal noise of a quarter of the range on every pixel, the same whenever the image is read."""
    generator = random.Random(number)  # noqa: S311 - a rule that anyone can repeat, not a secret
    noise = np.array([generator.gauss(0.0, 64.0) for _ in range(image.width * image.height)])
    grey = np.asarray(image, dtype=np.float64) + noise.reshape(image.height, image.width)
    return Image.fromarray(np.clip(np.round(grey), 0, 255).astype(np.uint8))


def _enlarged(image: Image.Image) -> Image.Image:
    return image.resize((32, 32), Image.Resampling.BICUBIC)


SHIFTS: Mapping[str, Callable[[Image.Image, int], Image.Image]] = {
    "inverted": _inverted,
    "blurred": _blurred,
    "rotated": _rotated,
    "noisy": _noisy,
}


@cache
def _load() -> Any:
    """scikit-learn's bunch; the import takes a second, so it waits until a worker asks for digits."""
    from sklearn.datasets import load_digits

    return load_digits()
