"""What a job asks of a node, and how many such jobs the nodes of a Ray cluster hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.matrix.launching import Launching

_PARTS = 10_000  # of a GPU; Ray refuses finer ones

Resources = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Demand:
    """What Ray sets aside for a job: GPUs, in fractions below one, CPU cores, host memory where it is named."""

    gpus: float
    cpus: int
    memory_bytes: int | None

    def options(self) -> dict[str, Any]:
        """As Ray's tasks are given it."""
        memory = {} if self.memory_bytes is None else {"memory": self.memory_bytes}
        return {"num_gpus": self.gpus, "num_cpus": self.cpus, **memory}

    def fit(self, node: Resources) -> int:
        """How many such jobs a node holds."""
        counts = [int(node.get("CPU", 0) // self.cpus)]
        if self.memory_bytes is not None:
            counts.append(int(node.get("memory", 0) // self.memory_bytes))
        if 0 < self.gpus < 1:
            counts.append(
                int(node.get("GPU", 0)) * int(1 / self.gpus + 1e-9)
            )  # 1 / 0.1 and the like are not exact
        elif self.gpus:
            counts.append(int(node.get("GPU", 0) // self.gpus))
        return min(counts)

    def __str__(self) -> str:
        """As ``ray status`` words it."""
        memory = "" if self.memory_bytes is None else f", {self.memory_bytes / 1e9:g} GB memory"
        return f"{self.gpus:g} GPU, {self.cpus} CPU{memory}"


def demand_of(launching: Launching, nodes: Iterable[Resources]) -> Demand:
    """What a job asks for; one core, and a GPU where the cluster has any, where the options leave it open."""
    gpus = launching.gpus
    if gpus is None:
        gpus = 1.0 if any(node.get("GPU", 0) >= 1 for node in nodes) else 0.0
    elif 0 < gpus < 1:
        # Down, never up: a third of a GPU must fit three times.
        gpus = max(1, int(gpus * _PARTS + 1e-6)) / _PARTS
    memory_bytes = None if launching.memory_gb is None else int(launching.memory_gb * 1e9)
    return Demand(gpus, launching.cpus or 1, memory_bytes)


def describe(node: Resources) -> str:
    """What a node offers, in words."""
    memory_gb = node.get("memory", 0) / 1e9
    return f"{node.get('GPU', 0):g} GPU, {node.get('CPU', 0):g} CPU, {memory_gb:.0f} GB memory"
