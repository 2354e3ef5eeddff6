"""Which architectures can be run, and the sentences for those that cannot."""

import open_clip
import pytest
import torch

from harness.backbone.published import architectures, published_weights
from harness.backbone.spec import WELL_KNOWN, backbone_spec
from harness.backbone.supported import is_timm, refusal

PLAIN = {"embed_dim": 16, "vision_cfg": {"image_size": 32}, "text_cfg": {"width": 64}}
NATIVE = [name for name, config in architectures().items() if refusal(config) is None and not is_timm(config)]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ViT-B-16-SigLIP:webli", "reads the tokens of timm/ViT-B-16-SigLIP, not CLIP's byte pairs"),
        ("ViT-B-16-SigLIP2:webli", "has another activation, {'approximate': 'tanh'}"),
        ("coca_ViT-B-32:laion2b_s13b_b90k", "it is a CoCa, whose text tower also writes captions"),
        ("roberta-ViT-B-32:laion2b_s12b_b32k", "its text tower is the language model roberta-base"),
        ("ViT-L-14-CLIPA:datacomp1b", "is read by the pooling 'last', not at the end of text"),
        ("ViT-H-14-worldwide:metaclip2_worldwide", "is read by the pooling 'eos'"),
        ("MobileCLIP-S1:datacompdr", "looks at what follows a token"),
        (
            "ViT-H-14-378:dfn5b",
            "its images are resized bicubic, squash, and the harness has only bicubic, shortest",
        ),
        ("PE-Core-B-16:meta", "its images are resized bilinear, squash"),
    ],
)
def test_other_towers_are_refused_with_a_sentence(name: str, sentence: str) -> None:
    """What is not CLIP's in a published backbone is said."""
    architecture, _, tag = name.partition(":")
    reason = refusal(architectures()[architecture], published_weights()[architecture][tag])
    assert reason is not None
    assert reason.startswith("cannot be run: ")
    assert sentence in reason


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ({"embed_cls": True}, "is read at a class token"),
        ({"proj_type": "none"}, "ends in the projection 'none'"),
        ({"proj_bias": True}, "ends in a projection with a bias"),
        ({"vocab_size": 32000}, "has a vocabulary of 32000 tokens"),
        ({"ls_init_value": 1e-4}, "scales its layers"),
        ({"qk_norm": True}, "has the option qk_norm = True"),
        ({"tokenizer_kwargs": {"clean": "canonicalize"}}, "has the option tokenizer_kwargs"),
    ],
)
def test_each_option_of_a_text_tower_is_looked_at(text: dict, sentence: str) -> None:
    """An option that the text forward does not follow is refused, also one that is not known yet."""
    config = PLAIN | {"text_cfg": PLAIN["text_cfg"] | text}
    assert refusal(PLAIN) is None
    assert f"cannot be run: its text tower {sentence}" in str(refusal(config))


def test_options_at_their_defaults_are_no_reason() -> None:
    """A configuration may spell out what CLIP's own tower does."""
    text = {"no_causal_mask": False, "pool_type": "argmax", "proj_bias": False, "eos_id": 2, "vocab_size": 49408}
    assert refusal(PLAIN | {"text_cfg": text, "custom_text": True}) is None


def test_unknown_parts_and_oblong_images_are_refused() -> None:
    """What a later open_clip may add is not run by guess."""
    config = PLAIN | {"audio_cfg": {}, "vision_cfg": {"image_size": [32, 64], "output_tokens": True}}
    assert refusal(config) == (
        "cannot be run: its configuration has keys that the harness does not know, audio_cfg; its images are not "
        "square but [32, 64]; its image tower gives a feature of every token."
    )


@pytest.mark.parametrize("name", NATIVE)
def test_accepted_towers_are_what_the_text_forward_expects(name: str) -> None:
    """CLIP's parts are there: a causal mask, a plain projection, plain layers, the end of text as feature."""
    with torch.device("meta"):
        module = open_clip.CLIP(**architectures()[name])
    assert module.attn_mask is not None
    assert isinstance(module.text_projection, torch.nn.Parameter)
    assert module.text_pool_type == "argmax"
    assert module.positional_embedding.shape[0] == module.context_length
    block = module.transformer.resblocks[0]
    assert {key.partition(".")[0] for key in block.state_dict()} == {"ln_1", "attn", "ln_2", "mlp"}
    assert isinstance(block.attn, torch.nn.MultiheadAttention)
    assert isinstance(open_clip.get_tokenizer(name), open_clip.SimpleTokenizer)


@pytest.mark.parametrize("name", [name for name in WELL_KNOWN if name != "tiny"])
def test_listed_sizes_are_the_models(name: str) -> None:
    """Parameters and image size are those of the model that open_clip builds."""
    spec = backbone_spec(name)
    with torch.device("meta"):
        module = open_clip.CLIP(**spec.config)
    assert sum(parameter.numel() for parameter in module.parameters()) == WELL_KNOWN[name]
    assert spec.image_size_px == 224
