"""Which draws a worker trains together."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.matrix.cell import Cell
from harness.worker import trainings

MakeCell = Callable[..., Cell]


def _materials(device: str, image_bytes: float | None) -> Any:
    split = SimpleNamespace(class_names=("a",) * 10, train=(None,) * 898)
    clip = SimpleNamespace(device=torch.device(device))
    return SimpleNamespace(clip=clip, split=split, image_bytes=image_bytes)


@pytest.mark.parametrize(
    ("device", "image_bytes", "sizes"),
    [
        ("cpu", None, [1, 1, 1, 1]),  # nothing is gained by more
        ("cuda", None, [1, 1, 1, 1]),  # a sixteenth of 16 MB is one image of 600 kB
        ("cuda", 100_000.0, [1, 1, 1, 1]),  # ten, which one draw has
        ("cuda", 50_000.0, [2, 2]),
        ("cuda", 192.0, [4]),
    ],
)
def test_draws_that_memory_holds_are_trained_together(
    make_cell: MakeCell, monkeypatch: pytest.MonkeyPatch, device: str, image_bytes: float | None, sizes: list[int]
) -> None:
    """On a GPU as many as the host has memory for, by the size of the images that were decoded so far."""
    monkeypatch.setattr(trainings, "available_bytes", lambda: 16_000_000)
    cells = [make_cell(seed=seed) for seed in range(4)]
    waves = list(trainings.waves(cells, _materials(device, image_bytes)))
    assert [len(wave) for wave in waves] == sizes
    assert [cell for wave in waves for draw in wave for cell in draw] == cells
