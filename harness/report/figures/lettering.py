"""The letters of a figure: DejaVu Sans, which comes with matplotlib, cut down to what figures say.

A PDF holds the letters that it needs, and cutting them out of the whole font, with its tables of ligatures in all
scripts, takes longer than drawing. So each font is cut beforehand, without those tables.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import matplotlib as mpl
from fontTools import subset
from matplotlib.font_manager import FontEntry, fontManager, get_font

FAMILY = "Harness Sans"  # a font that was changed may not keep its name (licence of Bitstream Vera)
_ALWAYS = frozenset((*range(32, 127), *range(0xC0, 0x180), *map(ord, "−…±□")))
_UNKNOWN = "□"
# What a figure's few words do not need: positions, ligatures, hinting, and notes of the font's makers.
_LEFT_OUT = ("GSUB", "GPOS", "GDEF", "FFTM", "kern", "fpgm", "prep", "cvt ", "gasp")
_NAMES = (1, 3, 4, 6, 16)  # family, unique name, full name, PostScript name, typographic family


def legible(text: str) -> str:
    """``text`` with a box for what DejaVu Sans has no letter for, such as Chinese."""
    known = _known()
    return text if known.issuperset(map(ord, text)) else "".join(c if ord(c) in known else _UNKNOWN for c in text)


@contextmanager
def lettering(words: Iterable[str]) -> Iterator[None]:
    """Let ``FAMILY`` name a font that has every letter of ``words``, plain and bold, until the end."""
    letters = frozenset(ord(letter) for word in words for letter in word) | _ALWAYS
    with tempfile.TemporaryDirectory(prefix="harness-font-", ignore_cleanup_errors=True) as folder:
        before = len(fontManager.ttflist)
        for style in ("", "-Bold"):
            path = Path(folder) / f"letters{style}.ttf"
            path.write_bytes(_cut(style, letters))
            fontManager.addfont(path)
        added: list[FontEntry] = fontManager.ttflist[before:]
        try:
            yield
        finally:
            for entry in added:
                fontManager.ttflist.remove(entry)


@cache
def _cut(style: str, letters: frozenset[int]) -> bytes:
    """The file of a font that has those of ``letters`` that there are, and no others."""
    options = subset.Options(glyph_names=True, notdef_outline=True, hinting=False)
    options.drop_tables += _LEFT_OUT
    font = subset.load_font(str(_font(style)), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=sorted(letters))
    cutter.subset(font)
    for record in font["name"].names:
        if record.nameID in _NAMES:
            name = FAMILY + style.replace("-", " ") if record.nameID in (3, 4) else FAMILY
            record.string = (FAMILY.replace(" ", "") + style) if record.nameID == 6 else name
    font["head"].modified = font["head"].created  # the time of today otherwise
    font.recalcTimestamp = False
    file = io.BytesIO()
    font.save(file)
    font.close()
    return file.getvalue()


@cache
def _known() -> frozenset[int]:
    """Every letter of the plain font."""
    return frozenset(get_font(str(_font(""))).get_charmap())


def _font(style: str) -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{style}.ttf"
