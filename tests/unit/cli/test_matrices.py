"""``harness matrix list`` and ``show``, and ``--matrix NAME``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.matrix.packaged import packaged_matrices

Harness = Callable[..., Any]


def test_list_has_a_line_a_matrix(harness: Harness) -> None:
    """Name, number of cells, and what it is."""
    answer = harness("matrix", "list")
    lines = answer.out.splitlines()
    assert (answer.code, answer.err) == (0, "")
    assert [line.split()[0] for line in lines[1:-2]] == list(packaged_matrices())
    assert next(line for line in lines if line.startswith("full ")).split()[1:4] == ["836", "CoOp,", "figure"]


def test_show_gives_the_file(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Byte for byte, comments and all, so that a copy can be changed."""
    for name, path in packaged_matrices().items():
        assert main(["matrix", "show", name]) == 0
        assert capfdbinary.readouterr() == (path.read_bytes(), b"")


def test_show_knows_names_only(harness: Harness, matrix: Path) -> None:
    """A file is the user's own to look at; a slip of the pen is told the nearest name."""
    answer = harness("matrix", "show", "smok")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: smok: no matrix of that name comes with harness. Did you mean 'smoke'? ")
    assert harness("matrix", "show", matrix).code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("plan",), 0, "smoke: 86 cells"),
        (("status",), 0, "smoke"),
        (("metrics",), 0, ""),
        (("report",), 2, "results: holds no records to report."),
        (("report", "--serve", "--out", "x"), 2, "--out: has no meaning with --serve"),
        (("sync", "--dry-run"), 2, ""),
        (("compare", "none", "others"), 2, "none"),
        (("data", "draw", "trees", "--shots", "1", "--seed", "1"), 2, "Known: "),
        (("data", "check"), 0, "digits"),
    ],
)
def test_every_command_takes_a_name(harness: Harness, arguments: tuple[str, ...], code: int, said: str) -> None:
    """``--matrix smoke`` is a matrix wherever one is taken."""
    answer = harness(*arguments, "--matrix", "smoke")
    assert answer.code == code
    assert said in answer.out + answer.err
    assert "no such matrix" not in answer.err
