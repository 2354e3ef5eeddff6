"""Long trainings leave where they stand, so that one that is killed goes on instead of beginning again."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from harness.backbone.clip import Clip
from harness.engine.sgd import Epoch, State
from harness.environment import STATE_S
from harness.files import canonical_json, digest_text, parsed_json, write_bytes
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.provenance import package_versions
from harness.worker.materials import Draw

_LOOK_S = 2.0  # what a worker that is told to end may lose of a training, but for the epoch that it is in
_FOLDER = "unfinished"


class Unfinished:
    """The states of one cell's training, each in the place of the one before.

    A state counts only for the very training that left it: the same cell, weights, images, packages, plug-ins and
    kind of device. Anything else begins anew.
    """

    def __init__(
        self, results: Path, cell: Cell, clip: Clip, draw: Draw, split_digest: str, plugins: Mapping[str, str]
    ) -> None:
        """Nothing is read yet."""
        self._path = results / _FOLDER / f"{cell_id(cell)}.safetensors"
        self._clip = clip
        self._saved = self._looked = time.monotonic()
        self._latest: State | None = None
        made_from = [
            cell.to_dict(), clip.weights_digest, clip.device.type, split_digest, draw.digest, draw.list_digest,
            draw.images_digest, package_versions(), *([dict(plugins)] if plugins else []),
        ]  # fmt: skip
        self._key = digest_text(canonical_json(made_from))

    def read(self) -> State | None:
        """Where the training was broken off; ``None`` where there is no state, or none that counts."""
        try:
            with safe_open(self._path, framework="pt", device=str(self._clip.device)) as file:
                facts = file.metadata() or {}
                if facts.get("key") != self._key:
                    return None
                history = tuple(Epoch(**epoch) for epoch in parsed_json(facts["history"]))
                return State(
                    file.get_tensor("context"), file.get_tensor("velocity"), history, float(facts["seconds"])
                )
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None

    def keep(self, state: Callable[[], State]) -> None:
        """Write where the training stands, if the last time is long enough ago.

        It is remembered more often than it is written, for a worker that is told to end.
        """
        now = time.monotonic()
        if now - self._looked < min(_LOOK_S, STATE_S.value):
            return
        self._latest, self._looked = _on_host(state()), now
        if now - self._saved >= STATE_S.value:
            self.save()

    def save(self) -> None:
        """Write what is remembered; a full disk is no fault of the training."""
        now, self._latest = self._latest, None
        if now is None:
            return
        self._saved = time.monotonic()
        facts = {
            "key": self._key,
            "history": json.dumps([asdict(epoch) for epoch in now.history]),
            "seconds": repr(now.seconds),
        }
        tensors = {"context": now.context, "velocity": now.velocity}
        try:
            write_bytes(self._path, save(tensors, metadata=facts))
        except OSError:
            return

    def forget(self) -> None:
        """Remove the state: the training is recorded."""
        self._latest = None
        self._path.unlink(missing_ok=True)


def _on_host(state: State) -> State:
    """The state in memory that is not scarce."""
    return replace(state, context=state.context.cpu().contiguous(), velocity=state.velocity.cpu().contiguous())
