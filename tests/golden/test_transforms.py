"""Views against the transforms that the reference builds."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.backbone.load import CLIP_MEAN, CLIP_STD
from harness.data.catalog import PHOTOGRAPHS
from harness.engine.batches import epoch_batches
from harness.features.views import Crop, apply_view, draw_view, to_pixels

GOLDEN = json.loads((Path(__file__).parent / "transforms.json").read_text())
# Another Pillow may round a pixel to its neighbour: 1/255 after normalisation.
ONE_GREY_LEVEL = 0.0151


def _noise(height: int, width: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8))


def _assert_pixels(pixels: torch.Tensor, case: dict) -> None:
    assert pixels.shape == (1, 3, 224, 224)
    probe = [float(pixels[0, c, y, x]) for c, y, x in GOLDEN["points"]]
    np.testing.assert_allclose(probe, case["probe"], atol=ONE_GREY_LEVEL)
    sums = pixels[0].double().sum(dim=(1, 2)).numpy()
    np.testing.assert_allclose(sums, case["channel_sum"], rtol=1e-3)


@pytest.mark.parametrize("case", GOLDEN["test"], ids=lambda case: f"{case['width']}x{case['height']}")
def test_centre_view_is_the_references_test_transform(case: dict) -> None:
    """The centre view has the pixels of resize, centre crop and normalisation."""
    square = apply_view(_noise(case["height"], case["width"]), None, 224)
    _assert_pixels(to_pixels([square], CLIP_MEAN, CLIP_STD), case)


@pytest.mark.parametrize("case", GOLDEN["train"], ids=lambda case: f"seed{case['seed']}")
def test_random_view_is_the_references_training_transform(case: dict) -> None:
    """From the same generator state the same crop, the same flip and the same pixels come out."""
    generator = torch.Generator().manual_seed(case["seed"])
    view = draw_view((case["width"], case["height"]), PHOTOGRAPHS, generator)
    assert view == Crop(*case["crop"], flip=case["flip"])
    square = apply_view(_noise(case["height"], case["width"]), view, 224)
    _assert_pixels(to_pixels([square], CLIP_MEAN, CLIP_STD), case)


@pytest.mark.parametrize("case", GOLDEN["loader"], ids=lambda case: str(case["n_items"]))
def test_batches_have_the_sizes_of_the_references_loader(case: dict) -> None:
    """An incomplete last batch is dropped when there is a full one and kept when it is the only one."""
    sizes = [len(batch) for batch in epoch_batches(("split", 1, 1), case["n_items"], 32, 0)]
    assert sizes == [min(32, case["n_items"])] * case["train_batches"]
