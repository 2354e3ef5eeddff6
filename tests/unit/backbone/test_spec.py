"""Names of backbones."""

from pathlib import Path

import pytest

from harness.backbone.spec import WELL_KNOWN, backbone_spec, name_fault
from harness.errors import BackboneError

LISTED = "`harness backbones --all` lists them."


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_well_known_names_are_backbones(name: str) -> None:
    """Every listed name can be resolved."""
    assert backbone_spec(name).name == name


def test_name_is_architecture_and_tag() -> None:
    """The repository is the one that open_clip knows for the tag."""
    found = backbone_spec("ViT-B-16:laion2b_s34b_b88k")
    assert found.published is not None
    assert (found.architecture, found.published.repository) == (
        "ViT-B-16",
        "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    )
    assert found.published.filenames == ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    assert (found.file, found.is_shipped) == (None, False)


@pytest.mark.parametrize(
    "weights", ["w.pt", "w.safetensors", "W.BIN", "w.pth", "./openai", "/a/b", "~/w", "a/b.ckpt"]
)
def test_local_files_are_told_by_their_spelling(weights: str) -> None:
    """A slash or the ending of a weights file makes a file, whether or not there is one."""
    found = backbone_spec(f"ViT-B-16:{weights}")
    assert (found.file, found.published) == (Path(weights), None)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ViT-B16:openai", f"unknown architecture 'ViT-B16'. Nearest: ViT-B-16, ViT-S-16, ViT-M-16. {LISTED}"),
        ("zzz:openai", f"unknown architecture 'zzz'. {LISTED}"),
        ("ViT-B-16", f"names no weights. Write ViT-B-16:TAG or ViT-B-16:FILE. {LISTED}"),
        (
            "ViT-B-16:opnai",
            "unknown weights 'opnai' of ViT-B-16; open_clip knows 15 of it. Nearest: openai. "
            f"{LISTED} A file is written with its folder, ViT-B-16:./opnai.",
        ),
        (
            "RN50:zzz",
            "unknown weights 'zzz' of RN50; open_clip knows 3 of it. Nearest: openai, yfcc15m, cc12m. "
            f"{LISTED} A file is written with its folder, RN50:./zzz.",
        ),
    ],
)
def test_unknown_names_get_the_nearest(name: str, what: str) -> None:
    """An architecture or a tag that open_clip does not know is answered with those that it does."""
    assert name_fault(name) == what
    with pytest.raises(BackboneError):
        backbone_spec(name)


def test_other_towers_are_refused_by_name() -> None:
    """Nothing has to be downloaded to hear that a text tower cannot be run, also for a local file."""
    for weights in ("webli", "./file.safetensors"):
        assert "reads the tokens of" in str(name_fault(f"ViT-B-16-SigLIP:{weights}"))
