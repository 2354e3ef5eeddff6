"""CoOp: learned context vectors in place of the words around a class name (Zhou et al., IJCV 2022)."""

from collections.abc import Iterator

import torch

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, assemble, check_lengths, prompt_layout
from harness.engine.batches import epoch_batches
from harness.engine.schedule import cosine_with_warmup
from harness.engine.sgd import Batch, train_context
from harness.errors import PromptError
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id, stream
from harness.methods.method import Fit, RunInputs, require_few_shot
from harness.methods.text_classifier import TextClassifier
from harness.shapes import Context, TextFeatures


class CoOp:
    """One context for all classes, or one for each, trained with both towers frozen."""

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Raise PromptError when a prompt is longer than the text tower."""
        layouts = _layouts(cell, clip, class_names)
        if faults := check_lengths(class_names, layouts, clip.context_length):
            raise PromptError(faults)

    def fit(self, inputs: RunInputs) -> Fit:
        """The classifier of the learned context; batches and views depend on (split, shots, seed) alone."""
        cell, clip = inputs.cell, inputs.clip
        prompts = assemble(_layouts(cell, clip, inputs.class_names), clip)
        recipe = cell.recipe_dict()

        def text_features(context: Context) -> TextFeatures:
            return clip.encode_prompts(prompts.embeddings(context), prompts.eot_positions)

        trained = train_context(
            initial_context(cell, clip, len(inputs.class_names)),
            text_features,
            clip.logit_scale,
            _epochs(inputs),
            momentum=recipe["momentum"],
            weight_decay=recipe["weight_decay"],
            on_epoch=inputs.on_epoch,
        )
        with torch.no_grad():
            classifier = TextClassifier(text_features(trained.context), clip.logit_scale)
        return Fit(classifier, trained.history, trained.context)


def initial_context(cell: Cell, clip: Clip, n_classes: int) -> Context:
    """The context before training: embeddings of ``ctx_init``'s words, or normal noise.

    The noise is a function of the cell alone, its seed included, and is drawn on the CPU so that every device
    starts from the same vectors.
    """
    if cell.ctx_init is not None:
        context = clip.token_table[list(_init_tokens(cell, clip))]
        return context.expand(n_classes, -1, -1).clone() if _per_class(cell) else context
    generator = torch.Generator().manual_seed(stream("context", cell_id(cell), cell.seed))
    width = clip.token_table.shape[1]
    shape = (n_classes, cell.n_ctx, width) if _per_class(cell) else (cell.n_ctx, width)
    noise = torch.empty(shape).normal_(0.0, cell.recipe_dict()["init_std"], generator=generator)  # type: ignore[arg-type]
    return noise.to(clip.device)


def _per_class(cell: Cell) -> bool:
    return cell.context == "class_specific"


def _init_tokens(cell: Cell, clip: Clip) -> tuple[int, ...]:
    """Tokens of the initial words; a word of several tokens gives as many context vectors."""
    return clip.tokens(str(cell.ctx_init).replace("_", " "))


def _layouts(cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> list[Layout]:
    n_ctx = cell.n_ctx if cell.ctx_init is None else len(_init_tokens(cell, clip))
    return [prompt_layout(name, n_ctx or 0, str(cell.class_token_position), clip.tokens) for name in class_names]


def _epochs(inputs: RunInputs) -> Iterator[tuple[float, Iterator[Batch]]]:
    """Learning rate and batches of every epoch."""
    few_shot, recipe = require_few_shot(inputs), inputs.cell.recipe_dict()
    views = inputs.cell.views
    for epoch in range(recipe["epochs"]):
        lr = cosine_with_warmup(
            epoch, recipe["epochs"], recipe["lr"], recipe["warmup_epochs"], recipe["warmup_lr"]
        )
        features = few_shot.view("live" if views is None else views, epoch)
        batches = epoch_batches(len(few_shot), recipe["batch_size"], inputs.stream_names, epoch)
        yield lr, ((features[batch], few_shot.labels[batch]) for batch in batches)
