"""Commands in this process, with their output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.backbone import weights
from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.matrix.cell import Cell
from harness.matrix.matrix import read_matrix


@dataclass(frozen=True)
class Answer:
    """What a command answered: exit code, and what it wrote on stdout and stderr."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in an empty folder, without weights of the user, and see no GPU."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "CLIP_CACHE", str(tmp_path / "clip"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture
def harness(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """``harness`` with these arguments."""

    def call(*arguments: object) -> Answer:
        code = main([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """A matrix of zero-shot and two CoOp cells on digits."""
    path = tmp_path / "mine.yaml"
    path.write_text("backbones: tiny\ndatasets: digits\nshots: 1\nseeds: [1, 2]\nmethods: [zero_shot, coop]\n")
    return path


@pytest.fixture
def cells(matrix: Path) -> tuple[Cell, ...]:
    """The cells of that matrix."""
    return read_matrix(matrix, known_names()).cells
