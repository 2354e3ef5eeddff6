"""Draws docs/images/house.svg, the picture of docs/architecture.md, from the import contracts in pyproject.toml.

``python docs/house.py`` writes it anew; a test compares it with what the contracts say today.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "house.svg"

# The rooms that each journey passes, in its order: docs/architecture.md tells them.
JOURNEYS: Mapping[str, Sequence[str]] = {
    "plan": ("cli", "matrix", "data", "store", "plan"),
    "dispatch": ("cli", "plan", "dispatch", "worker"),
    "features": ("worker", "data", "backbone", "features"),
    "run": ("worker", "methods", "engine", "store", "mirror", "tracking"),
    "report": ("cli", "store", "report"),
}
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa3377", "#7a6a00")  # Okabe and Ito's, the last ones darkened

_WIDTH, _MARGIN, _GAP = 1000, 20, 12
_ROOM_HEIGHT, _FLOOR_GAP = 88, 26
_CHARACTER_PX = 6.1  # of the small letters, on average
_FONT = "font-family='system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True, slots=True)
class House:
    """The floors from top to bottom, and the rooms that never load torch."""

    floors: tuple[tuple[str, ...], ...]
    light: frozenset[str]


def read_house(pyproject: Path = ROOT / "pyproject.toml") -> House:
    """The floors and the light half, as the import contracts have them."""
    contracts = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    by_name = {contract["name"]: contract for contract in contracts}
    floors = [re.findall(r"\w+", layer) for layer in by_name["Floors"]["layers"]]
    light = by_name["Light half never loads torch"]["source_modules"]
    known = [tuple(room for room in floor if _file(room).exists()) for floor in floors]
    return House(tuple(known), frozenset(name.removeprefix("harness.") for name in light))


def purpose(room: str) -> str:
    """What a room is for: the first sentence of its docstring, up to a semicolon."""
    docstring = ast.get_docstring(ast.parse(_file(room).read_text(encoding="utf-8"))) or ""
    return re.split(r"[;.](?:\s|$)", " ".join(docstring.replace("`", "").split()), maxsplit=1)[0]


def draw(house: House) -> str:
    """The picture: a row a floor, a box a room, and in each box the numbers of the journeys that pass it."""
    parts: list[str] = []
    top = _MARGIN
    for floor in house.floors:
        width = (_WIDTH - 2 * _MARGIN - _GAP * (len(floor) - 1)) / len(floor)
        for place, room in enumerate(floor):
            parts += _room(house, room, _MARGIN + place * (width + _GAP), top, width)
        top += _ROOM_HEIGHT + _FLOOR_GAP
    parts += _legend(top)
    height = top + 78
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' role='img' {_FONT}>"
    title = "<title>The rooms of harness by floor; imports go down only</title>"
    return "\n".join(
        [head, title, f"<rect width='{_WIDTH}' height='{height}' fill='#ffffff'/>", *parts, "</svg>\n"]
    )


def _file(room: str) -> Path:
    package = ROOT / "harness" / room
    return package / "__init__.py" if package.is_dir() else package.with_suffix(".py")


def _room(house: House, room: str, left: float, top: float, width: float) -> list[str]:
    fill = "#f1f6fb" if room in house.light else "#fff6e6" if _is_package(room) else "#f4f4f4"
    x = left + 12
    parts = [
        f"<rect x='{left:.1f}' y='{top}' width='{width:.1f}' height='{_ROOM_HEIGHT}' rx='7' fill='{fill}' "
        "stroke='#8a94a0'/>",
        f"<text x='{x:.1f}' y='{top + 22}' font-size='15' font-weight='600' fill='#14202b'>{room}</text>",
    ]
    lines = textwrap.wrap(purpose(room), int((width - 24) / _CHARACTER_PX))
    parts += [
        f"<text x='{x:.1f}' y='{top + 40 + 15 * number}' font-size='12' fill='#3b4855'>{escape(line)}</text>"
        for number, line in enumerate(lines)
    ]
    passing = [number for number, rooms in enumerate(JOURNEYS.values()) if room in rooms]
    for place, number in enumerate(reversed(passing)):
        parts += _dot(number, left + width - 18 - 22 * place, top + 17)
    return parts


def _is_package(room: str) -> bool:
    return (ROOT / "harness" / room).is_dir()


def _dot(number: int, x: float, y: float) -> list[str]:
    return [
        f"<circle cx='{x:.1f}' cy='{y}' r='9' fill='{_COLOURS[number]}'/>",
        f"<text x='{x:.1f}' y='{y + 4}' font-size='11' font-weight='600' fill='#ffffff' text-anchor='middle'>"
        f"{number + 1}</text>",
    ]


def _legend(top: float) -> list[str]:
    """The journeys by number, and what the colours of boxes mean."""
    parts: list[str] = []
    for number, name in enumerate(JOURNEYS):
        x = _MARGIN + 10 + number * 120
        parts += _dot(number, x, top + 8)
        parts.append(f"<text x='{x + 16}' y='{top + 12}' font-size='13' fill='#14202b'>{name}</text>")
    kinds = (("#f1f6fb", "never loads torch"), ("#fff6e6", "may load torch"), ("#f4f4f4", "a single file"))
    for number, (fill, words) in enumerate(kinds):
        x = _MARGIN + number * 170
        parts.append(f"<rect x='{x}' y='{top + 34}' width='18' height='14' fill='{fill}' stroke='#8a94a0'/>")
        parts.append(f"<text x='{x + 26}' y='{top + 46}' font-size='13' fill='#14202b'>{words}</text>")
    return parts


if __name__ == "__main__":
    PICTURE.write_text(draw(read_house()), encoding="utf-8")
