"""Links in the documents lead somewhere."""

import re
from pathlib import Path

import pytest
from support.documents import ROOT, anchors, code_spans, documents, links, name_of

THEIRS = {"lpclip/linear_probe.py"}  # a file of the authors' code
MADE = {"docs/_build"}  # by a session
DOCUMENTS = [*documents(), *(ROOT / "docs" / "examples").glob("**/*.md")]


def _dead(document: Path) -> list[str]:
    """The document's relative links whose file or heading is not there."""
    dead = []
    for link in links(document):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        is_there = not place or (target.exists() and target.is_relative_to(ROOT))
        if not is_there or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link has its file, and every anchor its heading."""
    assert _dead(document) == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    """A file, a heading, and a place outside of the checkout that are not there."""
    page = ROOT / "docs" / "report.md"
    text = f"[a](no.md) [b]({page}) [c]({page}#tables) [d]({page}#no-such) [e](#here) [f](#there) [g](/etc)\n\n"
    document = tmp_path / "page.md"
    document.write_text(f"{text}# Here\n", encoding="utf-8")
    assert _dead(document) == ["no.md", f"{page}#no-such", "#there", "/etc"]


def test_every_document_is_reached() -> None:
    """The site's table of contents names every page of docs/."""
    named = set(re.findall(r"^(?:.* <)?(\w+)>?$", (ROOT / "docs" / "index.md").read_text(encoding="utf-8"), re.M))
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} - named == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_of_the_checkout_are_there(document: Path) -> None:
    """A path between backticks that ends in ``.py``, or begins with a folder of the checkout, is one."""
    folders = ("docs/", "experiments/", "harness/", "tests/")
    named = {span.partition(":")[0] for span in code_spans(document) if re.fullmatch(r"[\w./-]+(:\w+)?", span)}
    named = {span for span in named if ("/" in span and span.endswith(".py")) or span.startswith(folders)}
    assert {
        name for name in named if not ((ROOT / name).exists() or (ROOT / "harness" / name).exists())
    } <= THEIRS | MADE
