"""Long trainings leave where they stand, so that one that is killed goes on instead of beginning again."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from harness.backbone.clip import Clip
from harness.engine.sgd import Epoch, State
from harness.files import canonical_json, digest_text, write_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.provenance import package_versions
from harness.worker.materials import Draw

DEFAULT_EVERY_S = 120.0
_FOLDER = "unfinished"


def every_s() -> float:
    """Seconds between two states of one training: ``HARNESS_STATE_S``, else 120."""
    return float(os.environ.get("HARNESS_STATE_S") or DEFAULT_EVERY_S)


class Unfinished:
    """The states of one cell's training, each in the place of the one before.

    A state counts only for the very training that left it: the same cell, weights, images, packages and kind of
    device. Anything else begins anew.
    """

    def __init__(self, results: Path, cell: Cell, clip: Clip, draw: Draw, split_digest: str) -> None:
        """Nothing is read yet."""
        self._path = results / _FOLDER / f"{cell_id(cell)}.safetensors"
        self._clip = clip
        self._saved = time.monotonic()
        made_from = [
            cell.to_dict(), clip.weights_digest, clip.device.type, split_digest, draw.digest, draw.list_digest,
            draw.images_digest, package_versions(),
        ]  # fmt: skip
        self._key = digest_text(canonical_json(made_from))

    def read(self) -> State | None:
        """Where the training was broken off; ``None`` where there is no state, or none that counts."""
        try:
            with safe_open(self._path, framework="pt", device=str(self._clip.device)) as file:
                facts = file.metadata() or {}
                if facts.get("key") != self._key:
                    return None
                history = tuple(Epoch(**epoch) for epoch in json.loads(facts["history"]))
                return State(
                    file.get_tensor("context"), file.get_tensor("velocity"), history, float(facts["seconds"])
                )
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None

    def keep(self, state: Callable[[], State]) -> None:
        """Write where the training stands, if the last time is long enough ago; a full disk is no fault of it."""
        if time.monotonic() - self._saved < every_s():
            return
        self._saved = time.monotonic()
        now = state()
        facts = {
            "key": self._key,
            "history": json.dumps([asdict(epoch) for epoch in now.history]),
            "seconds": repr(now.seconds),
        }
        tensors = {"context": now.context.cpu().contiguous(), "velocity": now.velocity.cpu().contiguous()}
        try:
            write_bytes(self._path, save(tensors, metadata=facts))
        except OSError:
            return

    def forget(self) -> None:
        """Remove the state: the training is recorded."""
        self._path.unlink(missing_ok=True)
