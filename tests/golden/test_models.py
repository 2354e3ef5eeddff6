"""Backbones from OpenAI state dicts against the features of the reference."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.backbone.clip import Clip
from harness.backbone.prompts import text_layout
from harness.backbone.sentences import encode_texts

Golden = Callable[[str], dict]
Labelled = dict[str, tuple[Tensor, Tensor]]
MODELS = ("vit", "rn")


@pytest.mark.parametrize("model", MODELS)
def test_weights_are_the_recipes(model: str, golden: Golden, golden_state: Callable[[str], dict]) -> None:
    """Shape, sum and first three values of every tensor; all that follows stands on them."""
    state = golden_state(model)
    for key, recorded in golden("models")[model]["state_dict"].items():
        values = state[key].numpy()
        assert list(values.shape) == recorded["shape"], key
        expected = recorded["sum"]
        assert values.sum(dtype=np.float64) == pytest.approx(expected, rel=0, abs=1e-6 * max(1, abs(expected)))
        assert values.ravel()[:3].tolist() == np.float32(recorded["first3"]).tolist(), key


@pytest.mark.parametrize("model", MODELS)
def test_images_are_the_recipes(model: str, golden: Golden, golden_images: Callable[[str], Labelled]) -> None:
    """Sums, first values and labels of the golden images."""
    recorded, images = golden("models")[model], golden_images(model)
    for part in ("train", "test"):
        pixels, labels = images[part]
        assert float(pixels.double().sum()) == pytest.approx(recorded[f"{part}_images_sum"], rel=1e-9)
        assert labels.tolist() == recorded[f"{part}_labels"]
    assert images["test"][0].ravel()[:8].tolist() == np.float32(recorded["test_image0_first8"]).tolist()


@pytest.mark.parametrize("model", MODELS)
def test_image_features_are_the_references(
    model: str, golden: Golden, golden_features: Callable[[str], Labelled]
) -> None:
    """Raw features of the test images, and a summary of those of the training images."""
    recorded, features = golden("models")[model], golden_features(model)
    np.testing.assert_allclose(features["test"][0], recorded["test_image_features"], rtol=0, atol=3e-5)
    train, summary = features["train"][0], recorded["train_image_features_summary"]
    assert list(train.shape) == summary["shape"]
    np.testing.assert_allclose(train.ravel()[:8], summary["first8"], rtol=0, atol=3e-5)
    np.testing.assert_allclose(train.ravel()[-8:], summary["last8"], rtol=0, atol=3e-5)
    assert float(train.double().norm()) == pytest.approx(summary["norm"], rel=0, abs=1e-4)
    assert float(train.double().sum()) == pytest.approx(summary["sum"], rel=0, abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_text_features_are_the_references(model: str, golden: Golden, golden_clip: Callable[[str], Clip]) -> None:
    """Tokens and raw features of written sentences."""
    recorded, clip = golden("models")[model], golden_clip(model)
    assert [list(text_layout(text, clip.tokens)) for text in recorded["prompts"]] == recorded["tokens"]
    texts = encode_texts(recorded["prompts"], clip)
    np.testing.assert_allclose(texts, recorded["text_features"], rtol=0, atol=2e-5)


@pytest.mark.parametrize("model", MODELS)
def test_backbone_is_the_recorded_one(model: str, golden: Golden, golden_clip: Callable[[str], Clip]) -> None:
    """Image size, logit scale and positions are those that the state dict was recorded with."""
    recorded, clip = golden("models")[model], golden_clip(model)
    assert clip.image_size_px == recorded["config"]["image_resolution"]
    assert clip.context_length == recorded["config"]["context_length"]
    assert clip.logit_scale == pytest.approx(recorded["derived"]["logit_scale_exp"], rel=1e-7)
    assert clip.token_table.dtype == torch.float32
