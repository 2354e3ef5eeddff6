"""Drawn images with captions: glyphs and simple shapes, on which the tiny backbone is pretrained.

Every image is drawn from a signed-distance master of a glyph (in the fonts that matplotlib ships) or of a
shape, so that stroke width is a shift of the distance and a random affine or elastic map is one resampling.
All randomness comes from the generator that the caller passes.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional

IMAGE_SIZE_PX = 32
MASTER_SIZE_PX = 64
# The longest side of a glyph on its master; the margin leaves room for distances outside the outline.
GLYPH_SIZE_PX = 44

DIGIT_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHAPE_NAMES = ("circle", "square", "triangle", "star", "cross", "heart", "arrow", "crescent")
# Letters whose two cases differ in outline, once both are scaled to the same size.
CASED_LETTERS = frozenset("abdefghijlmnqrty")

# File stem -> the words that describe the face; all of these draw every ASCII letter and digit.
FONT_FACES: dict[str, str] = {
    "DejaVuSans": "sans serif",
    "DejaVuSans-Bold": "sans serif",
    "DejaVuSans-Oblique": "italic",
    "DejaVuSans-BoldOblique": "italic",
    "DejaVuSansMono": "typewriter",
    "DejaVuSansMono-Bold": "typewriter",
    "DejaVuSansMono-Oblique": "italic",
    "DejaVuSerif": "serif",
    "DejaVuSerif-Bold": "serif",
    "DejaVuSerif-Italic": "italic",
    "STIXGeneral": "serif",
    "STIXGeneralBol": "serif",
    "STIXGeneralItalic": "italic",
    "cmr10": "serif",
    "cmb10": "serif",
    "cmss10": "sans serif",
    "cmti10": "italic",
    "cmtt10": "typewriter",
}

# Name -> RGB in 0..1.
COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.04, 0.04, 0.04),
    "white": (0.95, 0.95, 0.95),
    "grey": (0.5, 0.5, 0.5),
    "red": (0.85, 0.1, 0.1),
    "orange": (0.95, 0.55, 0.1),
    "yellow": (0.93, 0.88, 0.15),
    "green": (0.1, 0.6, 0.2),
    "blue": (0.12, 0.25, 0.85),
    "purple": (0.55, 0.15, 0.65),
}

# What a caption may mention. A caption matches an image when every attribute it mentions agrees.
ATTRIBUTES = (
    *("kind", "label", "case", "colour", "ground", "face"),
    *("stroke", "size", "tilt", "blur", "detail", "noise"),
)


@dataclass(frozen=True)
class Masters:
    """Signed-distance masters, with the words that name each one."""

    distance_px: Tensor  # [master, 64, 64], positive inside, master pixels
    kinds: tuple[str, ...]  # "digit", "letter" or "shape"
    labels: tuple[str, ...]  # "three", "k", "triangle"
    cases: tuple[str, ...]  # "capital", "lower case" or ""
    faces: tuple[str, ...]  # "serif", ..., "filled" for shapes
    rows_of_kind: dict[str, tuple[tuple[int, ...], ...]]  # kind -> label -> masters


@dataclass(frozen=True)
class DrawnBatch:
    """Drawn images with one caption each."""

    images: Tensor  # [image, 3, 32, 32], 0..1
    captions: tuple[str, ...]
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    matches: Tensor  # [image, caption] bool: the caption is true of the image


def _row_distance_squared(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lower envelope of parabolas along the last axis: one pass of the exact distance transform, px²."""
    offsets = np.arange(squared.shape[-1])
    apart = (offsets[:, None] - offsets[None, :]) ** 2
    lowest: NDArray[np.float64] = (squared[:, None, :] + apart[None]).min(axis=-1)
    return lowest


def _distance_to(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The distance of every pixel from the nearest pixel of a mask, px."""
    far = 4.0 * inside.shape[0] ** 2
    squared = _row_distance_squared(np.where(inside, 0.0, far))
    return np.sqrt(_row_distance_squared(squared.T).T)


def signed_distance(coverage: NDArray[np.float64]) -> NDArray[np.float32]:
    """The signed distance to the 0.5 level of a coverage map (0..1), px, positive inside."""
    inside = coverage > 0.5
    return (_distance_to(~inside) - _distance_to(inside)).astype(np.float32)


def _centred(ink: Image.Image) -> NDArray[np.float64]:
    """The ink cropped, scaled to GLYPH_SIZE_PX on its longest side and centred on a master, 0..1."""
    box = ink.getbbox()
    if box is None:
        raise ValueError("nothing was drawn")
    ink = ink.crop(box)
    scale = GLYPH_SIZE_PX / max(ink.size)
    width, height = (max(1, round(side * scale)) for side in ink.size)
    master = Image.new("L", (MASTER_SIZE_PX, MASTER_SIZE_PX), 0)
    corner = ((MASTER_SIZE_PX - width) // 2, (MASTER_SIZE_PX - height) // 2)
    master.paste(ink.resize((width, height), Image.Resampling.LANCZOS), corner)
    return np.asarray(master, dtype=np.float64) / 255.0


def _glyph(character: str, font: ImageFont.FreeTypeFont) -> NDArray[np.float64]:
    """The coverage master of one character, 0..1."""
    ink = Image.new("L", (256, 256), 0)
    ImageDraw.Draw(ink).text((64, 48), character, fill=255, font=font)
    return _centred(ink)


def _polar(radii: Sequence[float], count: int) -> list[tuple[float, float]]:
    """`count` corners around (128, 128) at the radii given in turn, starting at the top, px."""
    angles = -np.pi / 2 + 2 * np.pi * np.arange(count) / count
    lengths = [radii[corner % len(radii)] for corner in range(count)]
    return [
        (128 + length * float(np.cos(angle)), 128 + length * float(np.sin(angle)))
        for length, angle in zip(lengths, angles, strict=True)
    ]


def _shape(name: str) -> NDArray[np.float64]:
    """The coverage master of one shape, 0..1."""
    ink = Image.new("L", (256, 256), 0)
    pen = ImageDraw.Draw(ink)
    if name == "circle":
        pen.ellipse((38, 38, 218, 218), fill=255)
    elif name == "square":
        pen.rectangle((48, 48, 208, 208), fill=255)
    elif name == "triangle":
        pen.polygon(_polar((100,), 3), fill=255)
    elif name == "star":
        pen.polygon(_polar((100, 42), 10), fill=255)
    elif name == "cross":
        pen.rectangle((100, 38, 156, 218), fill=255)
        pen.rectangle((38, 100, 218, 156), fill=255)
    elif name == "heart":
        pen.ellipse((40, 48, 136, 144), fill=255)
        pen.ellipse((120, 48, 216, 144), fill=255)
        pen.polygon([(46, 118), (210, 118), (128, 216)], fill=255)
    elif name == "arrow":
        pen.polygon([(128, 32), (208, 120), (160, 120), (160, 220), (96, 220), (96, 120), (48, 120)], fill=255)
    elif name == "crescent":
        pen.ellipse((38, 38, 218, 218), fill=255)
        pen.ellipse((92, 28, 252, 208), fill=0)
    else:
        raise ValueError(f"unknown shape {name!r}; known: {', '.join(SHAPE_NAMES)}")
    return _centred(ink)


@cache
def render_masters(font_stems: tuple[str, ...] = tuple(FONT_FACES)) -> Masters:
    """Masters of the digits and letters in the named fonts, and of the shapes."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    rows: list[tuple[str, str, str, str, NDArray[np.float32]]] = []
    for stem in font_stems:
        font = ImageFont.truetype(str(folder / f"{stem}.ttf"), 120)
        face = FONT_FACES[stem]
        for character in string.digits + string.ascii_letters:
            distance = signed_distance(_glyph(character, font))
            if character.isdigit():
                rows.append(("digit", DIGIT_NAMES[int(character)], "", face, distance))
            else:
                case = "capital" if character.isupper() else "lower case"
                case = case if character.lower() in CASED_LETTERS else ""
                rows.append(("letter", character.lower(), case, face, distance))
    rows.extend(("shape", name, "", "filled", signed_distance(_shape(name))) for name in SHAPE_NAMES)
    rows_of_kind: dict[str, dict[str, list[int]]] = {}
    for index, row in enumerate(rows):
        rows_of_kind.setdefault(row[0], {}).setdefault(row[1], []).append(index)
    return Masters(
        distance_px=torch.from_numpy(np.stack([row[4] for row in rows])),
        kinds=tuple(row[0] for row in rows),
        labels=tuple(row[1] for row in rows),
        cases=tuple(row[2] for row in rows),
        faces=tuple(row[3] for row in rows),
        rows_of_kind={kind: tuple(map(tuple, of_label.values())) for kind, of_label in rows_of_kind.items()},
    )


def _ink_pairs() -> tuple[list[tuple[str, str]], NDArray[np.float64]]:
    """(ink, ground) colour pairs that contrast, with probabilities; two draws in three are grey-scale."""
    luminance = {name: 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] for name, rgb in COLOURS.items()}
    pairs = [
        (ink, ground) for ink in COLOURS for ground in COLOURS if abs(luminance[ink] - luminance[ground]) > 0.25
    ]
    neutral = np.array([{ink, ground} <= {"black", "white", "grey"} for ink, ground in pairs])
    weights = np.where(neutral, 2 / 3 / neutral.sum(), 1 / 3 / (~neutral).sum())
    return pairs, weights


def _choose_masters(masters: Masters, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Master rows: 55 % digits, 30 % letters, 15 % shapes; labels of one kind are equally likely."""
    kinds = generator.choice(["digit", "letter", "shape"], size=count, p=[0.55, 0.3, 0.15])
    chosen = np.empty(count, dtype=np.int64)
    for index, kind in enumerate(kinds):
        of_label = masters.rows_of_kind[str(kind)]
        rows = of_label[int(generator.integers(len(of_label)))]
        chosen[index] = rows[int(generator.integers(len(rows)))]
    return chosen


def _sampling_grid(
    generator: np.random.Generator,
    size: NDArray[np.float64],
    tilt: NDArray[np.float64],
    hand: NDArray[np.bool_],
) -> Tensor:
    """Where each output pixel reads its master: [image, 32, 32, 2] in -1..1.

    `size` is the longest glyph side as a share of the image, `tilt` the anticlockwise turn in radians; images
    marked `hand` get a stronger slant, uneven sides and an elastic wobble, as a hand would draw.
    """
    count = len(size)
    spread = np.where(hand, 0.3, 0.12)
    stretch_x = size * np.exp(spread * generator.uniform(-1.0, 0.8, count))
    stretch_y = size * np.exp(0.5 * spread * generator.uniform(-1.0, 1.0, count))
    slant = np.where(hand, 0.35, 0.15) * generator.uniform(-1.0, 1.0, count)
    cosine, sine = np.cos(tilt), np.sin(tilt)
    forward = np.empty((count, 2, 2))
    forward[:, 0, 0], forward[:, 0, 1] = cosine * stretch_x, (cosine * slant + sine) * stretch_y
    forward[:, 1, 0], forward[:, 1, 1] = -sine * stretch_x, (cosine - sine * slant) * stretch_y
    inverse = np.linalg.inv(forward) * (GLYPH_SIZE_PX / MASTER_SIZE_PX)
    slack = 0.06 + 0.5 * (1.0 - size)
    shift = generator.uniform(-1.0, 1.0, (count, 2)) * slack[:, None]
    theta = np.concatenate([inverse, -inverse @ shift[:, :, None]], axis=2).astype(np.float32)
    grid = functional.affine_grid(
        torch.from_numpy(theta), [count, 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX], align_corners=False
    )
    strength = np.where(hand, generator.uniform(0.03, 0.12, count), 0.03 * generator.random(count))
    knots = generator.normal(size=(count, 2, 5, 5)) * strength[:, None, None, None]
    wobble = functional.interpolate(
        torch.from_numpy(knots.astype(np.float32)), size=IMAGE_SIZE_PX, mode="bicubic", align_corners=True
    )
    return grid + wobble.permute(0, 2, 3, 1)


def _blurred(coverage: Tensor, sigma_px: Tensor) -> Tensor:
    """Each [32, 32] map of [image, 32, 32] under a Gaussian of its own width."""
    offsets = torch.arange(-4, 5, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets[None] / sigma_px[:, None]) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    padded = functional.pad(coverage[None], (4, 4, 4, 4), mode="replicate")
    count = len(sigma_px)
    rows = functional.conv2d(padded, kernel[:, None, :, None], groups=count)
    return functional.conv2d(rows, kernel[:, None, None, :], groups=count)[0]


def _coarsened(coverage: Tensor, grid_px: NDArray[np.int64]) -> Tensor:
    """Each map averaged over a coarse grid of `grid_px` cells a side and resampled bicubically to 32 px."""
    result = coverage.clone()
    for side in sorted(set(grid_px.tolist()) - {IMAGE_SIZE_PX}):
        rows = torch.from_numpy(np.flatnonzero(grid_px == side))
        coarse = functional.interpolate(coverage[rows, None], size=side, mode="area")
        fine = functional.interpolate(coarse, size=IMAGE_SIZE_PX, mode="bicubic", align_corners=False)
        result[rows] = fine[:, 0]
    return result


def _coloured(
    coverage: Tensor,
    inks: Sequence[str],
    grounds: Sequence[str],
    noise: NDArray[np.float64],
    generator: np.random.Generator,
) -> Tensor:
    """[image, 3, 32, 32] in 0..1: ink over ground, with jittered colours and noise of the given std."""
    count = len(inks)
    ink = np.array([COLOURS[name] for name in inks]) + generator.normal(0.0, 0.04, (count, 3))
    ground = np.array([COLOURS[name] for name in grounds]) + generator.normal(0.0, 0.04, (count, 3))
    contrast = generator.uniform(0.6, 1.0, (count, 1))
    ink = ground + contrast * (ink - ground)
    step = torch.from_numpy((ink - ground).astype(np.float32))[:, :, None, None]
    base = torch.from_numpy(ground.astype(np.float32))[:, :, None, None]
    grain = generator.standard_normal((count, 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX), dtype=np.float32)
    grain *= noise[:, None, None, None].astype(np.float32)
    return (base + coverage[:, None] * step + torch.from_numpy(grain)).clamp(0.0, 1.0)


def _named(values: NDArray[np.float64], low: float, high: float, words: tuple[str, str, str]) -> list[str]:
    """The word of the band that each value lies in: below `low`, between, above `high`."""
    return [words[0] if value < low else words[2] if value > high else words[1] for value in values]


def _draw_images(
    masters: Masters, generator: np.random.Generator, count: int, severity: float
) -> tuple[Tensor, list[dict[str, str]]]:
    """Images [image, 3, 32, 32] and, for each, the words for its attributes ("" where there is none)."""
    chosen = _choose_masters(masters, generator, count)
    kinds = [masters.kinds[row] for row in chosen]
    is_shape = np.array([kind == "shape" for kind in kinds])
    hand = (generator.random(count) < 0.5 * severity) & ~is_shape
    outlined = (generator.random(count) < 0.4) & is_shape
    size = 1.0 - severity * generator.uniform(0.0, 0.35, count)
    tilt = np.clip(severity * generator.normal(0.0, 0.15, count), -0.45, 0.45)
    widening_px = np.where(is_shape, 0.0, 1.2 + severity * generator.uniform(-1.8, 1.8, count))
    sigma_px = np.where(generator.random(count) < 0.3 * severity, generator.uniform(1.1, 1.8, count), 0.3)
    coarse = generator.random(count) < 0.35 * severity
    grid_px = np.where(coarse, generator.choice([8, 8, 10, 12], size=count), IMAGE_SIZE_PX)
    noise = np.where(generator.random(count) < 0.2 * severity, generator.uniform(0.06, 0.12, count), 0.01)
    pairs, weights = _ink_pairs()
    colours = [pairs[row] for row in generator.choice(len(pairs), size=count, p=weights)]
    plain = generator.random(count) > severity
    colours = [("white", "black") if plain[index] else pair for index, pair in enumerate(colours)]

    distance_px = masters.distance_px[torch.from_numpy(chosen)]
    core_px = distance_px.amax(dim=(1, 2)).numpy() + widening_px
    grid = _sampling_grid(generator, size, tilt, hand)
    sampled = functional.grid_sample(distance_px[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    sampled = torch.where(torch.from_numpy(outlined)[:, None, None], 4.0 - (sampled - 3.0).abs(), sampled)
    widened = sampled + torch.from_numpy(widening_px.astype(np.float32))[:, None, None]
    # One output pixel spans about two master pixels: that is the width of the antialiased edge.
    coverage = (0.5 + widened / 2.0).clamp(0.0, 1.0)
    coverage = _blurred(coverage, torch.from_numpy(sigma_px.astype(np.float32)))
    coverage = _coarsened(coverage, grid_px)
    images = _coloured(coverage, [pair[0] for pair in colours], [pair[1] for pair in colours], noise, generator)

    strokes = _named(core_px, 3.2, 5.6, ("thin", "", "bold"))
    sizes = _named(size, 0.75, 0.9, ("small", "", "large"))
    tilts = _named(tilt, -0.12, 0.12, ("tilted right", "upright", "tilted left"))
    words = [
        {
            "kind": kinds[index],
            "label": masters.labels[row],
            "case": masters.cases[row],
            "colour": colours[index][0],
            "ground": colours[index][1],
            "face": "outlined" if outlined[index] else "handwritten" if hand[index] else masters.faces[row],
            "stroke": "" if is_shape[index] else strokes[index],
            "size": sizes[index],
            "tilt": tilts[index],
            "blur": "blurry" if sigma_px[index] > 1.0 else "sharp",
            "detail": "low resolution" if coarse[index] else "detailed",
            "noise": "noisy" if noise[index] > 0.05 else "clean",
        }
        for index, row in enumerate(chosen)
    ]
    return images, words


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

    What it says is added to `mentioned`.
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


def _caption(words: dict[str, str], generator: np.random.Generator) -> tuple[str, set[str]]:
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


def _matches(words: Sequence[dict[str, str]], mentions: Sequence[set[str]]) -> Tensor:
    """[image, caption] bool: every attribute that the caption mentions has the image's value."""
    table = np.array([[row[name] for name in ATTRIBUTES] for row in words])
    codes = torch.from_numpy(np.unique(table, return_inverse=True)[1].reshape(table.shape))
    said = torch.tensor([[name in row for name in ATTRIBUTES] for row in mentions])
    return ((codes[:, None] == codes[None]) | ~said[None]).all(dim=2)


def draw_batch(masters: Masters, generator: np.random.Generator, count: int, severity: float = 1.0) -> DrawnBatch:
    """`count` drawn images, a caption for each, and which captions are true of which images.

    `severity` (0..1) scales how often and how far images depart from a centred white glyph on black.
    """
    images, words = _draw_images(masters, generator, count, severity)
    written = [_caption(row, generator) for row in words]
    return DrawnBatch(
        images=images,
        captions=tuple(caption for caption, _ in written),
        kinds=tuple(row["kind"] for row in words),
        labels=tuple(row["label"] for row in words),
        matches=_matches(words, [mentioned for _, mentioned in written]),
    )
