"""A context that was imported, among the class names of any data set; nothing is learned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load

from harness.backbone.clip import Clip
from harness.backbone.context import usable_context
from harness.backbone.prompts import check_lengths, reference_context_tokens
from harness.errors import Fault, PromptError
from harness.files import digest_bytes
from harness.matrix.cell import Cell
from harness.matrix.protocol import protocol_of
from harness.methods.context_prompts import (
    context_dtype,
    context_fit,
    context_layouts,
    require_same_classes,
)
from harness.methods.method import Fit, Outcome, RunInputs, one_by_one
from harness.shapes import Context
from harness.store.prompts import PromptFacts, prompt_facts, read_prompt


@dataclass(frozen=True, slots=True)
class ImportedContext:
    """A context with what is known of it; ``digest`` is the file's SHA-256."""

    context: Context
    facts: PromptFacts
    digest: str


class Prompt:
    """The imported context that a cell names, as it is."""

    def __init__(self, results: Path) -> None:
        """``results`` is the folder that contexts were imported into."""
        self._results = results

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Raise PromptError with everything that keeps the context from standing among these class names."""
        faults = list(_faults(cell, self._read(cell), clip, class_names))
        if faults:
            raise PromptError(faults)

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Raise DataError when every class has its own context and the target has other classes."""
        if self._read(cell).context.ndim == 3:
            require_same_classes(learned, target)

    def restore(self, inputs: RunInputs, context: Context) -> Fit:
        """The classifier of that context, whatever the file holds today."""
        return context_fit(inputs, context.to(inputs.clip.device, context_dtype(inputs.cell, inputs.clip)))

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        """The classifiers of the contexts that the runs' cells name."""
        return one_by_one(runs, self._fit)

    def _fit(self, inputs: RunInputs) -> Fit:
        imported = self._read(inputs.cell)
        fit = self.restore(inputs, imported.context)
        return replace(fit, details={"prompt": imported.facts.summary()}, source_digest=imported.digest)

    def _read(self, cell: Cell) -> ImportedContext:
        name = prompt_name(cell)
        return context_of(read_prompt(self._results, name), f"prompt {name}")


def prompt_name(cell: Cell) -> str:
    """The name of the context that a cell evaluates."""
    return str(dict(cell.extras).get("prompt"))


def context_of(content: bytes, where: str) -> ImportedContext:
    """The context in a safetensors file.

    Raises:
        PromptError: the file is damaged, or does not hold one context and nothing else.
    """
    try:
        tensors = load(content)
    except (SafetensorError, ValueError) as error:
        raise PromptError(Fault(where, f"is not a whole safetensors file: {error}.")) from None
    if tensors.keys() != {"context"}:
        held = ", ".join(sorted(tensors)) or "nothing"
        raise PromptError(Fault(where, f"should hold one tensor, `context`, and holds {held}."))
    return ImportedContext(
        usable_context(tensors["context"], where), prompt_facts(content, where), digest_bytes(content)
    )


def _faults(cell: Cell, imported: ImportedContext, clip: Clip, class_names: tuple[str, ...]) -> Iterator[Fault]:
    """Everything that keeps a context from standing among class names, lengths of prompts last."""
    context, facts, where = imported.context, imported.facts, f"prompt {prompt_name(cell)}"
    n_ctx, width = context.shape[-2:]
    own_width = clip.token_table.shape[1]
    if width != own_width:
        what = f"its vectors have width {width}, and the text tower of {clip.name} has {own_width}."
        yield Fault(where, what, "Evaluate it with the backbone that it was learned with.")
    if context.ndim == 3:
        yield from _class_faults(imported, class_names, where)
    if facts.class_token_position not in (None, cell.class_token_position):
        what = f"was imported with class_token_position {facts.class_token_position}, "
        what += f"and the cell has {cell.class_token_position}."
        yield Fault(where, what, f"Write `class_token_position: {facts.class_token_position}` beside it.")
    if protocol_of(cell).cuts_prompts and facts.ctx_init not in (None, cell.ctx_init):
        what = f"started from the words {facts.ctx_init!r}, which decide where {cell.protocol} cuts prompts."
        yield Fault(where, what, f"Write `ctx_init: {facts.ctx_init}` beside it.")
    if protocol_of(cell).cuts_prompts and cell.ctx_init is not None:
        n_words = len(reference_context_tokens(cell.ctx_init, clip.tokens))
        if n_words != n_ctx:
            what = f"has {n_ctx} vectors, and {cell.protocol} has {n_words} for the words {cell.ctx_init!r}."
            yield Fault(where, what, "Leave ctx_init away, or write the words that it started from.")
    layouts = context_layouts(cell, clip, class_names, n_ctx)
    yield from check_lengths(class_names, layouts, clip.context_length)


def _class_faults(imported: ImportedContext, class_names: tuple[str, ...], where: str) -> Iterator[Fault]:
    """What is wrong with contexts of one class each, for these classes."""
    learned = imported.facts.class_names
    if len(imported.context) != len(class_names):
        what = f"holds contexts of {len(imported.context)} classes, and these are {len(class_names)}."
        yield Fault(where, what, "Class-specific contexts go with the classes that they were learned for.")
    elif learned and learned != class_names:
        pairs = zip(learned, class_names, strict=True)
        number, (theirs, ours) = next(pair for pair in enumerate(pairs, start=1) if len({*pair[1]}) > 1)
        what = (
            f"its context number {number} is of the class {theirs!r}, and class number {number} is {ours!r} here."
        )
        yield Fault(where, what, "Class-specific contexts go with the classes that they were learned for.")
