"""The methods that are known by name; a method's module, which needs torch, is imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.matrix.vocabulary import Axis, MethodEntry

if TYPE_CHECKING:
    from harness.methods.method import Method


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A method: where its class is (``module:Class``) and which axes it reads.

    One that ``reads_results`` finds its input in the results folder.
    """

    target: str
    entry: MethodEntry
    reads_results: bool = False


METHODS: Mapping[str, MethodRow] = {
    "zero_shot": MethodRow(
        "harness.methods.zero_shot:ZeroShot",
        MethodEntry(axes={"template": Axis("template")}),
    ),
    "linear_probe": MethodRow(
        "harness.methods.linear_probe:LinearProbe",
        MethodEntry(reads=frozenset({"shots", "seed", "protocol"})),
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


def load_method(name: str, results: Path | None = None) -> Method:
    """The method of that name, ready to fit; ``results`` is where one finds its input that was not learned."""
    row = METHODS[name]
    module, _, attribute = row.target.partition(":")
    make = getattr(importlib.import_module(module), attribute)
    method: Method = make(results) if row.reads_results else make()
    return method
