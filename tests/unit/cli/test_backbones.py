"""``harness backbones``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backbone.published import published_weights
from harness.backbone.spec import TINY_FOLDER, WELL_KNOWN

Harness = Callable[..., Any]


def test_well_known_backbones_are_listed_with_their_state(harness: Harness, tmp_path: Path) -> None:
    """Name, image size, parameters, and where the weights are or how to get them."""
    file = tmp_path / "clip" / "RN50.pt"
    file.parent.mkdir()
    file.write_bytes(b"x" * 2_000_000)
    answer = harness("backbones")
    assert answer.code == 0
    lines = [line.split(maxsplit=3) for line in answer.out.splitlines()]
    assert [line[0] for line in lines[1 : 1 + len(WELL_KNOWN)]] == list(WELL_KNOWN)
    assert [" ".join(line).strip() for line in lines[:4]] == [
        "backbone image_px parameters weights",
        f"tiny 32 4,149,889 {TINY_FOLDER}/tiny.safetensors (8 MB)",
        f"RN50:openai 224 102,007,137 {file} (2 MB)",
        "RN101:openai 224 119,688,033 not on disk: harness backbones fetch RN101:openai",
    ]


def test_all_weights_of_open_clip_are_listed(harness: Harness) -> None:
    """Every tag is there, and one that cannot be run with the reason."""
    lines = harness("backbones", "--all").out.splitlines()
    assert len(lines) == 2 + sum(map(len, published_weights().values()))
    (siglip,) = [line for line in lines if line.startswith("ViT-B-16-SigLIP:webli ")]
    assert "cannot be run: its text tower reads the tokens of timm/ViT-B-16-SigLIP" in siglip


def test_fetch_of_what_is_on_disk_says_where(harness: Harness) -> None:
    """File and digest are printed."""
    answer = harness("backbones", "fetch", "tiny")
    assert answer.code == 0
    assert answer.out.startswith(f"tiny: {TINY_FOLDER}/tiny.safetensors (sha256 ")


def test_wrong_names_are_said_together_before_anything_is_fetched(harness: Harness) -> None:
    """All names are looked at first."""
    answer = harness("backbones", "fetch", "tiny", "ViT-B-99:openai", "RN50:zzz")
    assert (answer.code, answer.out) == (2, "")
    assert [line.partition(" of ")[0][:52] for line in answer.err.splitlines()] == [
        "error: ViT-B-99:openai: unknown architecture 'ViT-B-",
        "error: RN50:zzz: unknown weights 'zzz'",
    ]


def test_fetch_goes_on_after_a_failure(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be had is fetched, and what cannot is said at the end."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    answer = harness("backbones", "fetch", "RN50:openai", "tiny", "RN101:openai")
    assert (answer.code, answer.out.count("sha256"), answer.err.count("HF_HUB_OFFLINE is set")) == (2, 1, 2)


def test_listing_never_reads_weights(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest of gigabytes is nothing to wait for in a list."""
    monkeypatch.setattr("harness.cli.commands.backbones.weights_digest", lambda _: pytest.fail("read"))
    assert harness("backbones").code == 0
