"""CoOp from its first prompt to its last logit against the reference, in nine settings.

The loop is put together from the project's own parts; the order of the images and the random initial contexts
are the recording's. Training goes through the shared-prefix form of the text tower, the classifiers before and
after it through open_clip's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from support.golden_cases import COOP_CASES
from support.plain_prompts import plain_embeddings, plain_features
from torch import Tensor

from harness.backbone.clip import Clip
from harness.backbone.prompts import Layout, reference_context_tokens, reference_layout
from harness.backbone.text import SharedPrompts
from harness.engine.evaluate import Counts, evaluate
from harness.engine.schedule import cosine_with_warmup
from harness.engine.sgd import Ended, Epoch, Run, Trained, train_together
from harness.methods.text_classifier import TextClassifier
from harness.shapes import Context, Contexts, TextFeaturesOfRuns
from harness.store.record import ClassCount, RunRecord

Golden = Callable[[str], dict]
Labelled = dict[str, tuple[Tensor, Tensor]]
BATCH_SIZE, STEPS_PER_EPOCH = 8, 4


@dataclass(frozen=True, slots=True)
class Start:
    """What a recorded case starts from."""

    recorded: dict
    clip: Clip
    layouts: list[Layout]
    context: Context
    features: Labelled

    def classifier(self, context: Context) -> TextClassifier:
        """The predictor that a context makes."""
        with torch.no_grad():
            texts = plain_features(self.layouts, context, self.clip)
        return TextClassifier(texts, self.clip.logit_scale)


@dataclass(frozen=True, slots=True)
class Training:
    """A case after training: one row of history, one gradient and one context norm a step."""

    start: Start
    history: tuple[Epoch, ...]
    gradients: list[Tensor]
    context_norms: list[float]
    context: Context


@pytest.fixture(scope="session")
def start(
    golden: Golden, golden_clip: Callable[[str], Clip], golden_features: Callable[[str], Labelled]
) -> Callable[[str], Start]:
    """A recorded case before its first step."""

    @cache
    def build(name: str) -> Start:
        recorded = golden(name)
        model, config = recorded["model"], recorded["config"]
        clip, ctx_init = golden_clip(model), config["ctx_init"] or None
        n_ctx, position = config["n_ctx_config"], config["class_token_position"]
        layouts = [
            reference_layout(name, n_ctx, ctx_init, position, clip.tokens) for name in recorded["classnames"]
        ]
        if ctx_init:
            context = clip.token_table[list(reference_context_tokens(ctx_init, clip.tokens))]
        else:
            noise = np.random.default_rng(999).standard_normal(recorded["initial"]["ctx_shape"])
            context = torch.from_numpy((0.02 * noise).astype(np.float32))
        return Start(recorded, clip, layouts, context, golden_features(model))

    return build


@pytest.fixture(scope="session")
def training(start: Callable[[str], Start]) -> Callable[[str], Training]:
    """A recorded case after its last step; each step is given to the engine as an epoch of its own."""

    @cache
    def train(name: str) -> Training:
        before = start(name)
        optim = before.recorded["config"]["optim"]
        images, labels = before.features["train"]
        batches = list(zip(images.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True))
        rates = _rates(optim, optim["max_epoch"])
        prompts = SharedPrompts(before.layouts, before.clip, per_class=before.context.ndim == 3)
        gradients, context_norms = [], []

        def encode(contexts: Contexts) -> TextFeaturesOfRuns:
            context_norms.append(float(contexts.detach().double().norm()))
            contexts = contexts.view_as(contexts)  # a view, so that each step's gradient is seen by its own hook
            contexts.register_hook(lambda gradient: gradients.append(gradient.double()))
            return prompts.encode(contexts)

        epochs = [(rate, [batch]) for rate in rates for batch in batches]
        run = Run(before.context, epochs, optim["momentum"], optim["weight_decay"])
        *_, ended = train_together([run], encode, before.clip.logit_scale)
        assert isinstance(ended, Ended)
        assert isinstance(ended.outcome, Trained)
        trained = ended.outcome
        context_norms.append(float(trained.context.double().norm()))
        return Training(before, trained.history, gradients, context_norms[1:], trained.context)

    return train


def _rates(optim: dict, n_epochs: int) -> list[float]:
    """The learning rates of the first epochs."""
    warmup = (optim["warmup_epoch"], optim["warmup_cons_lr"])
    return [cosine_with_warmup(epoch, optim["max_epoch"], optim["lr"], *warmup) for epoch in range(n_epochs)]


@pytest.mark.parametrize("case", COOP_CASES)
def test_prompts_are_the_references(case: str, start: Callable[[str], Start]) -> None:
    """The initial context, the sum of every position of the prompts, and where they end."""
    before = start(case)
    recorded = before.recorded["initial"]
    assert list(before.context.shape) == recorded["ctx_shape"]
    _assert_summary(before.context, recorded["ctx_summary"], atol=1e-6)
    assert [len(layout) - 1 for layout in before.layouts] == before.recorded["eot_index"]
    sums = plain_embeddings(before.layouts, before.context, before.clip).sum(dim=-1)
    for ours, theirs, eot in zip(
        sums, recorded["prompt_embedding_sum"], before.recorded["eot_index"], strict=True
    ):
        np.testing.assert_allclose(ours[: eot + 1], theirs[: eot + 1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", COOP_CASES)
def test_untrained_classifier_is_the_references(case: str, start: Callable[[str], Start]) -> None:
    """Text features and logits of the initial context."""
    before = start(case)
    recorded, classifier = before.recorded["initial"], before.classifier(before.context)
    np.testing.assert_allclose(classifier.text_features, recorded["text_features"], rtol=0, atol=2e-5)
    logits = classifier.logits(before.features["test"][0])
    np.testing.assert_allclose(logits, recorded["test_logits"], rtol=0, atol=5e-4)


@pytest.mark.parametrize("case", COOP_CASES)
def test_learning_rates_are_the_references(case: str, start: Callable[[str], Start]) -> None:
    """The rate of every epoch, and the one that a next epoch would have had."""
    recorded = start(case).recorded
    optim = recorded["config"]["optim"]
    theirs = [*recorded["lr_per_epoch"], recorded["lr_after_last_epoch"]]
    assert _rates(optim, optim["max_epoch"] + 1) == pytest.approx(theirs, rel=1e-12, abs=0)


@pytest.mark.parametrize("case", COOP_CASES)
def test_every_step_is_the_references(case: str, training: Callable[[str], Training]) -> None:
    """Loss, accuracy on the batch, norm of the gradient and norm of the context after the step."""
    after = training(case)
    recorded = after.start.recorded
    losses = [step.loss for step in after.history]
    assert len(losses) == len(recorded["loss"]) == STEPS_PER_EPOCH * recorded["config"]["optim"]["max_epoch"]
    np.testing.assert_allclose(losses[:8], recorded["loss"][:8], rtol=0, atol=5e-4)
    np.testing.assert_allclose(losses, recorded["loss"], rtol=0, atol=1e-3)
    assert [100 * step.train_accuracy for step in after.history] == recorded["train_acc"]
    norms = [float(gradient.norm()) for gradient in after.gradients]
    np.testing.assert_allclose(norms, recorded["grad_norm"], rtol=5e-4)
    np.testing.assert_allclose(after.context_norms, recorded["ctx_norm_after_step"], rtol=0, atol=2e-5)


@pytest.mark.parametrize("case", COOP_CASES)
def test_first_gradient_is_the_references(case: str, training: Callable[[str], Training]) -> None:
    """Values and norm of the gradient of the first step, before weight decay."""
    after = training(case)
    summary = after.start.recorded["initial"]["first_step_grad_summary"]
    _assert_summary(after.gradients[0], summary, atol=5e-4)


@pytest.mark.parametrize("case", COOP_CASES)
def test_trained_classifier_is_the_references(case: str, training: Callable[[str], Training]) -> None:
    """Context, text features, logits, predictions, accuracy and macro-F1 after training."""
    after = training(case)
    recorded, classifier = after.start.recorded["final"], after.start.classifier(after.context)
    images, labels = after.start.features["test"]
    np.testing.assert_allclose(after.context, recorded["ctx"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(classifier.text_features, recorded["text_features"], rtol=0, atol=1e-4)
    logits = classifier.logits(images)
    np.testing.assert_allclose(logits, recorded["test_logits"], rtol=0, atol=2e-3)
    assert logits.argmax(dim=1).tolist() == recorded["test_argmax"]
    counts = evaluate(classifier.logits, images, labels, len(recorded["text_features"]))
    assert 100 * sum(counts.n_correct) / sum(counts.n_test) == recorded["test_accuracy"]
    assert 100 * _macro_f1(counts) == pytest.approx(recorded["test_macro_f1"], rel=1e-12)


def _macro_f1(counts: Counts) -> float | None:
    """Macro-F1 as records give it."""
    columns = zip(counts.n_test, counts.n_correct, counts.n_predicted, strict=True)
    rows = tuple(ClassCount(name="", n_test=n, n_correct=c, n_predicted=p) for n, c, p in columns)
    return RunRecord.model_construct(status="done", per_class=rows).macro_f1


def _assert_summary(values: Tensor, summary: dict, atol: float) -> None:
    """First and last values, sum and norm."""
    flat = values.double().ravel()
    np.testing.assert_allclose(flat[:8], summary["first8"], rtol=0, atol=atol)
    np.testing.assert_allclose(flat[-8:], summary["last8"], rtol=0, atol=atol)
    assert float(flat.norm()) == pytest.approx(summary["norm"], rel=1e-5)
    assert float(flat.sum()) == pytest.approx(summary["sum"], rel=0, abs=1e-3)
