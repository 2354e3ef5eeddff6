"""Joining a Ray cluster, or starting one."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from harness.dispatch.orders import SignalledError, ended_by_signals
from harness.dispatch.ray_cluster import open_cluster
from harness.errors import MatrixError


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of somebody who listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("option", [None, "local"])
def test_cluster_of_the_runs_own_is_small_and_keeps_to_itself(fake_ray: Any, option: str | None) -> None:
    """No dashboard, no statistics for others, nothing but loopback, a token that is written nowhere."""
    cluster = open_cluster(option)
    assert cluster.address is None
    (options,) = fake_ray.inits
    assert (options["address"], options["include_dashboard"]) == ("local", False)
    assert (options["log_to_driver"], options["logging_level"]) == (False, 40)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64


def test_variables_of_the_user_stay(fake_ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody has set for Ray is left alone, and no token is made for who wants none or has one."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    open_cluster(None)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1"
    assert "RAY_AUTH_TOKEN" not in os.environ
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/of/the/user")
    open_cluster(None)
    assert "RAY_AUTH_TOKEN" not in os.environ


def test_cluster_that_is_there_is_joined_as_it_is(fake_ray: Any, listener: str) -> None:
    """Its size, its network and its token are its own."""
    assert open_cluster(listener).address == listener
    (options,) = fake_ray.inits
    assert options.keys() == {"address", "logging_level", "log_to_driver"}
    assert options["address"] == listener
    assert "RAY_AUTH_MODE" not in os.environ
    assert "RAY_AUTH_TOKEN" not in os.environ
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in os.environ
    assert os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"


def test_ray_address_is_taken_where_no_other_is_given(
    fake_ray: Any, listener: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable goes behind the option, and the word local sets it aside."""
    monkeypatch.setenv("RAY_ADDRESS", listener)
    assert open_cluster(None).address == listener
    assert open_cluster("auto").address == listener
    assert open_cluster("local").address is None
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert open_cluster(listener).address == listener
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    assert open_cluster(None).address == "auto"


@pytest.mark.parametrize("address", ["ray://head:10001", "http://head:8265", "head", ":6379", "head:port"])
@pytest.mark.parametrize("where", ["--ray-address", "RAY_ADDRESS"])
def test_address_of_another_form_is_a_mistake(
    fake_ray: Any, monkeypatch: pytest.MonkeyPatch, address: str, where: str
) -> None:
    """The message says where it was written, what is allowed, and Ray is not asked."""
    if where == "RAY_ADDRESS":
        monkeypatch.setenv(where, address)
    with pytest.raises(MatrixError, match=f"^{where}: must be auto, local or HOST:PORT .* not '{address}'"):
        open_cluster(None if where == "RAY_ADDRESS" else address)
    assert not fake_ray.inits


def test_address_where_nobody_listens_is_told_at_once(fake_ray: Any, listener: str) -> None:
    """Ray would try for a long time."""
    host = listener.replace("127.0.0.1", "localhost")
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with pytest.raises(
        MatrixError, match=rf"--ray-address: 127.0.0.1:{closed} cannot be joined: Connection refused\. "
    ):
        open_cluster(f"127.0.0.1:{closed}")
    assert not fake_ray.inits
    assert open_cluster(host).address == host


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        (None, RuntimeError("no room"), r"^--ray-address: a local Ray cluster could not be started: no room\.$"),
        (
            "auto",
            ConnectionError("nothing\n  found."),
            r"^--ray-address: auto cannot be joined: nothing found\. `ray ",
        ),
        (
            "listener",
            RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.9"),
            r"cannot be joined: Version mismatch: .* Ray: 2\.9\. Install the cluster's version of Ray here",
        ),
    ],
)
def test_what_ray_says_is_passed_on_with_what_to_do(
    fake_ray: Any, listener: str, address: str | None, error: Exception, message: str
) -> None:
    """Ray's own words stand in one line, and half a connection is not left behind."""
    fake_ray.init_error = error
    with pytest.raises(MatrixError, match=message):
        open_cluster(listener if address == "listener" else address)
    assert fake_ray.n_shutdowns == 1


def test_missing_package_names_the_extra(fake_ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for what is not installed says how to install it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        MatrixError, match=r"--launcher: ray is not installed\. `pip install 'coop-harness\[ray\]'`"
    ):
        open_cluster(None)


def test_sigterm_stays_with_who_had_it(fake_ray: Any) -> None:
    """Ray takes the signal for itself when it connects."""
    before = signal.getsignal(signal.SIGTERM)

    def take(**_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    fake_ray.init = take
    try:
        open_cluster(None)
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_termination_while_ray_starts_is_the_commands(fake_ray: Any) -> None:
    """Ray's own handler would exit with a status of Ray's; what it had started is ended."""

    def start(**_: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        os.kill(os.getpid(), signal.SIGTERM)

    fake_ray.init = start
    with ended_by_signals(), pytest.raises(SignalledError):
        open_cluster(None)
    assert fake_ray.n_shutdowns == 1


def test_nodes_are_those_that_live(fake_ray: Any) -> None:
    """A node that was lost offers nothing, though Ray remembers it."""
    fake_ray.dead = [{"CPU": 64.0}]
    assert [node["Resources"] for node in open_cluster(None).nodes()] == [{"CPU": 2.0, "memory": 8e9}]
