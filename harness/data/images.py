"""Images as Pillow reads them, always RGB; a file that cannot be decoded is named."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from harness.errors import DataError, Fault
from harness.files import digest_text

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
ReadImage = Callable[[str], Image.Image]

_GET_ANEW = "Get the file anew."
_TIFF_BITS_PER_SAMPLE = 258
_SHOWN = 5
_HEADS = {  # what lies under the name of an image when a download went wrong
    b"<!doctype": "is a web page, not an image.",
    b"<html": "is a web page, not an image.",
    b"version https://git-lfs": "is a pointer of Git LFS, not an image.",
}


def image_reader(base: Path) -> ReadImage:
    """A function from an item's path to its image, as RGB, decoded in full.

    Pixels are those of ``Image.open(file).convert("RGB")``, which CoOp's loader uses: the first frame of an
    animation, transparency dropped, no turning by EXIF. Only 16-bit grey differs: there ``convert`` clips
    everything above 255 to white, here the range is scaled.
    """
    # Pillow's remarks (a large image, a broken EXIF block) change no pixel and name no file.
    warnings.filterwarnings("ignore", module=r"PIL\.")

    def read(path: str) -> Image.Image:
        file = base / path
        try:
            with Image.open(file) as image:
                return _rgb(image)
        except Exception as error:  # on bytes of any kind Pillow's readers raise all sorts, KeyError among them
            raise DataError(_fault(file, error)) from None

    return read


def missing_images(base: Path, paths: Iterable[str]) -> list[str]:
    """The paths that are not files below ``base``."""
    return [path for path in paths if not os.path.isfile(base / path)]  # noqa: PTH113 - Path's raises on EACCES


def images_digest(base: Path, paths: Iterable[str]) -> str:
    """SHA-256 over name, size and time of change of image files: it changes when an image is replaced.

    Reading every byte of a large data set would take longer than encoding a part of it.

    Raises:
        DataError: images are missing or cannot be looked at; says how many and names the first five.
    """
    lines, faults = [], []
    for path in paths:
        try:
            status = (base / path).stat()
        except OSError as error:
            faults.append(_fault(base / path, error))
        else:
            lines.append(f"{path}\t{status.st_size}\t{status.st_mtime_ns}\n")
    if len(faults) > _SHOWN:
        faults[_SHOWN:] = [
            Fault(str(base), f"{len(faults) - _SHOWN:,} more images are missing or cannot be read.")
        ]
    if faults:
        raise DataError(faults)
    return digest_text("".join(lines))


def _rgb(image: Image.Image) -> Image.Image:
    """The image as RGB.

    Raises:
        ValueError: its pixels are 32-bit numbers, of which nobody knows which one is white.
    """
    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if sixteen:
        # Pillow reads 16-bit colour by its upper byte; grey likewise. TIFF has grey of 12 bits, too.
        bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, (16,))[0]
        return Image.fromarray((np.asarray(image) >> (bits - 8)).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise ValueError(
            f"its pixels are 32-bit numbers (mode {image.mode}) whose white nobody knows; save 8 bits"
        )
    return image.convert("RGB")


def _fault(file: Path, error: Exception) -> Fault:
    """What is wrong with a file that could not be read as an image."""
    where = str(file)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Fault(where, "the image is missing.")
    if os.path.isdir(file):  # noqa: PTH112 - Path's raises on EACCES
        return Fault(where, "is a folder, not an image.")
    if isinstance(error, OSError) and error.errno is not None:
        return Fault(where, f"the image cannot be read: {error.strerror}.")
    with file.open("rb") as opened:
        head = opened.read(64)
    if not head:
        return Fault(where, "the image cannot be decoded: the file is empty.", _GET_ANEW)
    for start, what in _HEADS.items():
        if head.lstrip().lower().startswith(start):
            return Fault(where, what, _GET_ANEW)
    if isinstance(error, UnidentifiedImageError):
        return Fault(where, "the image cannot be decoded: its form is unknown to Pillow.", _GET_ANEW)
    return Fault(
        where, f"the image cannot be decoded: {str(error).rstrip('.') or type(error).__name__}.", _GET_ANEW
    )
