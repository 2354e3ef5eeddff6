"""The device that a forecast is for, and which records were made on such a one."""

from __future__ import annotations

from dataclasses import dataclass

from harness.store.facts import Facts


@dataclass(frozen=True, slots=True)
class Machine:
    """One worker's device.

    Attributes:
        kind: ``cpu`` or ``cuda``.
        name: of the processor or of the GPU; empty where nothing tells it, which every device of the kind is then.
        threads: that the worker computes with on the CPU.
    """

    kind: str
    name: str
    threads: int

    def made(self, facts: Facts) -> bool:
        """Whether a record was made on such a device; one from before that was kept was not."""
        if facts.made_from is None or facts.spent is None:
            return False
        if facts.made_from.device.startswith("cpu") != (self.kind == "cpu"):
            return False
        return self.name in ("", facts.spent.processor if self.kind == "cpu" else facts.made_from.device)
