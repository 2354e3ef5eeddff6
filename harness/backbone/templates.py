"""Sets of templates, and the text features of a whole set."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import open_clip
import torch
from torch.nn.functional import normalize

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, spoken, text_layout
from harness.backbone.sentences import encode_texts
from harness.host import cpu_threads
from harness.matrix.template import parts_of
from harness.shapes import TextFeatures
from harness.threads import side_by_side

# Those that the makers of CLIP selected on ImageNet, and all 80 that they wrote for it, in open_clip's order.
ENSEMBLE_TEMPLATES: dict[str, tuple[str, ...]] = {
    "selected": tuple(template("{}") for template in open_clip.SIMPLE_IMAGENET_TEMPLATES),
    "imagenet": tuple(template("{}") for template in open_clip.OPENAI_IMAGENET_TEMPLATES),
}
_AT_ONCE = 1024  # sentences that are encoded together: all of ImageNet's class names in one template


def sentence_templates(template: str) -> tuple[str, ...]:
    """The sentences behind a cell's template, each with one ``{}``."""
    return tuple(sentence for part in parts_of(template) for sentence in ENSEMBLE_TEMPLATES.get(part, (part,)))


def longest_layouts(templates: Sequence[str], class_names: Sequence[str], clip: Clip) -> list[Layout]:
    """For each class the layout of its longest sentence."""
    return [
        max((text_layout(text, clip.tokens) for text in _filled(templates, [name])), key=len)
        for name in class_names
    ]


def encode_templates(templates: Sequence[str], class_names: Sequence[str], clip: Clip) -> TextFeatures:
    """Text features of every class name: of its sentence, not normalised, or the ensemble of its sentences.

    No more than one template's sentences a core are held at a time.

    Raises:
        PromptError: a sentence is longer than the text tower.
    """

    def encode(template: str) -> TextFeatures:
        texts = _filled([template], class_names)
        chunks = [texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE)]
        return torch.cat([encode_texts(chunk, clip) for chunk in chunks])

    if len(templates) == 1:
        return encode(templates[0])
    return ensemble(_in_turn(encode, templates, clip))


def ensemble(features: Iterable[TextFeatures]) -> TextFeatures:
    """The mean of each class's normalised text features over all templates, normalised again.

    CLIP (Radford et al., ICML 2021), section 3.1.4: ensembles are averaged as embeddings.
    """
    total, n_templates = None, 0
    for of_template in features:
        directions = normalize(of_template, dim=-1)
        total = directions if total is None else total + directions
        n_templates += 1
    if total is None:
        raise ValueError("an ensemble needs at least one template")
    return normalize(total / n_templates, dim=-1)


def _in_turn(
    encode: Callable[[str], TextFeatures], templates: Sequence[str], clip: Clip
) -> Iterator[TextFeatures]:
    """What each template gives, in order; on the CPU as many are at work as there are cores."""
    at_once = cpu_threads() if clip.device.type == "cpu" else 1
    for start in range(0, len(templates), at_once):
        yield from side_by_side(encode, templates[start : start + at_once], clip.device)


def _filled(templates: Sequence[str], class_names: Sequence[str]) -> list[str]:
    """The class names in the templates, a template at a time."""
    return [template.replace("{}", spoken(name)) for template in templates for name in class_names]
