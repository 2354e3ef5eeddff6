"""Drawn images with captions, on which the tiny backbone is pretrained.

All randomness comes from the generator that the caller passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from harness.backbone.tiny.captions import caption_of, matches
from harness.backbone.tiny.masters import GLYPH_SIZE_PX, MASTER_SIZE_PX, Masters

IMAGE_SIZE_PX = 32

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


@dataclass(frozen=True)
class DrawnBatch:
    """Drawn images with one caption each."""

    images: Float[Tensor, "images 3 32 32"]  # 0..1
    captions: tuple[str, ...]
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    matches: Bool[Tensor, "images captions"]  # the caption is true of the image


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
) -> Float[Tensor, "images 32 32 2"]:
    """Where each output pixel reads its master, in -1..1.

    ``size`` is the longest glyph side as a share of the image, ``tilt`` the anticlockwise turn in radians; images
    marked ``hand`` get a stronger slant, uneven sides and an elastic wobble, as a hand would draw.
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
    """Each map averaged over a coarse grid of ``grid_px`` cells a side and resampled bicubically to 32 px."""
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
    """The word of the band that each value lies in: below ``low``, between, above ``high``."""
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


def draw_batch(masters: Masters, generator: np.random.Generator, count: int, severity: float = 1.0) -> DrawnBatch:
    """``count`` drawn images, a caption for each, and which captions are true of which images.

    ``severity`` (0..1) scales how often and how far images depart from a centred white glyph on black.
    """
    images, words = _draw_images(masters, generator, count, severity)
    written = [caption_of(row, generator) for row in words]
    return DrawnBatch(
        images=images,
        captions=tuple(caption for caption, _ in written),
        kinds=tuple(row["kind"] for row in words),
        labels=tuple(row["label"] for row in words),
        matches=matches(words, [mentioned for _, mentioned in written]),
    )
