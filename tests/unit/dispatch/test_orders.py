"""What signals order."""

import os
import signal
import threading

import pytest

from harness.dispatch.orders import Orders


def _send(*kinds: signal.Signals) -> None:
    for kind in kinds:
        os.kill(os.getpid(), kind)


@pytest.mark.parametrize(
    ("kinds", "finish", "stop", "code"),
    [
        ((), False, False, 0),
        ((signal.SIGINT,), True, False, 130),
        ((signal.SIGINT, signal.SIGINT), True, True, 130),
        ((signal.SIGTERM,), False, True, 143),
        ((signal.SIGHUP,), False, True, 143),
        ((signal.SIGINT, signal.SIGTERM), True, True, 143),
    ],
)
def test_signals_are_orders(kinds: tuple[signal.Signals, ...], finish: bool, stop: bool, code: int) -> None:
    """The first interrupt asks to finish, the second and a termination to stop; the first one is told."""
    told: list[int] = []
    with Orders(lambda: told.append(1)) as orders:
        _send(*kinds)
    assert (orders.finish, orders.stop, orders.exit_code) == (finish, stop, code)
    assert len(told) == finish


def test_handlers_are_put_back() -> None:
    """Behind the block signals mean what they meant before."""
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(kind) for kind in kinds]
    with Orders():
        assert [signal.getsignal(kind) for kind in kinds] != before
    assert [signal.getsignal(kind) for kind in kinds] == before


def test_what_is_ignored_stays_so() -> None:
    """A command under nohup outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Orders() as orders:
            _send(signal.SIGHUP)
        assert not orders.stop
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_hears_nothing() -> None:
    """Only the main thread may listen, and a test or a notebook may run commands in another."""
    heard: list[Orders] = []

    def listen() -> None:
        with Orders() as orders:
            heard.append(orders)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert len(heard) == 1
