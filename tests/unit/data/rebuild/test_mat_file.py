"""Variables of MATLAB files, as scipy writes them and as nobody should."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from harness.data.rebuild.mat_file import read_mat
from harness.errors import DataError

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
MATRIX, COMPRESSED = 14, 15


def element(kind: int, content: bytes) -> bytes:
    """An element of the format."""
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def array(array_class: int, *rest: bytes, name: bytes = b"v") -> bytes:
    """An array of one row and column."""
    flags = element(6, struct.pack("<II", array_class, 0))
    return element(MATRIX, flags + element(5, struct.pack("<ii", 1, 1)) + element(1, name) + b"".join(rest))


def packed(content: bytes) -> bytes:
    """A compressed element, which is not padded."""
    compressed = zlib.compress(content)
    return struct.pack("<II", COMPRESSED, len(compressed)) + compressed


def nested(depth: int) -> bytes:
    """A cell in a cell in a cell."""
    content = array(6, element(9, struct.pack("<d", 1)))
    for _ in range(depth):
        content = array(1, content)
    return content


def cell(*values: object) -> np.ndarray[Any, Any]:
    """A cell array of one row."""
    cells = np.empty((1, len(values)), dtype=object)
    cells[0] = values
    return cells


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("saved", "read"),
    [
        (np.array([[3, 1, 2]], dtype=np.uint8), [3, 1, 2]),
        (np.array([[3, -1]], dtype=np.int16), [3, -1]),
        (np.array([[1.5, 2]]), [1.5, 2]),
        (np.arange(300, dtype=np.uint16), list(range(300))),
        (np.zeros((0, 0)), []),
        ("Audi TTS Coupe 2012", "Audi TTS Coupe 2012"),
        (cell("Ram C/V", "smart ä"), ["Ram C/V", "smart ä"]),
        (
            np.array(
                [[(np.uint8(14), "00001.jpg"), (np.uint16(300), "2")]], dtype=[("class", "O"), ("fname", "O")]
            ),
            [{"class": [14], "fname": "00001.jpg"}, {"class": [300], "fname": "2"}],
        ),
    ],
    ids=["bytes", "signed", "doubles", "long", "empty", "text", "cells", "structs"],
)
def test_values_are_read(tmp_path: Path, saved: object, read: object, compressed: bool) -> None:
    """Numbers, strings, cells and structs come back as Python's values, compressed or not."""
    savemat(tmp_path / "a.mat", {"other": 7, "wanted": saved}, do_compression=compressed)
    assert read_mat(tmp_path / "a.mat", "wanted") == read
    assert read_mat(tmp_path / "a.mat", "other") == [7]


def test_other_byte_order_is_read(tmp_path: Path) -> None:
    """A file of a big-endian machine says so and is read."""
    flags = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 1, 1) + struct.pack(">HH4s", 1, 1, b"v")
    content = flags + struct.pack(">IId", 9, 8, 258.0)
    header = HEADER[:124] + struct.pack(">H", 0x0100) + b"MI"
    (tmp_path / "a.mat").write_bytes(header + struct.pack(">II", MATRIX, len(content)) + content)
    assert read_mat(tmp_path / "a.mat", "v") == [258.0]


def test_array_of_an_unknown_class_is_passed_over(tmp_path: Path) -> None:
    """An object beside the wanted variable does no harm."""
    (tmp_path / "a.mat").write_bytes(HEADER + array(17) + array(6, element(9, struct.pack("<d", 1)), name=b"w"))
    assert read_mat(tmp_path / "a.mat", "w") == [1.0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it does not start like one"),
        (b"<!DOCTYPE html><title>404 Not Found</title>" * 9, "it does not start like one"),
        (b"MATLAB 7.3 MAT-file", "it has the form of MATLAB 7.3; save it with `-v7`"),
        (HEADER[:-2] + b"XX", "it does not start like one"),
        (HEADER + array(6)[:20], "it ends in the middle of an element"),
        (HEADER + struct.pack("<II", COMPRESSED, 4) + b"junk", "incorrect header check"),
        (HEADER + packed(nested(1))[:-8], "it ends in the middle of an element"),
        (HEADER + packed(bytes(2**23 + 1)), "what was compressed is cut off or huge"),
        (HEADER + packed(bytes(2**22)) * 3, "what was compressed is cut off or huge"),
        (HEADER + bytes(2**23), "it holds more than 8388608 bytes"),
        (HEADER + nested(6), "its cells are nested too deeply"),
        (HEADER + packed(nested(400)), "its cells are nested too deeply"),
        (HEADER + array(1, element(9, b"")), "a cell or field is no array"),
        (HEADER + array(2), "a struct lacks its fields"),
        (HEADER + array(2, element(5, b""), element(1, b"a")), "a whole number is missing"),
        (HEADER + array(2, element(5, bytes(4)), element(1, b"a")), "a struct's fields cannot be told apart"),
        (HEADER + array(2, element(5, b"\1\0\0\0"), element(1, b"a" * 65)), "fields cannot be told apart"),
        (HEADER + array(2, element(5, b"\1\0\0\0"), element(1, b"ab"), array(6)), "an array lacks its values"),
        (
            HEADER + array(2, element(5, b"\1\0\0\0"), element(1, b"ab"), nested(0)),
            "a struct lacks values of its fields",
        ),
        (HEADER + array(2, element(5, b"\1\0\0\0"), element(1, b""), nested(0)), "lacks values of its fields"),
        (HEADER + array(6), "an array lacks its values"),
        (HEADER + array(6, element(1, b"abc"), name=b"\xff"), "can't decode byte 0xff"),
        (HEADER + array(6, element(16, b"abc")), "an element of kind 16 stands where numbers belong"),
        (HEADER + array(4, element(9, bytes(8))), "an element of kind 9 stands where text belongs"),
        (HEADER + array(6, element(9, bytes(7))), "requires a buffer of a multiple of 8 bytes"),
        (HEADER + element(MATRIX, element(6, bytes([6] + [0] * 7))), "an array lacks its size or its name"),
        (HEADER + element(MATRIX, element(9, bytes(8))), "a whole number is missing"),
        (HEADER + element(MATRIX, b"junk junk"), ""),
    ],
)  # fmt: skip
def test_file_that_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """A page saved under the name, a cut file, a bomb, deep nesting and nonsense: each is a fault of that file."""
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_mat(path, "v")
    assert str(caught.value).startswith(f"{path}: is not a MATLAB file that can be read: ")
    assert why in str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_file_gives_values_or_a_fault(tmp_path: Path, compressed: bool) -> None:
    """Whatever byte is changed, and wherever the file is cut, nothing but a ``DataError`` is raised."""
    path = tmp_path / "a.mat"
    rows = np.array([[(1, "a"), (2, "b")]], dtype=[("class", "O"), ("fname", "O")])
    savemat(path, {"v": rows}, do_compression=compressed)
    whole = path.read_bytes()
    damaged = [whole[:at] for at in range(128, len(whole), 3)]
    damaged += [
        whole[:at] + bytes([byte]) + whole[at + 1 :] for at in range(128, len(whole)) for byte in (0, 1, 255)
    ]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            read_mat(path, "v")
        except DataError:
            refused += 1
    assert len(damaged) / 4 < refused


def test_missing_file_and_variable_are_named(tmp_path: Path) -> None:
    """The file that is not there, and the variables that are there instead."""
    path = tmp_path / "a.mat"
    with pytest.raises(DataError) as caught:
        read_mat(path, "v")
    assert str(caught.value) == f"{path}: is missing."
    savemat(path, {"a": 1, "b": 2})
    with pytest.raises(DataError) as caught:
        read_mat(path, "v")
    assert str(caught.value) == f"{path}: has no variable 'v'; its variables: 'a', 'b'."
    path.write_bytes(HEADER)
    with pytest.raises(DataError, match="its variables: none"):
        read_mat(path, "v")


def test_folder_in_a_files_place_is_said(tmp_path: Path) -> None:
    """A folder of that name cannot be read."""
    with pytest.raises(DataError, match=r"cannot be read: .+\."):
        read_mat(tmp_path, "v")
