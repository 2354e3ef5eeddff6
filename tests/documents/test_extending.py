"""docs/extending.md shows what its examples are."""

import pytest
from support.documents import ROOT, fences

EXAMPLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "examples").rglob("*.py"))]
SHOWN = [fence for fence in fences(ROOT / "docs" / "extending.md") if fence.language == "python"]


@pytest.mark.parametrize("fence", SHOWN, ids=lambda fence: f"line {fence.line}")
def test_a_piece_of_code_stands_in_an_example(fence: object) -> None:
    """So what is read is what is run."""
    assert any(fence.text.strip() in text for text in EXAMPLES)  # type: ignore[attr-defined]
