"""The tiny backbone: its weights file, the drawing of its images and its pretraining."""

import ast
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file

import harness.backbone.tiny as package
from harness.backbone.tiny import draw, pretrain
from harness.backbone.tiny.masters import DIGIT_NAMES, SHAPE_NAMES, Masters, render_masters

FOLDER = Path(package.__file__).parent
LARGEST_BYTES = 9_500_000


@pytest.fixture(scope="module")
def masters() -> Masters:
    """Masters of two fonts, which render in a fraction of the time of all eighteen."""
    return render_masters(("DejaVuSans", "STIXGeneral"))


@pytest.fixture(scope="module")
def shipped() -> CLIP:
    """The backbone of config.json with the shipped weights, loaded strictly."""
    backbone = CLIP(**json.loads((FOLDER / "config.json").read_text(encoding="utf-8")))
    backbone.load_state_dict(load_file(FOLDER / "tiny.safetensors"), strict=True)
    return backbone.eval()


def test_weights_are_those_that_tiny_json_describes(shipped: CLIP) -> None:
    """The digest, the parameter count and the image size of tiny.json are those of the shipped file."""
    described = json.loads((FOLDER / "tiny.json").read_text(encoding="utf-8"))
    weights = FOLDER / "tiny.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == described["sha256"]
    assert sum(value.numel() for value in shipped.parameters()) == described["parameters"]
    assert shipped.visual.image_size == (described["image_size_px"],) * 2


def test_weights_are_small_and_in_half_precision() -> None:
    """The weights file stays under 9.5 MB because every tensor in it is float16."""
    weights = FOLDER / "tiny.safetensors"
    assert weights.stat().st_size <= LARGEST_BYTES
    assert {value.dtype for value in load_file(weights).values()} == {torch.float16}


def test_shipped_weights_read_drawn_digits(shipped: CLIP, masters: Masters) -> None:
    """The shipped weights name most freshly drawn digits, over all degradations."""
    accuracy = pretrain.held_out_accuracy(shipped, masters, np.random.SeedSequence(97), 400)
    assert accuracy["digit"] > 0.6


def test_training_log_has_rows_and_totals() -> None:
    """The training log says how long it ran, how well it ended and how the loss fell."""
    training = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    assert training["seconds"] > 0
    assert set(training["held_out_accuracy"]) == {"digit", "letter", "shape"}
    assert {"step", "loss", "lr", "batch_accuracy"} <= set(training["log"][0])
    assert training["log"][-1]["loss"] < training["log"][0]["loss"]


def test_drawing_depends_on_the_generator_only(masters: Masters) -> None:
    """Equal generators draw equal batches and another generator draws another one."""
    first, again, other = (draw.draw_batch(masters, np.random.default_rng(seed), 12) for seed in (5, 5, 6))
    assert torch.equal(first.images, again.images)
    assert first.captions == again.captions
    assert not torch.equal(first.images, other.images)


def test_drawn_images_are_in_range(masters: Masters) -> None:
    """Images are [image, 3, 32, 32] in 0..1 and none of them is blank."""
    images = draw.draw_batch(masters, np.random.default_rng(0), 64).images
    assert images.shape == (64, 3, 32, 32)
    assert images.min() >= 0
    assert images.max() <= 1
    assert (images.flatten(1).std(dim=1) > 0.01).all()


def test_captions_name_the_drawn_label_and_no_other(masters: Masters) -> None:
    """A caption names the label of its own image or, rarely, no label at all."""
    drawn = draw.draw_batch(masters, np.random.default_rng(1), 300)
    labels = set(DIGIT_NAMES) | set(SHAPE_NAMES)
    named = 0
    for caption, label, kind in zip(drawn.captions, drawn.labels, drawn.kinds, strict=True):
        words = caption.rstrip(".").replace(",", "").split()
        assert labels & set(words) <= {label}
        # The letter a reads like the article, so only the other letters can be told from the words.
        named += label in words
        assert kind in {"digit", "letter", "shape"}
    assert named > 0.8 * len(drawn.captions)


def test_captions_match_their_own_images_and_like_ones(masters: Masters) -> None:
    """Every caption is true of its image and never of an image with another label that it names."""
    drawn = draw.draw_batch(masters, np.random.default_rng(2), 120)
    assert drawn.matches.diagonal().all()
    for column, caption in enumerate(drawn.captions):
        if drawn.kinds[column] == "digit" and drawn.labels[column] in caption.rstrip(".").split():
            matched = {drawn.labels[row] for row in drawn.matches[:, column].nonzero()[:, 0].tolist()}
            assert matched == {drawn.labels[column]}


def test_digits_data_set_is_out_of_reach() -> None:
    """Neither the drawing nor the pretraining imports scikit-learn or anything of the harness's data."""
    for module in (draw, pretrain):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert not [name for name in imported if name and name.startswith(("sklearn", "harness.data"))]


def test_truncated_captions_encode_as_full_ones(shipped: CLIP) -> None:
    """Cutting the padding off changes no text feature."""
    tokens = SimpleTokenizer(context_length=77)(["a photo of the digit three.", "a red star"])
    with torch.inference_mode():
        full = shipped.encode_text(tokens, normalize=True)
        short = pretrain.encode_captions(shipped, tokens)
    torch.testing.assert_close(short, full, atol=1e-5, rtol=1e-4)


def test_loss_is_least_when_matches_score_alike() -> None:
    """With repeated captions, equal scores for all true pairs cost less than singling out the diagonal."""
    matches = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    shared = pretrain.contrastive_loss(10.0 * matches.float(), matches)
    alone = pretrain.contrastive_loss(10.0 * torch.eye(3), matches)
    assert shared < alone


def test_two_steps_write_loadable_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, masters: Masters
) -> None:
    """A pretraining of two steps writes weights that load strictly and a tiny.json with their digest."""
    monkeypatch.setattr(pretrain, "render_masters", lambda: masters)
    monkeypatch.setattr(pretrain, "HELD_OUT_IMAGES", 100)
    before = torch.random.get_rng_state()
    assert pretrain.main(["--out", str(tmp_path), "--steps", "2", "--batch", "8", "--seed", "3"]) == 0
    assert torch.equal(torch.random.get_rng_state(), before)
    written = load_file(tmp_path / "tiny.safetensors")
    pretrain.build_backbone(0).load_state_dict(written, strict=True)
    described = json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))
    assert described["sha256"] == hashlib.sha256((tmp_path / "tiny.safetensors").read_bytes()).hexdigest()
    assert "--steps 2 --batch 8 --seed 3" in described["command"]
    assert json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))["log"][-1]["step"] == 2


def test_fresh_weights_depend_on_the_seed_only() -> None:
    """Equal seeds give equal fresh weights and another seed gives others."""
    first, again, other = (pretrain.build_backbone(seed).visual.proj for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
