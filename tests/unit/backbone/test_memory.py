"""How many classes a training step holds at a time."""

import pytest

from harness.backbone import memory
from harness.backbone.clip import Clip
from harness.backbone.memory import classes_at_once
from harness.backbone.prompts import Layout


def test_a_small_step_is_never_cut(tiny: Clip, layouts: list[Layout], monkeypatch: pytest.MonkeyPatch) -> None:
    """However little memory is free today, a small problem is computed in one piece, to the same bits."""
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1)
    assert classes_at_once(layouts, tiny, per_class=True, n_runs=1) is None


def test_a_large_step_is_cut_to_half_of_the_free_memory(
    tiny: Clip, layouts: list[Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More free memory means larger pieces, more runs at once smaller ones, and one class is the least."""
    monkeypatch.setattr(memory, "_NEVER_CUT_BYTES", 0)

    def at_once(free: float, n_runs: int = 1) -> int | None:
        monkeypatch.setattr(memory, "free_bytes", lambda device: int(free))
        return classes_at_once(layouts, tiny, per_class=True, n_runs=n_runs)

    assert at_once(1) == 1
    small, large = at_once(4e6), at_once(8e6)
    assert small is not None
    assert large is not None
    assert 1 < small < large < 20
    assert at_once(8e6, n_runs=2) == small
    assert at_once(1e12) is None


def test_free_memory_is_positive(tiny: Clip) -> None:
    """The device has some memory left."""
    assert memory.free_bytes(tiny.device) > 0
