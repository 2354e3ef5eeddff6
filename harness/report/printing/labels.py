"""How rows are called: the method, and of its choices only those that tell its rows apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.matrix.template import readable
from harness.report.numbers.rows import RECIPE, Row
from harness.report.printing.templates import template_words

CONTEXT_LABELS = {"class_specific": "CSC"}
_WORDS = {"class_token_position": "{}", "n_ctx": "M={}", "views": "views {}", "protocol": "protocol {}"}


def labels(rows: Sequence[Row]) -> dict[Row, str]:
    """The printed label of each row: its method, then only what differs among the rows of that method."""
    differing = {method: differing_axes(rows, method) for method in {row.method for row in rows}}
    found = {row: _label(row, differing[row.method]) for row in rows}
    times = Counter(found.values())
    # Two ensembles of as many sentences read alike until they are spelled out.
    return {
        row: f"{label} ({readable(str(row.axis('template')))})"
        if times[label] > 1 and row.axis("template")
        else label
        for row, label in found.items()
    }


def differing_axes(rows: Sequence[Row], method: str) -> set[str]:
    """Axes with more than one value among the rows of ``method``."""
    spread = [dict(row.axes) for row in rows if row.method == method]
    names = {name for axes in spread for name in axes}
    return {name for name in names if len({repr(axes.get(name)) for axes in spread}) > 1}


def _label(row: Row, differing: set[str]) -> str:
    name = row.method_name
    if row.method == "prompt" and row.axis("prompt") is not None:
        name += f" {row.axis('prompt')}"
        differing = differing - {"prompt"}
    context = row.axis("context")
    if context is not None and (row.method == "coop" or "context" in differing):
        name += f" ({CONTEXT_LABELS.get(str(context), context)})"
    order = ["class_token_position", "n_ctx", "ctx_init", "views", "template", "protocol"]
    rest = sorted(differing - {*order, "context"})
    return ", ".join(
        filter(None, [name, *(axis_word(row, axis) for axis in [*order, *rest] if axis in differing)])
    )


def axis_word(row: Row, axis: str) -> str:
    """How one axis reads inside a label; empty when the row does not have it."""
    value = row.axis(axis)
    if axis == "ctx_init":
        return init_words(row) if row.axis("n_ctx") is not None else ""
    if axis == "n_ctx" and row.axis("ctx_init"):
        return ""  # the words of the init say how many there are
    if axis == "template":
        return "" if value is None else template_words(str(value))
    if axis.startswith(RECIPE):
        return "" if value is None else f"{axis.removeprefix(RECIPE)}={value}"
    if axis in _WORDS:
        return "" if value is None else _WORDS[axis].format(value)
    return f"{axis}={'none' if value is None else value}"


def init_words(row: Row) -> str:
    """How the initial context of a row reads."""
    init = row.axis("ctx_init")
    return f'init "{str(init).replace("_", " ")}"' if init else "random init"
