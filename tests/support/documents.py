"""The project's documents, taken apart: fenced blocks, headings, links, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]


def documents() -> list[Path]:
    """Every document of the project that people read."""
    return sorted(
        [*ROOT.glob("*.md"), ROOT / "results" / "README.md", *(ROOT / "docs").glob("*.md")],
        key=lambda path: path.as_posix(),
    )


def name_of(document: Path) -> str:
    """Its path from the checkout, as tests are called by it."""
    return document.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Fence:
    """One fenced block: its language, what stands in it, and the line of the document that it begins on."""

    language: str
    text: str
    line: int


@cache
def tokens(document: Path) -> tuple[Token, ...]:
    """The document as CommonMark with tables."""
    return tuple(MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8")))


def fences(document: Path) -> list[Fence]:
    """Its fenced blocks in order; those of the site's own words, such as ``{toctree}``, are not among them."""
    found = [token for token in tokens(document) if token.type == "fence"]
    return [
        Fence(token.info.strip(), token.content, (token.map or [0])[0] + 1)
        for token in found
        if not token.info.startswith("{")
    ]


def commands(block: str, keep: bool = False) -> list[str]:
    """The commands of a shell block, a line each; a line that ends in a backslash goes on in the next.

    Comments are left out, or kept behind two blanks and ``#``.
    """
    found = []
    for line in re.sub(r"\\\n\s*", "", block).splitlines():
        command, *comment = re.split(r"(?:^|\s+)#\s", line, maxsplit=1)
        if command.strip():
            found.append("  # ".join([command.strip(), *comment]) if keep else command.strip())
    return found


def harness_calls(command: str) -> Iterator[list[str]]:
    """The arguments of every call of ``harness`` in a line of commands."""
    for part in re.split(r"&&|\|\||;|\s\|\s", command):
        words = shlex.split(part)
        while words and re.fullmatch(r"do|[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words and words[0] == "harness":
            yield words[1:]


def code_spans(document: Path) -> list[str]:
    """What stands between single backticks."""
    inline = [child for token in tokens(document) for child in token.children or ()]
    return [token.content for token in inline if token.type == "code_inline"]


def links(document: Path) -> list[str]:
    """Where its links and pictures lead."""
    inline = [child for token in tokens(document) for child in token.children or ()]
    found = [token.attrs.get("href") or token.attrs.get("src") for token in inline]
    return [str(target) for target in found if target]


def anchors(document: Path) -> set[str]:
    """The names of its headings in an address, as GitHub and the site make them."""
    found: set[str] = set()
    for before, token in zip(tokens(document), tokens(document)[1:], strict=False):
        if before.type == "heading_open":
            text = "".join(
                child.content for child in token.children or () if child.type in ("text", "code_inline")
            )
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            number, unique = 0, slug
            while unique in found:
                number += 1
                unique = f"{slug}-{number}"
            found.add(unique)
    return found
