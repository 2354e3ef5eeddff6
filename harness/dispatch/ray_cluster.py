"""A Ray cluster: one that is there already, or one of this machine that lives as long as the run."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.errors import Fault, MatrixError

_ANSWER_S = 5.0  # Ray itself waits a minute for an address where nobody is
_OBJECTS_BYTES = 100 * 2**20  # nothing lies in Ray's object store; this is about the least that it takes

# What Ray reads as it is loaded or started; what the user has set stays.
_ALWAYS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # under `uv run` Ray would send the working folder to every node
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a job without GPUs sees none; unset, Ray warns of a change
}
_OF_A_LOCAL_CLUSTER = {
    # A Ray cluster listens on all addresses of a machine, but where it cannot have a second node, which this
    # variable is about, on the loopback address alone.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connection to a cluster.

    Attributes:
        ray: the package, connected; a process can have one connection.
        address: of the cluster that was joined, ``None`` of one that was started.
    """

    ray: Any
    address: str | None

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes that are alive, as Ray describes them."""
        return [node for node in self.ray.nodes() if node["Alive"]]

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        self.ray.shutdown()


def open_cluster(option: str | None) -> Cluster:
    """A connection to the cluster that ``--ray-address`` or else ``RAY_ADDRESS`` names, or to one that is started.

    Raises:
        MatrixError: Ray is not installed, the address is of a form that cannot be used, or nobody is there.
    """
    where, address = _address(option)
    for name, value in (_ALWAYS if address else {**_ALWAYS, **_OF_A_LOCAL_CLUSTER}).items():
        os.environ.setdefault(name, value)
    if address is None and os.environ["RAY_AUTH_MODE"] == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        # Otherwise Ray writes one into the home folder and says so at length.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray = _load()
    if address not in (None, "auto"):
        _require_answer(where, str(address))
    options: dict[str, Any] = {"address": address}
    if address is None:
        options = {"address": "local", "include_dashboard": False, "object_store_memory": _OBJECTS_BYTES}
    try:
        with _signals_kept():
            ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        ray.shutdown()
        raise MatrixError(_fault(where, address, error)) from None
    except BaseException:  # a signal, while processes of Ray's are there already
        ray.shutdown()
        raise
    return Cluster(ray, address)


def _address(option: str | None) -> tuple[str, str | None]:
    """Where the address was written, and the address; ``None`` for a cluster of this machine's own.

    Raises:
        MatrixError: it is of another form.
    """
    named = os.environ.get("RAY_ADDRESS")
    where = "RAY_ADDRESS" if named and option in (None, "auto") else "--ray-address"
    address = named if where == "RAY_ADDRESS" else option
    if address in (None, "", "local", "auto"):
        return where, None if address in (None, "", "local") else address
    host, _, port = str(address).rpartition(":")
    if "/" in str(address) or not host or not port.isdecimal():
        raise MatrixError(
            Fault(
                where,
                f"must be auto, local or HOST:PORT of the cluster's head, such as 10.0.0.1:6379, not {address!r}.",
                "Run the command on a node of the cluster; Ray's client (ray://) and its job server (http://) "
                "are not supported.",
            )
        )
    return where, address


def _load() -> Any:
    """The package.

    Raises:
        MatrixError: it is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        fault = Fault("--launcher", "ray is not installed.", "`pip install 'coop-harness[ray]'` brings it.")
        raise MatrixError(fault) from None
    return ray


def _require_answer(where: str, address: str) -> None:
    """Nothing, when somebody listens there.

    Raises:
        MatrixError: nobody does.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise MatrixError(_fault(where, address, error)) from None


def _fault(where: str, address: str | None, error: Exception) -> Fault:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(said.split()).rstrip(".")
    if address is None:
        return Fault(where, f"a local Ray cluster could not be started: {text}.")
    if "ersion mismatch" in text:
        mend = "Install the cluster's version of Ray here, in a Python of the cluster's version."
        return Fault(where, f"{address} cannot be joined: {text}.", mend)
    mend = (
        "`ray status` on its head says whether it runs; the command must run on a node of the cluster. Leave the "
    )
    mend += "address out, or write local, for a cluster that is started for the run."
    return Fault(where, f"{address} cannot be joined: {text}.", mend)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Give SIGTERM back to whoever had it: Ray takes it when it connects, and exits in its own way at one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    is_ended = False
    try:
        yield
    except SystemExit:  # what Ray's handlers raise; Ray itself leaves by errors
        is_ended = True
    finally:
        signal.signal(signal.SIGTERM, before)
    if is_ended:
        signal.raise_signal(signal.SIGTERM)
