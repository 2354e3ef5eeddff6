"""The method itself, with the recorded batches and initial contexts, against the reference in nine settings."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from support.golden_cases import COOP_CASES
from torch import Tensor

from harness.backbone.clip import Clip
from harness.engine.evaluate import evaluate
from harness.features.few_shot import FewShotFeatures
from harness.matrix.cell import Cell
from harness.methods.coop import CoOp
from harness.methods.method import Fit, RunInputs

BATCH_SIZE = 8


class RecordedImages(FewShotFeatures):
    """The recording's training images: the same features in every epoch."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def view(self, views: object, epoch: int, n_epochs: int = 0) -> Tensor:
        """The features, whatever the epoch."""
        return self.images


def _cell(recorded: dict) -> Cell:
    """The recorded case as a cell."""
    config, optim = recorded["config"], recorded["config"]["optim"]
    recipe = {
        "epochs": optim["max_epoch"],
        "batch_size": BATCH_SIZE,
        "lr": optim["lr"],
        "momentum": optim["momentum"],
        "weight_decay": optim["weight_decay"],
        "warmup_epochs": optim["warmup_epoch"],
        "warmup_lr": optim["warmup_cons_lr"],
        "init_std": 0.02,
    }
    return Cell(
        dataset="recorded",
        backbone="recorded",
        method="coop",
        protocol="coop_ijcv2022",
        recipe=tuple(sorted(recipe.items())),
        shots="all",
        seed=1,
        views="live",
        context="class_specific" if config["csc"] else "unified",
        n_ctx=config["n_ctx_effective"],
        class_token_position=config["class_token_position"],
        ctx_init=config["ctx_init"] or None,
    )


@pytest.mark.parametrize("case", COOP_CASES)
def test_the_method_learns_what_the_reference_learns(
    case: str,
    golden: Callable[[str], dict],
    golden_clip: Callable[[str], Clip],
    golden_features: Callable[[str], dict[str, tuple[Tensor, Tensor]]],
) -> None:
    """Learning rates, losses of every epoch, context, logits, predictions and accuracy."""
    recorded = golden(case)
    features = golden_features(recorded["model"])
    cell = _cell(recorded)
    noise = np.random.default_rng(999).standard_normal(recorded["initial"]["ctx_shape"])
    start = torch.from_numpy((0.02 * noise).astype(np.float32))
    method = CoOp() if cell.ctx_init else CoOp(start=lambda *_: start)
    inputs = RunInputs(
        cell,
        golden_clip(recorded["model"]),
        tuple(recorded["classnames"]),
        few_shot=RecordedImages(*features["train"]),
        batches=lambda n, size, _: list(torch.arange(n).split(size)),
    )
    ((_, fit),) = method.fit([inputs])

    assert isinstance(fit, Fit)
    theirs = recorded["final"]
    assert [epoch.lr for epoch in fit.history] == pytest.approx(recorded["lr_per_epoch"], rel=1e-12, abs=0)
    losses = np.reshape(recorded["loss"], (len(fit.history), -1)).mean(axis=1)
    np.testing.assert_allclose([epoch.loss for epoch in fit.history], losses, rtol=0, atol=1e-3)
    np.testing.assert_allclose(fit.context, theirs["ctx"], rtol=0, atol=2e-5)
    images, labels = features["test"]
    predictor = fit.predictor(inputs.class_names)
    logits = predictor.logits(images)
    np.testing.assert_allclose(logits, theirs["test_logits"], rtol=0, atol=2e-3)
    assert logits.argmax(dim=1).tolist() == theirs["test_argmax"]
    counts = evaluate(predictor.logits, images, labels, logits.shape[1])
    assert 100 * sum(counts.n_correct) / sum(counts.n_test) == theirs["test_accuracy"]
