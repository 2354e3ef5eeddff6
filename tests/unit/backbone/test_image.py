"""The image tower that is read at its class token."""

import open_clip
import torch

from harness.backbone.image import ClassTokenBlock, read_class_token_only


def _vision(**options: object) -> torch.nn.Module:
    config = {"image_size": 32, "layers": 2, "width": 64, "head_width": 64, "patch_size": 8, **options}
    text = {"context_length": 8, "vocab_size": 16, "width": 64, "heads": 1, "layers": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return open_clip.CLIP(32, vision_cfg=config, text_cfg=text).visual.eval()


def test_features_are_those_of_the_whole_tower() -> None:
    """Leaving out what nobody reads changes a feature by no more than float noise."""
    visual = _vision()
    pixels = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        whole = visual(pixels)
        read_class_token_only(visual)
        assert isinstance(visual.transformer.resblocks[-1], ClassTokenBlock)
        torch.testing.assert_close(visual(pixels), whole, rtol=1e-5, atol=1e-5)


def test_other_towers_are_left_alone() -> None:
    """A tower that pools over all positions, and a ResNet, keep their layers."""
    pooled = _vision(pool_type="avg")
    read_class_token_only(pooled)
    assert not isinstance(pooled.transformer.resblocks[-1], ClassTokenBlock)
    resnet = _vision(layers=(1, 1, 1, 1), width=64, patch_size=None)
    read_class_token_only(resnet)
    assert not any(isinstance(module, ClassTokenBlock) for module in resnet.modules())
