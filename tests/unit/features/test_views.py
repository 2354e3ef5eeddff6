"""Views of images."""

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data.augmentation import CropAndFlip, SmallAffine
from harness.features.views import Affine, Crop, apply_view, draw_view, to_pixels


def _dot(x: int, y: int, side: int = 33) -> Image.Image:
    """One bright pixel on black."""
    array = np.zeros((side, side, 3), dtype=np.uint8)
    array[y, x] = 255
    return Image.fromarray(array)


def _brightest(image: Image.Image) -> tuple[int, int]:
    grey = np.asarray(image).sum(axis=2)
    y, x = np.unravel_index(grey.argmax(), grey.shape)
    return int(x), int(y)


def test_an_affine_view_that_moves_nothing_changes_nothing() -> None:
    """No turn, no shift and no zoom give the image itself."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    moved = apply_view(image, Affine(0.0, (0.0, 0.0), 1.0), 32)
    assert np.array_equal(np.asarray(moved), np.asarray(image))


@pytest.mark.parametrize(
    ("view", "place"),
    [
        (Affine(0.0, (5 / 33, -3 / 33), 1.0), (25, 13)),
        (Affine(90.0, (0.0, 0.0), 1.0), (16, 20)),
        (Affine(0.0, (0.0, 0.0), 2.0), (24, 16)),
    ],
)
def test_affine_views_shift_turn_and_zoom(view: Affine, place: tuple[int, int]) -> None:
    """A dot right of the centre goes where shift, quarter turn and zoom send it."""
    assert _brightest(apply_view(_dot(20, 16), view, 33)) == place


def test_a_flipped_crop_is_mirrored() -> None:
    """The left side of the rectangle ends on the right."""
    image = _dot(2, 8)
    assert _brightest(apply_view(image, Crop(0, 0, 33, 33, flip=False), 33)) == (2, 8)
    assert _brightest(apply_view(image, Crop(0, 0, 33, 33, flip=True), 33)) == (30, 8)


@pytest.mark.parametrize("augmentation", [CropAndFlip(), SmallAffine(10, 0.1, (0.9, 1.1))])
def test_views_are_functions_of_the_generator(augmentation: CropAndFlip | SmallAffine) -> None:
    """The same seed draws the same views, and one seed draws different ones in turn."""

    def draw(seed: int) -> list[object]:
        generator = torch.Generator().manual_seed(seed)
        return [draw_view((40, 30), augmentation, generator) for _ in range(4)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert len({repr(view) for view in draw(1)}) == 4


def test_crops_stay_inside_the_image() -> None:
    """Also of an image so narrow that the central rectangle is taken."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        crop = draw_view((400, 3), CropAndFlip(), generator)
        assert isinstance(crop, Crop)
        assert 0 <= crop.left <= crop.left + crop.width <= 400
        assert 0 <= crop.top <= crop.top + crop.height <= 3
        assert crop.width > 0
        assert crop.height > 0


def test_pixels_are_normalised_by_channel() -> None:
    """White becomes (1 - mean) / std."""
    pixels = to_pixels([Image.new("RGB", (2, 2), "white")], (0.5, 0.25, 0.0), (0.5, 0.25, 2.0))
    assert pixels[0, :, 0, 0].tolist() == [1.0, 3.0, 0.5]
