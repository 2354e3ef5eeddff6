"""Messages that troubleshooting.md quotes without the command that prints them are the code's."""

import itertools
import re

from support.documents import ROOT, Fence, fences

PAGE = ROOT / "docs" / "troubleshooting.md"


def test_quoted_messages_are_the_codes() -> None:
    """Behind the place, what stands between two ``…`` is said by the code in these words."""
    pairs = itertools.pairwise([Fence("", "", 0), *fences(PAGE)])
    quoted = [block.text for before, block in pairs if block.language == "output" and before.language != "shell"]
    assert len(quoted) == 3
    said = [re.sub(r"^error: (\S+|backbone \S+): (ray )?", "", text).strip().split("…") for text in quoted]
    parts = [part.strip() for text in said for sentence in text for part in re.split(r"(?<=\.) ", sentence)]
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "harness").rglob("*.py"))
    assert [part for part in parts if part not in code] == []
