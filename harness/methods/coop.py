"""CoOp: learned context vectors in place of the words around a class name (Zhou et al., IJCV 2022)."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, check_lengths, reference_context_tokens, spoken
from harness.backbone.text import SharedPrompts
from harness.engine.schedule import cosine_with_warmup
from harness.engine.sgd import Batch, Progress, Run, Trained, train_together
from harness.errors import PromptError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.matrix.protocol import protocol_of
from harness.matrix.streams import stream
from harness.methods.context_prompts import (
    context_dtype,
    context_fit,
    context_layouts,
    require_same_classes,
    shared_prompts,
)
from harness.methods.method import Fit, Outcome, RunInputs, require_few_shot
from harness.shapes import Context
from harness.threads import side_by_side


class CoOp:
    """One context for all classes, or one for each, trained with both towers frozen."""

    def __init__(self, start: Callable[[Cell, Clip, int], Context] | None = None) -> None:
        """``start`` gives the context before training, from cell, backbone and number of classes."""
        self._start = start or initial_context

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Raise PromptError when a prompt is longer than the text tower."""
        layouts = _layouts(cell, clip, class_names)
        if faults := check_lengths(class_names, layouts, clip.context_length):
            raise PromptError(faults)

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Raise DataError when every class has its own context and the target has other classes."""
        if _per_class(cell):
            require_same_classes(learned, target)

    def restore(self, inputs: RunInputs, context: Context) -> Fit:
        """The classifier of a context that was learned before."""
        return context_fit(inputs, context.to(inputs.clip.device, context_dtype(inputs.cell, inputs.clip)))

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        """The classifiers of the learned contexts; batches and views depend on (split, shots, seed) alone.

        All runs go through their epochs side by side, so that what one draw's variants see is encoded once.
        """
        waiting = [self._train(bundle) for bundle in _bundles(runs)]
        while waiting:
            happened = side_by_side(lambda bundle: next(bundle, None), waiting, runs[0].clip.device)
            for outcomes in happened:
                yield from outcomes or ()
            waiting = [bundle for bundle, news in zip(waiting, happened, strict=True) if news is not None]

    def _train(self, runs: Sequence[RunInputs]) -> Iterator[list[Outcome]]:
        """Train runs whose prompts are the same; after every epoch of each the outcomes that are new."""
        ended: set[int] = set()
        try:
            prompts = _prompts(runs[0], len(runs))
            scale = runs[0].clip.logit_scale
            for event in train_together([self._run(run) for run in runs], prompts.encode, scale, prompts.halve):
                if isinstance(event, Progress):
                    runs[event.run].on_epoch(event.epochs, event.state)
                    yield []
                    continue
                ended.add(event.run)
                outcome = event.outcome
                run = runs[event.run]
                yield [(run, outcome if isinstance(outcome, Exception) else _trained_fit(run, outcome, len(runs)))]
        except Exception as error:  # what breaks a bundle is the outcome of the runs that it had left
            traceback.print_exception(error)
            yield [(run, error) for number, run in enumerate(runs) if number not in ended]

    def _run(self, inputs: RunInputs) -> Run:
        recipe = inputs.cell.recipe_dict()
        context = self._start(inputs.cell, inputs.clip, len(inputs.class_names))
        return Run(context, _epochs(inputs), recipe["momentum"], recipe["weight_decay"], inputs.state)


def initial_context(cell: Cell, clip: Clip, n_classes: int) -> Context:
    """The context before training: embeddings of ``ctx_init``'s words, or normal noise.

    The noise is a function of the cell alone, its seed included, and is drawn on the CPU so that every device
    starts from the same vectors.
    """
    if cell.ctx_init is not None:
        context = clip.token_table[list(_init_tokens(cell, clip))].to(context_dtype(cell, clip))
        return context.expand(n_classes, -1, -1).clone() if _per_class(cell) else context
    generator = torch.Generator().manual_seed(stream("context", cell_id(cell), cell.seed))
    width = clip.token_table.shape[1]
    shape = (n_classes, cell.n_ctx, width) if _per_class(cell) else (cell.n_ctx, width)
    noise = torch.empty(shape).normal_(0.0, cell.recipe_dict()["init_std"], generator=generator)  # type: ignore[arg-type]
    return noise.to(clip.device, context_dtype(cell, clip))


def _per_class(cell: Cell) -> bool:
    """Whether every class has its own context; not with the words that the cell's protocol shares."""
    if cell.ctx_init is not None and protocol_of(cell).shares_words:
        return False
    return cell.context == "class_specific"


def _init_tokens(cell: Cell, clip: Clip) -> tuple[int, ...]:
    """The tokens that context vectors start from: all of the initial words, or the protocol's choice of them."""
    ctx_init = str(cell.ctx_init)
    if protocol_of(cell).cuts_prompts:
        return reference_context_tokens(ctx_init, clip.tokens)
    return clip.tokens(spoken(ctx_init))


def _layouts(cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> list[Layout]:
    return context_layouts(cell, clip, class_names, _n_ctx(cell, clip))


def _n_ctx(cell: Cell, clip: Clip) -> int:
    return (cell.n_ctx if cell.ctx_init is None else len(_init_tokens(cell, clip))) or 0


def _bundles(runs: Sequence[RunInputs]) -> list[list[RunInputs]]:
    """Runs that are computed as one.

    On a GPU those with the same prompts are. On the CPU every run is computed alone: kernels for larger matrices
    add up in another order, and a cell's result must not depend on its company to the last bit.
    """
    bundles: dict[object, list[RunInputs]] = {}
    for number, run in enumerate(runs):
        cell = run.cell
        same = (cell.context, cell.n_ctx, cell.class_token_position, cell.ctx_init, cell.protocol)
        bundles.setdefault(number if run.clip.device.type == "cpu" else same, []).append(run)
    return list(bundles.values())


def _prompts(run: RunInputs, n_runs: int) -> SharedPrompts:
    """The prompts that ``n_runs`` runs have alike."""
    return shared_prompts(run, _n_ctx(run.cell, run.clip), _per_class(run.cell), n_runs)


def _trained_fit(inputs: RunInputs, trained: Trained, n_together: int) -> Fit:
    details: dict[str, Any] = {"trained_together": n_together, "notes": list(trained.notes)}
    if inputs.state is not None:
        details["went_on_after_epoch"] = len(inputs.state.history)
    fit = context_fit(inputs, trained.context)
    return replace(fit, history=trained.history, details=details, seconds=trained.seconds)


def _epochs(inputs: RunInputs) -> Iterator[tuple[float, Iterator[Batch]]]:
    """Learning rate and batches of every epoch that is still to come."""
    few_shot, recipe = require_few_shot(inputs), inputs.cell.recipe_dict()
    views, labels = inputs.cell.views, few_shot.labels
    if inputs.batches is None:
        raise TypeError(f"{inputs.cell.method} trains in batches and was given none")
    first = 0 if inputs.state is None else len(inputs.state.history)
    for epoch in range(first, recipe["epochs"]):
        lr = cosine_with_warmup(
            epoch, recipe["epochs"], recipe["lr"], recipe["warmup_epochs"], recipe["warmup_lr"]
        )
        features = few_shot.view("live" if views is None else views, epoch, recipe["epochs"])
        batches = inputs.batches(len(few_shot), recipe["batch_size"], epoch)
        yield lr, zip([features[batch] for batch in batches], [labels[batch] for batch in batches], strict=True)
