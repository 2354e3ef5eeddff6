"""Which of open_clip's architectures the harness can run; it reads prompts in its own way, so not all of them.

The text forward (``clip.py`` and ``text.py``) takes prompts as embeddings, shares what they have in common, and
reads the feature at the end of text. That is exact for CLIP's own text tower and for no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.backbone.published import Published

_VOCABULARY = 49_408  # CLIP's byte pairs with start and end of text
_TOP = frozenset(
    {
        "embed_dim",
        "vision_cfg",
        "text_cfg",
        "quick_gelu",
        "custom_text",
        "init_logit_scale",
        "init_logit_bias",
        "multimodal_cfg",
    }
)
# Of a text tower, sizes and what a causal tower that is read at the end of text never looks at.
_FREE_TEXT = frozenset(
    {"context_length", "width", "heads", "layers", "mlp_ratio", "norm_kwargs", "pad_id", "eos_id"}
)
_OF_LANGUAGE_MODELS = {"hf_tokenizer_name", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type"}
# What else a text tower may say only as CLIP's own does, and how it reads when it does not.
_PLAIN_TEXT: Mapping[str, tuple[Any, str]] = {
    "hf_model_name": (None, "is the language model {value}"),
    "hf_tokenizer_name": (None, "reads the tokens of {value}, not CLIP's byte pairs"),
    "vocab_size": (_VOCABULARY, "has a vocabulary of {value} tokens, not CLIP's"),
    "no_causal_mask": (False, "looks at what follows a token, so that prompts cannot share their beginnings"),
    "embed_cls": (False, "is read at a class token behind the padding, not at the end of text"),
    "pool_type": ("argmax", "is read by the pooling {value!r}, not at the end of text"),
    "proj_type": ("linear", "ends in the projection {value!r}"),
    "proj_bias": (False, "ends in a projection with a bias"),
    "output_tokens": (False, "gives a feature of every token"),
    "act_kwargs": (None, "has another activation, {value}"),
    "ls_init_value": (None, "scales its layers"),
}
_RESIZING = ("bicubic", "shortest")  # how ``features.views`` resizes, which is how CLIP does


def refusal(config: Mapping[str, Any], published: Published | None = None) -> str | None:
    """Why the harness cannot run an architecture with these weights; ``None`` when it can."""
    reasons = [*_whole_reasons(config), *_image_reasons(config["vision_cfg"])]
    if text := list(_text_reasons(config["text_cfg"])):
        reasons.append(f"its text tower {', '.join(text)}")
    if published is not None and (published.interpolation, published.resize_mode) != _RESIZING:
        how = f"{published.interpolation}, {published.resize_mode}"
        reasons.append(f"its images are resized {how}, and the harness has only {', '.join(_RESIZING)}")
    return f"cannot be run: {'; '.join(reasons)}." if reasons else None


def is_timm(config: Mapping[str, Any]) -> bool:
    """Whether the image tower is one of timm."""
    return "timm_model_name" in config["vision_cfg"]


def image_size_px(config: Mapping[str, Any]) -> int:
    """Side of the square image that the architecture reads."""
    size = config["vision_cfg"].get("image_size", 224)
    return int(size if isinstance(size, int) else size[0])


def _whole_reasons(config: Mapping[str, Any]) -> Iterator[str]:
    if "multimodal_cfg" in config:
        yield "it is a CoCa, whose text tower also writes captions"
    if others := sorted(config.keys() - _TOP):
        yield f"its configuration has keys that the harness does not know, {', '.join(others)}"


def _text_reasons(text: Mapping[str, Any]) -> Iterator[str]:
    """What a text tower does that CLIP's does not; what follows from another tokenizer or tower is left out."""
    follows = {"hf_tokenizer_name": {"vocab_size", "tokenizer_kwargs"}, "hf_model_name": _OF_LANGUAGE_MODELS}
    told = set().union(*(keys for name, keys in follows.items() if text.get(name)))
    for key, value in text.items():
        plain, sentence = _PLAIN_TEXT.get(key, (None, f"has the option {key} = {{value!r}}"))
        if key not in _FREE_TEXT and key not in told and value != plain:
            yield sentence.format(value=value)


def _image_reasons(vision: Mapping[str, Any]) -> Iterator[str]:
    size = vision.get("image_size", 224)
    if not isinstance(size, int) and len(set(size)) > 1:
        yield f"its images are not square but {size}"
    if vision.get("output_tokens"):
        yield "its image tower gives a feature of every token"
