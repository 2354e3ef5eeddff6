"""What signals order."""

import os
import signal
import sys
import threading
import time

import pytest

from harness.dispatch import orders as room
from harness.dispatch.orders import Orders, SignalledError, ended_by_signals


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


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_is_raised_once(kind: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends on its way out is not broken off by a second one, unless that takes too long."""
    before = signal.getsignal(kind)
    now_s = 100.0
    monkeypatch.setattr(room.time, "monotonic", lambda: now_s)
    with ended_by_signals():
        with pytest.raises(SignalledError) as raised:
            _send(kind)
        assert raised.value.exit_code == 143
        _send(kind)
        now_s += 60.0
        with pytest.raises(SignalledError):
            _send(kind)
    assert signal.getsignal(kind) == before


def test_an_interrupt_is_raised_every_time() -> None:
    """Who presses Ctrl-C again waits no longer."""
    with ended_by_signals():
        for _ in range(2):
            with pytest.raises(SignalledError) as raised:
                _send(signal.SIGINT)
            assert raised.value.exit_code == 130


@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_where_nothing_can_be_raised_is_not_lost(kind: signal.Signals, code: int) -> None:
    """Python drops what is raised while an object is deleted."""

    class Last:
        def __del__(self) -> None:
            _send(kind)

    def lose() -> None:
        Last()
        time.sleep(30)

    with ended_by_signals(), pytest.raises(SignalledError) as raised:
        lose()
    assert raised.value.exit_code == code


def test_what_else_python_drops_is_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only signals are given again."""
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(dropped.exc_type))

    class Broken:
        def __del__(self) -> None:
            raise ValueError

    with ended_by_signals():
        Broken()
    assert told == [ValueError]


def test_orders_go_before_what_is_raised() -> None:
    """While jobs run a termination is an order, and behind that it is raised again."""
    with ended_by_signals():
        with Orders() as orders:
            _send(signal.SIGTERM)
        assert orders.stop
        with pytest.raises(SignalledError):
            _send(signal.SIGTERM)
