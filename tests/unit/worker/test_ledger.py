"""What cells take, measured."""

import time

import numpy as np

from harness.worker.ledger import Ledger, process_age_s


def test_time_is_cut_without_gaps() -> None:
    """What is taken adds up to the time since the beginning."""
    ledger = Ledger()
    parts = []
    for _ in range(3):
        time.sleep(0.01)
        parts.append(ledger.take().elapsed_s)
    assert min(parts) >= 0.01
    assert abs(sum(parts) - (time.monotonic() - ledger.began)) < 0.01


def test_what_is_shared_is_told_once() -> None:
    """The first cell of a draw has its decoding, the others have none."""
    ledger = Ledger()
    assert [ledger.once("a", 3.0), ledger.once("a", 3.0), ledger.once("b", 2.0)] == [3.0, 0.0, 2.0]
    assert Ledger().job != ledger.job


def test_the_peak_is_that_of_its_own_time() -> None:
    """Memory that was given back before does not count for what comes after."""
    ledger = Ledger()
    block = np.ones(100 << 20, dtype=np.uint8)
    del block
    first, second = ledger.take().peak_host_bytes, ledger.take().peak_host_bytes
    assert first is not None
    assert second is not None
    assert first - second > 80 << 20


def test_age_of_a_process_grows() -> None:
    """Seconds since it started."""
    before = process_age_s()
    time.sleep(0.05)
    assert 0.03 < process_age_s() - before < 5
