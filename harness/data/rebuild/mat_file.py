"""A variable of a MATLAB file (MAT-file, level 5), read without trusting the file.

The files come from other people's servers. ``scipy.io.loadmat`` ends the whole process on a file of 40 kB whose
cells are nested deeply, which no ``except`` can catch; here nesting and size are bounded. The format is that of
MathWorks' "MAT-File Format", chapter 1: numbers, strings, cell and struct arrays are what annotations need.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import DataError, Fault

_HEADER_BYTES = 128
_MOST_BYTES = 2**23  # Stanford Cars' annotations, the largest that are read, inflate to 3 MB
_MOST_FIELDS = 64
_DEEPEST = 4  # a struct array whose fields are strings and numbers has depth 1

# Kinds of element (table 1-1) and classes of array (table 1-3) of the format.
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_ENCODINGS = {1: "utf-8", 2: "utf-8", 16: "utf-8", 4: "utf-16", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)


def read_mat(path: Path, variable: str) -> Any:
    """The values of ``variable``, in MATLAB's order.

    A numeric array is a list of numbers, a string a ``str``, a cell array a list of such values, a struct array
    a list of mappings from field to value.

    Raises:
        DataError: the file is missing, cut off, of another form, or has no such variable.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        variables = dict(_variables(content))
    except FileNotFoundError:
        raise DataError(Fault(str(path), "is missing.")) from None
    except OSError as error:
        raise DataError(Fault(str(path), f"cannot be read: {error.strerror}.")) from None
    except (ValueError, struct.error, zlib.error) as error:
        raise DataError(Fault(str(path), f"is not a MATLAB file that can be read: {error}.")) from None
    if variable not in variables:
        found = ", ".join(map(repr, variables)) or "none"
        raise DataError(Fault(str(path), f"has no variable {variable!r}; its variables: {found}."))
    return variables[variable]


def _variables(content: bytes) -> Iterator[tuple[str, Any]]:
    """Name and values of every variable that is a number, string, cell or struct array."""
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it holds more than {_MOST_BYTES} bytes")
    if content.startswith(b"MATLAB 7.3"):
        raise ValueError("it has the form of MATLAB 7.3; save it with `-v7`")
    order = {b"IM": "<", b"MI": ">"}.get(content[_HEADER_BYTES - 2 : _HEADER_BYTES])
    if order is None or not content.startswith(b"MATLAB 5.0"):
        raise ValueError("it does not start like one")
    left_bytes = _MOST_BYTES
    for element in _elements(content[_HEADER_BYTES:], order):
        kind, body = element
        if kind == _COMPRESSED:
            inflated = _inflate(body, left_bytes)
            left_bytes -= len(inflated)
            kind, body = next(_elements(inflated, order), element)
        if kind == _MATRIX:
            yield _array(body, order, 0)


def _inflate(body: bytes, most_bytes: int) -> bytes:
    """What was compressed, as long as it is not huge."""
    unpacker = zlib.decompressobj()
    inflated = unpacker.decompress(body, max(most_bytes, 1))  # 0 would mean: without bound
    if not unpacker.eof:
        raise ValueError("what was compressed is cut off or huge")
    return inflated


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Kind and content of every element that lies in ``data``."""
    start = 0
    while start < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, start)
        if kind >> 16:  # up to four bytes share the eight of their tag
            kind, size, begin, end = kind & 0xFFFF, kind >> 16, start + 4, start + 8
        else:
            begin = start + 8
            end = begin + size + (0 if kind == _COMPRESSED else -size % 8)
        if begin + size > min(end, len(data)):
            raise ValueError("it ends in the middle of an element")
        yield kind, data[begin : begin + size]
        start = end


def _array(body: bytes, order: str, depth: int) -> tuple[str, Any]:
    """Name and values of an array; ``None`` for the values of a class that annotations do not need."""
    if depth > _DEEPEST:
        raise ValueError("its cells are nested too deeply")
    if not body:
        return "", []
    parts = list(_elements(body, order))
    array_class = _first_number(*parts[0], order) & 0xFF
    if array_class not in (_CELL, _STRUCT, _CHAR, *_NUMERIC):
        return "", None
    if len(parts) < 3:
        raise ValueError("an array lacks its size or its name")
    name, rest = _text(*parts[2], order), parts[3:]
    if array_class == _CELL:
        return name, _arrays(rest, order, depth + 1)
    if array_class == _STRUCT:
        return name, _structs(rest, order, depth + 1)
    if not rest:
        raise ValueError("an array lacks its values")
    return name, (_text if array_class == _CHAR else _numbers)(*rest[0], order)


def _arrays(parts: list[tuple[int, bytes]], order: str, depth: int) -> list[Any]:
    """The values of arrays that lie in another one."""
    if any(kind != _MATRIX for kind, _ in parts):
        raise ValueError("a cell or field is no array")
    return [_array(body, order, depth)[1] for _, body in parts]


def _structs(parts: list[tuple[int, bytes]], order: str, depth: int) -> list[dict[str, Any]]:
    """From field to value, an element of the struct array each."""
    if len(parts) < 2:
        raise ValueError("a struct lacks its fields")
    width, text = _first_number(*parts[0], order), parts[1][1]
    if width < 1 or len(text) > _MOST_FIELDS * width:
        raise ValueError("a struct's fields cannot be told apart")
    fields = [_text(1, text[at : at + width], order).partition("\0")[0] for at in range(0, len(text), width)]
    values = _arrays(parts[2:], order, depth)
    if not fields or len(values) % len(fields):
        raise ValueError("a struct lacks values of its fields")
    rows = range(0, len(values), len(fields))
    return [dict(zip(fields, values[at : at + len(fields)], strict=True)) for at in rows]


def _numbers(kind: int, body: bytes, order: str) -> list[Any]:
    """The numbers of an element."""
    if kind not in _NUMBERS:
        raise ValueError(f"an element of kind {kind} stands where numbers belong")
    code = order + _NUMBERS[kind]
    return [number for (number,) in struct.iter_unpack(code, body)]


def _first_number(kind: int, body: bytes, order: str) -> int:
    """The first number of an element that has to hold whole ones."""
    numbers = _numbers(kind, body, order)
    if not numbers or not isinstance(numbers[0], int):
        raise ValueError("a whole number is missing")
    return numbers[0]


def _text(kind: int, body: bytes, order: str) -> str:
    """The text of an element."""
    if kind not in _ENCODINGS:
        raise ValueError(f"an element of kind {kind} stands where text belongs")
    encoding = _ENCODINGS[kind]
    return body.decode(encoding if encoding == "utf-8" else f"{encoding}-{'le' if order == '<' else 'be'}")
