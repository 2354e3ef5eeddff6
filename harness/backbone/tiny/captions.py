"""Captions of drawn images, and which of them are true of which images.

All randomness comes from the generator that the caller passes.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

# What a caption may mention. A caption matches an image when every attribute it mentions agrees.
ATTRIBUTES = (
    *("kind", "label", "case", "colour", "ground", "face"),
    *("stroke", "size", "tilt", "blur", "detail", "noise"),
)


_NOUNS = {
    "digit": ("digit", "digit", "number", "numeral", "figure"),
    "letter": ("letter", "letter", "character"),
    "shape": ("shape", "figure", "symbol"),
}
_PICTURES = ("photo", "photo", "picture", "image", "drawing", "scan", "view")
# The attributes that may stand as adjectives before the noun, and those that describe the picture itself.
_ADJECTIVES = ("size", "stroke", "colour", "face", "tilt")
_PICTURE_ADJECTIVES = ("blur", "detail", "noise")


def _article(phrase: str, definite: bool) -> str:
    """The phrase with "the", or with "a" or "an" as its first letter asks."""
    return f"the {phrase}" if definite else f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


def _noun_phrase(words: dict[str, str], mentioned: set[str], generator: np.random.Generator) -> str:
    """The thing drawn, as "capital letter k", "number three", "star" or "digit".

    What it says is added to ``mentioned``.
    """
    kind, label = words["kind"], words["label"]
    noun = str(generator.choice(_NOUNS[kind]))
    mentioned.add("kind")
    if generator.random() < 0.08:
        return noun
    mentioned.add("label")
    if kind == "shape" or generator.random() < 0.2:
        return label
    if words["case"] and generator.random() < 0.3:
        mentioned.add("case")
        noun = f"{words['case']} {noun}"
    return f"{noun} {label}"


def caption_of(words: dict[str, str], generator: np.random.Generator) -> tuple[str, set[str]]:
    """A sentence true of the image, and the attributes that it mentions."""
    mentioned: set[str] = set()
    optional = [name for name in (*_ADJECTIVES, *_PICTURE_ADJECTIVES, "ground") if words[name]]
    count = int(generator.choice([0, 1, 2, 3, 5], p=[0.45, 0.25, 0.15, 0.1, 0.05]))
    chosen = {str(name) for name in generator.choice(optional, size=min(count, len(optional)), replace=False)}
    mentioned |= chosen
    thing = _noun_phrase(words, mentioned, generator)
    of_picture = [words[name] for name in _PICTURE_ADJECTIVES if name in chosen]
    of_thing = [words[name] for name in _ADJECTIVES if name in chosen]
    with_picture = bool(of_picture) or generator.random() < 0.75
    if of_picture and generator.random() < 0.3:
        of_thing, of_picture = of_picture + of_thing, []
    generator.shuffle(of_thing)
    generator.shuffle(of_picture)
    # "three" needs no article, "white three" does; a bare digit or letter goes without one half of the time.
    bare = thing == words["label"] and words["kind"] != "shape" and not of_thing and generator.random() < 0.5
    described = " ".join([*of_thing, thing])
    phrase = described if bare else _article(described, bool(generator.random() < 0.6))
    if with_picture:
        picture = " ".join([*of_picture, str(generator.choice(_PICTURES))])
        phrase = f"{_article(picture, bool(generator.random() < 0.1))} of {phrase}"
    if "ground" in chosen:
        place = "background" if generator.random() < 0.7 else "ground"
        setting = f"on {_article(words['ground'], False)} {place}"
        phrase = f"{setting}, {phrase}" if generator.random() < 0.4 else f"{phrase} {setting}"
    return (f"{phrase}." if generator.random() < 0.5 else phrase), mentioned


def matches(words: Sequence[dict[str, str]], mentions: Sequence[set[str]]) -> Bool[Tensor, "images captions"]:
    """Which captions are true of which images: every attribute that the caption mentions has the image's value."""
    table = np.array([[row[name] for name in ATTRIBUTES] for row in words])
    codes = torch.from_numpy(np.unique(table, return_inverse=True)[1].reshape(table.shape))
    said = torch.tensor([[name in row for name in ATTRIBUTES] for row in mentions])
    return ((codes[:, None] == codes[None]) | ~said[None]).all(dim=2)
