"""The learning rate against that of the reference, epoch by epoch."""

import json
from pathlib import Path

import pytest

from harness.engine.schedule import cosine_with_warmup
from harness.matrix.protocol import COOP

GOLDEN = json.loads((Path(__file__).parent / "schedule.json").read_text(encoding="utf-8"))
CASES = {case["max_epoch"]: case for case in GOLDEN["cases"]}
EPOCHS = (50, 100, 200)


def test_golden_file_holds_all_cases() -> None:
    """The three numbers of epochs of the paper were recorded, every epoch of them."""
    assert {epochs: len(case["lr"]) for epochs, case in CASES.items()} == {epochs: epochs for epochs in EPOCHS}


@pytest.mark.parametrize("epochs", EPOCHS)
def test_schedule_is_the_references(epochs: int) -> None:
    """With the protocol's numbers the rate of every epoch is the reference's."""
    recipe = COOP.recipe("coop", "digits", 1)
    lr, warmup_epochs, warmup_lr = float(recipe["lr"]), int(recipe["warmup_epochs"]), float(recipe["warmup_lr"])
    rates = [cosine_with_warmup(epoch, epochs, lr, warmup_epochs, warmup_lr) for epoch in range(epochs)]
    assert rates == pytest.approx(CASES[epochs]["lr"], rel=1e-12, abs=0)
