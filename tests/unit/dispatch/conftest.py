"""Stand-ins for the engines that jobs are given to."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


class RayError(Exception):
    """Whatever Ray says of a task that it lost."""


class TaskCancelledError(RayError):
    """A task that was cancelled."""


class FakeTask(threading.Thread):
    """A task: a thread, into which a cancellation comes as it comes into Ray's process, between two steps."""

    def __init__(self, do: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any]) -> None:
        super().__init__(daemon=True)
        self.do, self.arguments, self.options = do, arguments, dict(options)
        self.result: Any = None
        self.error: Exception | None = None

    def run(self) -> None:
        """Do it."""
        try:
            self.result = self.do(*self.arguments)
        except KeyboardInterrupt:
            self.error = TaskCancelledError()
        except RayError as error:
            self.error = error

    @property
    def is_ready(self) -> bool:
        """Whether it has ended; a task that was never started has not."""
        return self.ident is not None and not self.is_alive()

    def cancel(self) -> None:
        """Raise KeyboardInterrupt in it, or see that it never starts."""
        if self.ident is None:
            self.do = self._interrupted
            self.start()
        elif self.is_alive():
            interrupt = ctypes.py_object(KeyboardInterrupt)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), interrupt)

    def _interrupted(self, *_: Any) -> None:
        raise KeyboardInterrupt


class FakeRemoteFunction:
    """What ``ray.remote`` makes of a function."""

    def __init__(self, ray: FakeRay, do: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.ray, self.do, self._options = ray, do, options

    def options(self, **options: Any) -> FakeRemoteFunction:
        """The function with these options."""
        return FakeRemoteFunction(self.ray, self.do, options)

    def remote(self, *arguments: Any) -> FakeTask:
        """A call of it, begun unless tasks are held back."""
        task = FakeTask(self.do, arguments, self._options)
        self.ray.tasks.append(task)
        if not self.ray.holds_tasks:
            task.start()
        return task


class FakeRay(ModuleType):
    """The calls of Ray that are used, on a cluster without processes of its own."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.living: list[dict[str, float]] = [{"CPU": 2.0, "memory": 8e9}]
        self.dead: list[dict[str, float]] = []
        self.holds_tasks = False
        self.init_error: Exception | None = None
        self.inits: list[dict[str, Any]] = []
        self.tasks: list[FakeTask] = []
        self.cancelled: list[tuple[FakeTask, bool]] = []
        self.n_shutdowns = 0
        self.by_value: list[str] = []
        self.exceptions = ModuleType("ray.exceptions")
        self.exceptions.RayError = RayError  # type: ignore[attr-defined]
        self.exceptions.TaskCancelledError = TaskCancelledError  # type: ignore[attr-defined]
        self.cloudpickle = ModuleType("ray.cloudpickle")
        self.cloudpickle.register_pickle_by_value = (  # type: ignore[attr-defined]
            lambda module: self.by_value.append(module.__name__)
        )
        self.cloudpickle.unregister_pickle_by_value = (  # type: ignore[attr-defined]
            lambda module: self.by_value.remove(module.__name__)
        )

    def init(self, **options: Any) -> None:
        """Connect, or fail as told."""
        self.inits.append(options)
        if self.init_error is not None:
            raise self.init_error

    def shutdown(self) -> None:
        """Count it."""
        self.n_shutdowns += 1

    def nodes(self) -> list[dict[str, Any]]:
        """Those that live, then those that do not."""
        all_nodes = [(True, node) for node in self.living] + [(False, node) for node in self.dead]
        return [
            {"NodeID": str(number), "Alive": is_alive, "Resources": node}
            for number, (is_alive, node) in enumerate(all_nodes)
        ]

    def remote(self, do: Callable[..., Any]) -> FakeRemoteFunction:
        """A function that can be called on a node."""
        assert self.by_value == ["harness.dispatch.remote"]
        return FakeRemoteFunction(self, do, {})

    def wait(
        self, tasks: Sequence[FakeTask], num_returns: int = 1, timeout: float = 0
    ) -> tuple[list[FakeTask], list[FakeTask]]:
        """Those that have ended, and those that have not."""
        for task in tasks if timeout else ():
            if task.ident is not None:
                task.join(timeout)
        ready = [task for task in tasks if task.is_ready]
        return ready, [task for task in tasks if task not in ready]

    def get(self, task: FakeTask) -> Any:
        """What came of a task that has ended."""
        assert task.is_ready
        if task.error is not None:
            raise task.error
        return task.result

    def cancel(self, task: FakeTask, force: bool = False, recursive: bool = True) -> None:
        """Interrupt it."""
        self.cancelled.append((task, force))
        task.cancel()


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    """A stand-in that is imported in Ray's place; variables that are set for Ray are gone after the test."""
    ray = FakeRay()
    strategies = ModuleType("ray.util.scheduling_strategies")
    strategies.NodeAffinitySchedulingStrategy = (  # type: ignore[attr-defined]
        lambda node, soft: (node, soft)
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.util", ModuleType("ray.util"))
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", strategies)
    for name in (
        "RAY_ADDRESS",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO",
        "RAY_AUTH_MODE",
        "RAY_AUTH_TOKEN",
        "RAY_AUTH_TOKEN_PATH",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER",
        "RAY_USAGE_STATS_ENABLED",
    ):
        monkeypatch.setenv(name, "")  # so that what the test leaves there is taken away again
        monkeypatch.delenv(name)
    return ray


@pytest.fixture
def start_task() -> Callable[..., FakeTask]:
    """Start a function in a thread that can be cancelled as Ray cancels."""

    def start(do: Callable[..., Any], *arguments: Any) -> FakeTask:
        task = FakeTask(do, arguments, {})
        task.start()
        return task

    return start


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Path]:
    """A maker of job folders."""

    def make(name: str, code: str = "") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "job.json").write_text(code)
        return folder

    return make
