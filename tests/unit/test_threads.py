"""Work side by side."""

import threading

import pytest
import torch

from harness.cores import cpu_threads
from harness.threads import side_by_side

CPU = torch.device("cpu")


def test_results_come_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever piece ends first, results stand where their items stood."""
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    last = threading.Event()

    def work(number: int) -> int:
        if number == 3:
            last.set()
        else:
            assert last.wait(10)
        return -number

    assert side_by_side(work, range(4), CPU) == [0, -1, -2, -3]


def test_an_error_is_raised_where_the_work_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that fails does not fail in silence."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 // number, [1, 0, 1], CPU)


@pytest.mark.parametrize(("value", "expected"), [("3", 3), ("1", 1)])
def test_the_users_thread_count_is_obeyed(monkeypatch: pytest.MonkeyPatch, value: str, expected: int) -> None:
    """OMP_NUM_THREADS says how many cores are used."""
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert cpu_threads() == expected


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_other_values_mean_all_cores(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """What is no number of threads is passed over."""
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert cpu_threads() >= 1
