"""Images as Pillow reads them, always RGB; a file that cannot be decoded is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from harness.errors import DataError, Fault
from harness.files import digest_text

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
ReadImage = Callable[[str], Image.Image]


def image_reader(base: Path) -> ReadImage:
    """A function from an item's path to its image, as RGB, decoded in full."""

    def read(path: str) -> Image.Image:
        file = base / path
        try:
            with Image.open(file) as image:
                return image.convert("RGB")
        except FileNotFoundError:
            raise DataError(Fault(str(file), "the image is missing.")) from None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(Fault(str(file), f"the image cannot be decoded: {error}.")) from None

    return read


def missing_images(base: Path, paths: Iterable[str]) -> list[str]:
    """The paths that are not files below ``base``."""
    return [path for path in paths if not (base / path).is_file()]


def images_digest(base: Path, paths: Iterable[str]) -> str:
    """SHA-256 over name, size and time of change of image files: it changes when an image is replaced.

    Reading every byte of a large data set would take longer than encoding a part of it.
    """
    lines = []
    for path in paths:
        status = (base / path).stat()
        lines.append(f"{path}\t{status.st_size}\t{status.st_mtime_ns}\n")
    return digest_text("".join(lines))
