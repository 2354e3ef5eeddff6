"""Methods of plug-ins beside the harness's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import PluginError
from harness.methods.table import METHODS, load_method, methods_of, methods_with
from harness.plugins.plugin import Plugin
from harness.plugins.reading import file_plugin

_IMPORTS = """
from harness.matrix.protocol import Number
from harness.matrix.vocabulary import Axis, MethodEntry
from harness.methods.table import MethodRow
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], Plugin]:
    """A plug-in of one method ``mine``, whose row is given as text."""

    def make(row: str, below: str = "") -> Plugin:
        path = tmp_path / "mine.py"
        path.write_text(f"{_IMPORTS}\n{below}\nMETHODS = {{'mine': {row}}}\n")
        return file_plugin(path)

    return make


def test_a_plugins_method_is_a_row_like_any_other(plugin: Callable[..., Plugin], tmp_path: Path) -> None:
    """Its target is resolved, its plug-in is known by name, and the others stay as they are."""
    one = plugin(
        "MethodRow(':Mine', MethodEntry(frozenset({'shots'}), {'depth': Axis('count', 9)}, version=2))",
        "class Mine: pass",
    )
    table = methods_with([one])
    assert {name: row for name, row in table.items() if name != "mine"} == METHODS
    assert (table["mine"].plugin, table["mine"].entry.version) == ("mine.py", 2)
    assert type(load_method(table["mine"])).__name__ == "Mine"


def test_a_method_that_reads_results_is_handed_their_folder(plugin: Callable[..., Plugin], tmp_path: Path) -> None:
    """A plug-in's like the harness's own."""
    row = "MethodRow(':Mine', MethodEntry(), reads_results=True)"
    one = plugin(row, "class Mine:\n    def __init__(self, results): self.results = results")
    assert load_method(methods_with([one])["mine"], tmp_path).results == tmp_path  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("3", "must be a MethodRow, not 3."),
        (
            "MethodRow('Mine', MethodEntry())",
            "its target must be `:NAME`, `.FILE:NAME` or `MODULE:NAME`, not 'Mine'.",
        ),
        (
            "MethodRow(':M', MethodEntry(frozenset({'shot'})))",
            "reads 'shot', which is none of shots, seed, views, protocol.",
        ),
        (
            "MethodRow(':M', MethodEntry(axes={'shots': Axis('count', 1)}))",
            "its axis 'shots' has the name of something else in every cell; give it another.",
        ),
        (
            "MethodRow(':M', MethodEntry(axes={'accuracy': Axis('count', 1)}))",
            "its axis 'accuracy' has the name of something else in every cell; give it another.",
        ),
        (
            "MethodRow(':M', MethodEntry(axes={'a b': Axis('count', 1)}))",
            "its axis 'a b' must have a name of letters, digits and '_'.",
        ),
        (
            "MethodRow(':M', MethodEntry(axes={'context': Axis('word', 'x', ('x',))}))",
            "its axis 'context' is known to mean word unified, class_specific; give another meaning another name.",
        ),
        (
            "MethodRow(':M', MethodEntry(axes={'depth': Axis('number', 1)}))",
            "its axis 'depth' must be of the kind word, count, text, template, name, not 'number'.",
        ),
        (
            "MethodRow(':M', MethodEntry(axes={'depth': Axis('count')}))",
            "its axis 'depth' has a default that must be a whole number above zero, not None.",
        ),
        (
            "MethodRow(':M', MethodEntry(numbers={'rate': Number(-1.0, 0.0)}))",
            "the default of its number 'rate' must be at least 0, not -1.0.",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_told(plugin: Callable[..., Plugin], row: str, fault: str) -> None:
    """With the plug-in, the table and the name."""
    with pytest.raises(PluginError) as caught:
        methods_of(plugin(row), METHODS)
    assert str(caught.value) == f"mine.py: METHODS['mine']: {fault}"


@pytest.mark.parametrize(
    ("below", "fault"),
    [
        ("class Other: pass", "AttributeError: module 'mine' has no attribute 'Mine'."),
        ("def Mine(): raise KeyError('x')", "KeyError: 'x' (mine.py, line 6)."),
    ],
)
def test_a_class_that_cannot_be_made_is_told_when_it_is_needed(
    plugin: Callable[..., Plugin], below: str, fault: str
) -> None:
    """Not before: planning needs the table alone."""
    table = methods_with([plugin("MethodRow(':Mine', MethodEntry())", below)])
    with pytest.raises(PluginError) as caught:
        load_method(table["mine"])
    assert str(caught.value).removesuffix(" HARNESS_TRACEBACK=1 prints its traceback.") == (
        f"mine.py: cannot be used: {fault}"
    )
