"""The methods that are known by name; a method's module, which needs torch, is imported when it is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.matrix.cell import CELL_KEYS
from harness.matrix.vocabulary import Axis, MethodEntry
from harness.plugins.plugin import Plugin
from harness.plugins.tables import load_target, targeted_rows, with_rows

if TYPE_CHECKING:
    from harness.methods.method import Method


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A method: where its class is, and what is known of it without torch.

    Attributes:
        target: of a class or function that is called without arguments, ``module:Class``; in a plug-in also
            ``:Class`` for its own module, and ``.file:Class`` for a file beside it.
        entry: what a matrix may say of it.
        reads_results: whether the results folder is handed to the class, since its input lies there.
        needs_val: whether it cannot do without validation images.
        plugin: the name of the plug-in that it comes from; empty for the harness's own.
    """

    target: str
    entry: MethodEntry
    reads_results: bool = False
    needs_val: bool = False
    plugin: str = ""


MethodTable = Mapping[str, MethodRow]

METHODS: MethodTable = {
    "zero_shot": MethodRow(
        "harness.methods.zero_shot:ZeroShot",
        MethodEntry(axes={"template": Axis("template")}),
    ),
    "linear_probe": MethodRow(
        "harness.methods.linear_probe:LinearProbe",
        MethodEntry(reads=frozenset({"shots", "seed", "protocol"})),
        needs_val=True,
    ),
    "coop": MethodRow(
        "harness.methods.coop:CoOp",
        MethodEntry(
            reads=frozenset({"shots", "seed", "protocol", "views"}),
            # Defaults: CoOp (Zhou et al., IJCV 2022), section 4.1: 16 vectors, class name at the end.
            axes={
                "context": Axis("word", "unified", ("unified", "class_specific")),
                "n_ctx": Axis("count", 16),
                "class_token_position": Axis("word", "end", ("end", "middle", "front")),
                "ctx_init": Axis("text"),
            },
        ),
    ),
    "prompt": MethodRow(
        "harness.methods.prompt:Prompt",
        MethodEntry(
            reads=frozenset({"protocol"}),
            axes={
                "prompt": Axis("name"),
                "class_token_position": Axis("word", "end", ("end", "middle", "front")),
                "ctx_init": Axis("text"),
            },
        ),
        reads_results=True,
    ),
}

_READS = ("shots", "seed", "views", "protocol")
_KINDS = ("word", "count", "text", "template", "name")
# Axes that methods share: each means the same in all of them, as plans and tables count on.
_SHARED = {"template": Axis("template"), **METHODS["coop"].entry.axes}
# What a matrix and its tables use as keys beside axes.
_TAKEN = {"method", "methods", "label", "cell_id", "status", "accuracy", "macro_f1", "n_correct", "n_test", "n"}


def methods_of(plugin: Plugin, known: MethodTable) -> dict[str, MethodRow]:
    """The methods of a plug-in beside those that are ``known``.

    Raises:
        PluginError: with all that is wrong with them.
    """
    return targeted_rows(plugin, "METHODS", MethodRow, known, _faults)


def methods_with(plugins: Iterable[Plugin]) -> MethodTable:
    """All known methods, and those of plug-ins.

    Raises:
        PluginError: with all that is wrong with one of them.
    """
    return with_rows(METHODS, plugins, methods_of)


def load_method(row: MethodRow, results: Path | None = None) -> Method:
    """A row's method, ready to fit; ``results`` is where one finds its input that was not learned.

    Raises:
        PluginError: it is a plug-in's, and cannot be made.
    """
    method: Method = load_target(row.target, row.plugin, *((results,) if row.reads_results else ()))
    return method


def _faults(row: MethodRow) -> Iterator[str]:
    """What is wrong with a plug-in's row."""
    for read in sorted(row.entry.reads - {*_READS}):
        yield f"reads {read!r}, which is none of {', '.join(_READS)}."
    version: object = row.entry.version
    if not isinstance(version, int):
        yield f"its version must be a whole number, not {version!r}."
    for axis_name, axis in row.entry.axes.items():
        for what in _axis_faults(axis_name, axis):
            yield f"its axis {axis_name!r} {what}"
    for number_name, number in row.entry.numbers.items():
        if (what_else := number.fault(number.default)) is not None:
            yield f"the default of its number {number_name!r} {what_else}"


def _axis_faults(name: str, axis: Axis) -> Iterator[str]:
    """What is wrong with an axis of a plug-in's method."""
    shared = _SHARED.get(name)
    if not name.isidentifier():
        yield "must have a name of letters, digits and '_'."
    elif shared is None and name in {*CELL_KEYS, *_TAKEN}:
        yield "has the name of something else in every cell; give it another."
    elif shared is not None and (axis.kind != shared.kind or not set(axis.allowed) <= set(shared.allowed)):
        yield f"is known to mean {shared.kind} {', '.join(shared.allowed)}; give another meaning another name."
    if axis.kind not in _KINDS:
        yield f"must be of the kind {', '.join(_KINDS)}, not {axis.kind!r}."
    elif axis.kind not in ("name", "text", "template") and (what := axis.fault(axis.default)) is not None:
        yield f"has a default that {what}"
