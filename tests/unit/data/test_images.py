"""Decoding images."""

import os
from pathlib import Path

import pytest
from PIL import Image

from harness.data.images import image_reader, images_digest, missing_images
from harness.errors import DataError


@pytest.mark.parametrize(
    ("mode", "colour", "pixel"),
    [
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("L", 7, (7, 7, 7)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (1, 2, 3, 0), (1, 2, 3)),
    ],
)
def test_images_are_read_as_rgb(tmp_path: Path, mode: str, colour: object, pixel: tuple[int, ...]) -> None:
    """Grey, black and white, and transparent images all become three channels."""
    Image.new(mode, (2, 3), colour).save(tmp_path / "a.png")  # type: ignore[arg-type]
    image = image_reader(tmp_path)("a.png")
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (2, 3), pixel)


def test_missing_image_is_named(tmp_path: Path) -> None:
    """The file that is not there is said."""
    with pytest.raises(DataError) as caught:
        image_reader(tmp_path)("a.png")
    assert str(caught.value) == f"{tmp_path / 'a.png'}: the image is missing."


def test_junk_is_named(tmp_path: Path) -> None:
    """A file that is no image is said."""
    (tmp_path / "a.png").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"a\.png: the image cannot be decoded"):
        image_reader(tmp_path)("a.png")


def test_truncated_image_is_named(tmp_path: Path) -> None:
    """Half an image is not taken for a whole one."""
    Image.effect_noise((32, 32), 50).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a\.png: the image cannot be decoded"):
        image_reader(tmp_path)("a.png")


def test_missing_images_are_listed(tmp_path: Path) -> None:
    """Only paths that are no files are listed."""
    (tmp_path / "there").write_text("")
    (tmp_path / "folder").mkdir()
    assert missing_images(tmp_path, ["there", "gone", "folder"]) == ["gone", "folder"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two files of one byte with a fixed time of change."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    return tmp_path


def test_digest_of_images_is_repeatable(images: Path) -> None:
    """Untouched files have the same digest."""
    assert images_digest(images, ["a", "b"]) == images_digest(images, ["a", "b"])


@pytest.mark.parametrize("change", ["size", "time", "order", "fewer"])
def test_digest_of_images_sees_a_change(images: Path, change: str) -> None:
    """Another size, time of change, order or number of files is another digest."""
    before = images_digest(images, ["a", "b"])
    paths = {"order": ["b", "a"], "fewer": ["a"]}.get(change, ["a", "b"])
    if change == "size":
        (images / "a").write_bytes(b"xx")
    if change in ("size", "time"):
        seconds = 10**18 if change == "size" else 10**18 + 1
        os.utime(images / "a", ns=(seconds, seconds))
    assert images_digest(images, paths) != before
