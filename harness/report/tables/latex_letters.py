"""Words as LaTeX prints them, and about how wide they are."""

from __future__ import annotations

import re
import unicodedata

from harness.report.tables.table import DAGGER

_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after a line end a bare bracket would be a length
    "]": "{]}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
    "\u201c": "``",
    "\u201d": "''",
    "\u200b": "{}",
    DAGGER: r"$\dagger$",
} | {letter: f"\\{letter}" for letter in "&%$#_"}
_PLAIN = frozenset(map(chr, range(32, 127))) - set(_SIGNS)
# Accents that every font encoding has, by the name that Unicode gives to the mark.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_WHOLE = {"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "œ": r"\oe{}", "Œ": r"\OE{}",
          "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}"}  # fmt: skip
_NARROW, _WIDE = frozenset("ijltfr.,:;!'()[]|/- –"), frozenset("mwMW")


def escape_latex(text: str) -> str:
    """``text`` as every LaTeX engine prints it, with quotes that open and close; other scripts by code point."""
    text = text.replace("--", "-\u200b-")  # two hyphens are not a dash
    text = re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text).replace('"', "\u201d")
    return "".join(letter if letter in _PLAIN else _SIGNS.get(letter) or _other(letter) for letter in text)


def _other(letter: str) -> str:
    """A letter beyond ASCII."""
    if letter in _WHOLE:
        return _WHOLE[letter]
    base, *marks = list(unicodedata.normalize("NFD", letter))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"U+{ord(letter):04X}"


def points_of(text: str) -> float:
    """About how wide ``text`` is at ten points, in Computer Modern; rather too wide."""
    return sum(map(_letter_points, text))


def _letter_points(letter: str) -> float:
    if letter in _NARROW:
        return 3.4
    if not letter.isascii() and letter not in _SIGNS and _other(letter).startswith("U+"):
        return 6.4 * len(_other(letter))
    if letter in _WIDE or not letter.isalnum():
        return 8.6
    return 7.4 if letter.isupper() else 5.2
