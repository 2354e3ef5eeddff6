"""Plug-ins of matrices and of packages, as commands take them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.vocabulary import known_names, names_still_there
from harness.matrix.matrix import read_matrix
from harness.plugins.reading import file_plugin

Harness = Callable[..., Any]

_METHOD = """
from harness.matrix.protocol import Number
from harness.matrix.vocabulary import Axis, MethodEntry
from harness.methods.table import MethodRow
METHODS = {
    "NAME": MethodRow(
        ":NoSuch",
        MethodEntry(
            frozenset({"shots", "seed", "protocol"}),
            {"depth": Axis("count", 9)},
            {"rate": Number(0.5, 0.0, 1.0), "epochs": Number(7, 5)},
            "Mine",
            3,
        ),
    )
}
"""
_HEAD = "backbones: tiny\ndatasets: digits\nshots: [1, 2]\nseeds: 1\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A writer of matrices beside a plug-in of one method, ``mine``."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "mine.py").write_text(_METHOD.replace("NAME", "mine"))

    def text(below: str) -> Path:
        path = tmp_path / "matrix.yaml"
        path.write_text(_HEAD + below)
        return path

    return text


def test_a_plugins_method_has_its_axes_and_numbers(write: Callable[[str], Path]) -> None:
    """Axes multiply, numbers stand in the recipe whatever the protocol, and a recipe overrides them."""
    entry = "{method: mine, depth: [2, 3], recipe: {rate: 1}}"
    path = write(f"plugins: parts/mine.py\nrecipe: {{epochs: 50}}\nmethods: [{entry}]\n")
    matrix = read_matrix(path, known_names())
    assert [(cell.shots, dict(cell.extras), cell.recipe_dict()) for cell in matrix.cells] == [
        (shots, {"depth": depth}, {"rate": 1.0, "epochs": 50}) for shots in (1, 2) for depth in (2, 3)
    ]
    assert (matrix.labels, matrix.versions) == ({"mine": "Mine"}, {"mine": 3})
    assert [plugin.source.name for plugin in matrix.plugins] == ["mine.py"]


def test_numbers_are_checked_for_every_method_that_has_them(
    write: Callable[[str], Path], harness: Harness
) -> None:
    """A value that one method may have and another may not is a fault, not dropped for the other."""
    path = write("plugins: [parts/mine.py]\nrecipe: {epochs: 3}\nmethods: [mine, coop]\n")
    answer = harness("plan", "--matrix", path)
    assert answer.code == 2
    assert "recipe.epochs: must be at least 5, not 3." in answer.err


def test_a_plan_shows_the_axes_of_a_plugin(write: Callable[[str], Path], harness: Harness) -> None:
    """Like all others; the class itself is not needed for it, and may be missing."""
    answer = harness("plan", "--matrix", write("plugins: [parts/mine.py]\nmethods: [mine]\n"))
    assert answer.code == 0
    assert "9 (2)" in next(line for line in answer.out.splitlines() if line.startswith("depth"))


def test_faults_of_plugins_stand_with_their_line(write: Callable[[str], Path], harness: Harness) -> None:
    """Beside all other faults of the file."""
    answer = harness(
        "plan",
        "--matrix",
        write("plugins:\n  - none.py\n  - 3\n  - parts/mine.py\n  - parts/mine.py\nmethods: [mine]\n"),
    )
    assert answer.code == 2
    places = [line.split(": ", 3)[1:3] for line in answer.err.splitlines()]
    assert [(place.rpartition(":")[2], what) for place, what in places] == [
        ("6", "plugins[0]"),
        ("7", "plugins[1]"),
        ("9", "plugins[3]"),
    ]
    assert "METHODS['mine']: the name is taken; give this one another." in answer.err


def test_an_installed_method_is_known_without_a_key(
    write: Callable[[str], Path], harness: Harness, install: Callable[..., Path]
) -> None:
    """The matrix knows which package it comes from; one that does not use it knows nothing of it."""
    install(_METHOD.replace("NAME", "theirs"))
    matrix = read_matrix(write("methods: [theirs]\n"), known_names())
    assert [plugin.source.name for plugin in matrix.plugins] == ["ours (acme 1.2)"]
    assert read_matrix(write("methods: [zero_shot]\n"), known_names()).plugins == ()


@pytest.mark.parametrize("text", ["import nothing_of_that_name\n", _METHOD.replace("NAME", "coop")])
def test_a_broken_package_is_one_line_and_told_again_where_a_name_is_unknown(
    write: Callable[[str], Path], harness: Harness, install: Callable[..., Path], text: str
) -> None:
    """Matrices that do not need it are planned; whoever misses a name learns why."""
    install(text)
    answer = harness("plan", "--matrix", write("methods: [zero_shot]\n"))
    assert (answer.code, answer.err.count("plug-in ours (acme 1.2): ")) == (0, 1)
    answer = harness("plan", "--matrix", write("methods: [theirs]\n"))
    assert answer.code == 2
    assert "unknown method 'theirs'" in answer.err
    assert "ours (acme 1.2): its names are not known here: " in answer.err


def test_text_features_of_a_plugins_cell_are_not_exported(
    write: Callable[[str], Path], harness: Harness, make_record: Any, put_record: Any, tmp_path: Path
) -> None:
    """That is said, and where what it learned lies."""
    (cell, _) = read_matrix(write("plugins: [parts/mine.py]\nmethods: [mine]\n"), known_names()).cells
    record = make_record(cell)
    put_record(record.cell_id, record.model_dump(mode="json"))
    answer = harness("prompts", "export", record.cell_id, "--out", tmp_path / "out", "--results", tmp_path)
    assert answer.code == 2
    assert "mine is a plug-in's; text features are exported of the harness's own methods." in answer.err


def test_a_tracker_that_was_used_before_is_known_while_its_plugin_is_there(tmp_path: Path) -> None:
    """Whole results folders are sent again by it; where it is gone nothing breaks."""
    path = tmp_path / "mine.py"
    path.write_text("from harness.tracking.table import TrackerRow\nTRACKERS = {'mine': TrackerRow(':Mine')}\n")
    source = file_plugin(path).source
    assert list(names_still_there([source, source]).trackers)[-1] == "mine"
    path.unlink()
    assert "mine" not in names_still_there([source]).trackers


def test_trackers_of_plugins_can_be_named_beside_their_matrix(
    write: Callable[[str], Path], harness: Harness, tmp_path: Path
) -> None:
    """The nearest of all known names is offered."""
    (tmp_path / "parts" / "shown.py").write_text(
        "from harness.tracking.table import TrackerRow\nTRACKERS = {'shown': TrackerRow(':Shown')}\n"
    )
    matrix = write("plugins: parts/shown.py\nmethods: zero_shot\n")
    for command in ("run", "sync"):
        answer = harness(command, "--matrix", matrix, "--track", "showm")
        assert (answer.code, "Did you mean 'shown'?" in answer.err) == (2, True)
