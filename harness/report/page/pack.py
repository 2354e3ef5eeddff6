"""Many numbers in few letters: columns and series as short strings that the page unpacks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def whole_numbers(values: Iterable[int]) -> str:
    """Numbers of 0 or more as variable-length quantities in base 64: five bits a letter, lowest first.

    The letters and the continuation bit are those of source maps; there is no sign. Below 32 a number is one
    letter, below 1,024 two.

    Raises:
        ValueError: a number is negative.
    """
    return "".join([_SHORT[value] if 0 <= value < len(_SHORT) else _letters(value) for value in values])


def _letters(value: int) -> str:
    if value < 0:
        raise ValueError(f"{value} is negative")
    letters, rest = "", value
    while rest > 31:
        letters += _DIGITS[32 | rest & 31]
        rest >>= 5
    return letters + _DIGITS[rest]


_SHORT = [_letters(value) for value in range(1024)]  # nearly all there are


def steps(values: Iterable[int]) -> str:
    """Numbers of any sign by the step from each to the next, the first from 0; signs by turns: 0, -1, 1, -2 .."""
    before, found = 0, []
    for value in values:
        step = value - before
        found.append(2 * step if step >= 0 else -2 * step - 1)
        before = value
    return whole_numbers(found)


def column(values: Sequence[Any]) -> dict[str, Any]:
    """Values of which many are equal: each once under ``v``, and under ``i`` which one stands where.

    1, 1.0 and true stay what they are; lists are told apart by their spelling in JSON.
    """
    places: dict[Any, int] = {}
    distinct: list[Any] = []
    found: list[int] = []
    for value in values:
        key = json.dumps(value) if isinstance(value, list | tuple) else (type(value), value)
        if key not in places:
            places[key] = len(distinct)
            distinct.append(value)
        found.append(places[key])
    return {"v": distinct, "i": whole_numbers(found)}


def script_json(value: Any) -> str:
    """JSON that can stand inside a ``script`` element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
