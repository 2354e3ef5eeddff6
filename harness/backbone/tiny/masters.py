"""Glyphs and simple shapes as signed-distance masters, from which images are drawn.

With a distance for every pixel, stroke width is a shift of the distance and a random affine or elastic map is one
resampling. Glyphs are those of the fonts that matplotlib ships.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

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


@dataclass(frozen=True)
class Masters:
    """Signed-distance masters, with the words that name each one."""

    distance_px: Float[Tensor, "masters 64 64"]  # positive inside, in pixels of the master
    kinds: tuple[str, ...]  # "digit", "letter" or "shape"
    labels: tuple[str, ...]  # "three", "k", "triangle"
    cases: tuple[str, ...]  # "capital", "lower case" or ""
    faces: tuple[str, ...]  # "serif", ..., "filled" for shapes
    rows_of_kind: dict[str, tuple[tuple[int, ...], ...]]  # kind -> label -> masters


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
    """``count`` corners around (128, 128) at the radii given in turn, starting at the top, px."""
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
