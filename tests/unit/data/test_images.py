"""Decoding images."""

import errno
import os
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
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


def noise(mode: str, side_px: int = 8) -> Image.Image:
    """Pixels of a fixed draw, in any 8-bit mode."""
    n_bytes = side_px**2 * len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (side_px, side_px), np.random.default_rng(0).bytes(n_bytes))


def clear_palette() -> Image.Image:
    """A palette image with one transparency a colour, over which Pillow has a remark to make."""
    image = noise("RGB").quantize(16)
    image.info["transparency"] = bytes(range(0, 256, 16))
    return image


def reference(file: Path) -> Image.Image:
    """What CoOp's loader reads."""
    with warnings.catch_warnings(), Image.open(file) as image:
        warnings.simplefilter("ignore")
        return image.convert("RGB")


def turned() -> Image.Exif:
    """EXIF that asks a viewer to turn the image by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


WRITERS: dict[str, Callable[[Path], None]] = {
    "grey.jpg": lambda file: noise("L").save(file),
    "colour.jpg": lambda file: noise("RGB").save(file),
    "print.jpg": lambda file: noise("CMYK").save(file),
    "print.tif": lambda file: noise("CMYK").save(file),
    "grey_and_alpha.png": lambda file: noise("LA").save(file),
    "alpha.png": lambda file: noise("RGBA").save(file),
    "palette.png": lambda file: noise("RGB").quantize(16).save(file),
    "palette_clear_colour.png": lambda file: noise("RGB").quantize(16).save(file, transparency=3),
    "palette_clear_bytes.png": lambda file: clear_palette().save(file),
    "clear_colour.png": lambda file: noise("RGB").save(file, transparency=(1, 2, 3)),
    "lossy.webp": lambda file: noise("RGBA").save(file),
    "a.bmp": lambda file: noise("RGB").save(file),
    "a.ppm": lambda file: noise("RGB").save(file),
    "still.gif": lambda file: noise("RGB").save(file, transparency=0),
    "moving.gif": lambda file: noise("L").save(file, save_all=True, append_images=[noise("RGB")]),
    "moving.png": lambda file: noise("RGB").save(file, save_all=True, append_images=[noise("L").convert("RGB")]),
    "several.mpo": lambda file: noise("RGB").save(file, save_all=True, append_images=[noise("L")]),
    "wrong_suffix.jpg": lambda file: noise("RGB").save(file, format="PNG"),
    "turned.jpg": lambda file: noise("RGB").resize((8, 4)).save(file, exif=turned()),
    "broken_exif.jpg": lambda file: noise("RGB").save(file, exif=turned().tobytes()[:-9]),
    "Grüße/日本 [1]#%20.jpg": lambda file: noise("RGB").save(file),
}


@pytest.mark.parametrize("name", WRITERS)
def test_pixels_are_the_references(tmp_path: Path, name: str) -> None:
    """Whatever has 8 bits a channel is read as CoOp's loader reads it, and without a word from Pillow."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    WRITERS[name](file)
    image = image_reader(tmp_path)(name)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), np.asarray(reference(file)))


def test_orientation_is_left_as_it_is(tmp_path: Path) -> None:
    """EXIF does not turn an image, as in the reference."""
    noise("RGB").resize((8, 4)).save(tmp_path / "a.jpg", exif=turned())
    assert image_reader(tmp_path)("a.jpg").size == (8, 4)


def test_first_frame_is_read(tmp_path: Path) -> None:
    """Of an animation the first image counts."""
    frames = [Image.new("L", (2, 2), value) for value in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert image_reader(tmp_path)("a.gif").getpixel((0, 0)) == (10, 10, 10)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_grey_is_scaled(tmp_path: Path, suffix: str) -> None:
    """The whole range becomes 0 to 255; Pillow's own conversion makes nearly all of it white."""
    levels = np.array([[0, 255, 256, 0x7FFF], [0x8000, 0xFF00, 0xFFFE, 0xFFFF]], dtype=np.uint16)
    if suffix == "pgm":  # which not every Pillow writes of so many bits
        (tmp_path / "a.pgm").write_bytes(b"P5 4 2 65535\n" + levels.astype(">u2").tobytes())
    else:
        Image.fromarray(levels).save(tmp_path / f"a.{suffix}")
    image = image_reader(tmp_path)(f"a.{suffix}")
    assert image.mode == "RGB"
    assert np.asarray(image).tolist() == [[[v] * 3 for v in row] for row in ([0, 0, 1, 127], [128, 255, 255, 255])]


def test_12_bit_grey_is_scaled(tmp_path: Path) -> None:
    """The white of a TIFF of 12 bits is 4095."""
    pixels = bytes([0x00, 0x08, 0x00, 0x80, 0x0F, 0xFF])  # 0, 2048, 2048, 4095
    tags = [(256, 4), (257, 1), (258, 12), (259, 1), (262, 1), (273, 0), (277, 1), (278, 1), (279, len(pixels))]
    start = 8 + 2 + 12 * len(tags) + 4
    rows = [struct.pack("<HHII", tag, 4, 1, value if tag != 273 else start) for tag, value in tags]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    (tmp_path / "a.tif").write_bytes(head + b"".join(rows) + bytes(4) + pixels)
    assert np.asarray(image_reader(tmp_path)("a.tif"))[0, :, 0].tolist() == [0, 128, 128, 255]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_white_are_refused(tmp_path: Path, mode: str) -> None:
    """Nobody knows the range of 32-bit numbers, so the file is named and nothing is guessed."""
    Image.new(mode, (2, 2), 300).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=rf"a\.tif: the image cannot be decoded: .* \(mode {mode}\)"):
        image_reader(tmp_path)("a.tif")


@pytest.fixture
def narrow_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow remarks on images of more than a hundred pixels, and refuses those of more than two hundred."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)


def test_wide_image_is_read(tmp_path: Path, narrow_bound: None) -> None:
    """An image over Pillow's bound for a remark is read, and no remark is made."""
    Image.new("1", (12, 12)).save(tmp_path / "a.png")
    assert image_reader(tmp_path)("a.png").size == (12, 12)


def test_bomb_is_named(tmp_path: Path, narrow_bound: None) -> None:
    """What would fill the memory is refused with the file named."""
    Image.new("1", (15, 15)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: the image cannot be decoded: Image size \(225 pixels\)"):
        image_reader(tmp_path)("a.png")


def said(tmp_path: Path, name: str) -> str:
    """The message about an image that cannot be read, without the folder."""
    with pytest.raises(DataError) as caught:
        image_reader(tmp_path)(name)
    return str(caught.value).removeprefix(f"{tmp_path}{os.sep}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the image cannot be decoded: the file is empty. Get the file anew."),
        (b"\n<!DOCTYPE html><title>Quota</title>", "is a web page, not an image. Get the file anew."),
        (b"<HTML>404", "is a web page, not an image. Get the file anew."),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "is a pointer of Git LFS, not an image. Get the file anew.",
        ),
        (b"junk", "the image cannot be decoded: its form is unknown to Pillow. Get the file anew."),
    ],
)
def test_what_is_no_image_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty files and what failed downloads leave behind are called by their names."""
    (tmp_path / "a.jpg").write_bytes(content)
    assert said(tmp_path, "a.jpg") == f"a.jpg: {message}"


def test_folder_is_no_image(tmp_path: Path) -> None:
    """A folder under the name of an image is said."""
    (tmp_path / "a.jpg").mkdir()
    assert said(tmp_path, "a.jpg") == "a.jpg: is a folder, not an image."


def test_image_below_a_file_is_missing(tmp_path: Path) -> None:
    """A file in the place of a folder holds no images."""
    (tmp_path / "a").write_bytes(b"")
    assert said(tmp_path, "a/b.jpg") == "a/b.jpg: the image is missing."


def test_forbidden_image_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user may not read is said as such."""

    def refuse(file: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    monkeypatch.setattr(Image, "open", refuse)
    assert said(tmp_path, "a.jpg") == "a.jpg: the image cannot be read: Permission denied."


def test_whatever_pillow_raises_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers of broken files raise more than OSError; an error without words is said by its kind."""

    def stumble(self: Image.Image, mode: str) -> None:
        raise KeyError

    noise("L").save(tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "convert", stumble)
    assert said(tmp_path, "a.png") == "a.png: the image cannot be decoded: KeyError. Get the file anew."


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
    assert missing_images(tmp_path, ["there", "gone", "folder", "there/x"]) == ["gone", "folder", "there/x"]


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


def test_digest_of_missing_images_names_them(images: Path) -> None:
    """All that is missing is said at once."""
    with pytest.raises(DataError) as caught:
        images_digest(images, ["a", "x", "b", "y"])
    assert [str(fault) for fault in caught.value.faults] == [
        f"{images / name}: the image is missing." for name in ("x", "y")
    ]


def test_digest_of_many_missing_images_counts_them(images: Path) -> None:
    """Five are named, the others counted."""
    with pytest.raises(DataError) as caught:
        images_digest(images, [f"{number}.jpg" for number in range(1205)])
    assert len(caught.value.faults) == 6
    assert str(caught.value.faults[5]) == f"{images}: 1,200 more images are missing or cannot be read."
