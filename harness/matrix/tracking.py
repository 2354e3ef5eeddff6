"""Where a matrix is mirrored to: the tracker, and whose project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from harness.errors import Fault, did_you_mean
from harness.matrix.yaml_file import YamlFile

TrackerName = Literal["none", "wandb", "tensorboard"]
TRACKERS: tuple[TrackerName, ...] = get_args(TrackerName)
_KEYS = ("project", "entity")
_NAME = re.compile(r"[^/\\#?%:\s](?:[^/\\#?%:]{0,126}[^/\\#?%:\s])?")  # what W&B takes


class Tracking(BaseModel):
    """A tracker and its options.

    Attributes:
        tracker: its name.
        project: of W&B; ``None`` leaves it to wandb's own settings, and then to ``harness``.
        entity: the W&B user or team; ``None`` leaves it to wandb's own settings, and then to the login.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracker: TrackerName = "none"
    project: str | None = None
    entity: str | None = None

    def by(self, tracker: TrackerName | None) -> Tracking:
        """The same under another tracker; ``None`` keeps it, and options stay with the one they belong to."""
        return self if tracker is None or tracker == self.tracker else Tracking(tracker=tracker)


UNTRACKED = Tracking()


def read_tracking(file: YamlFile) -> tuple[YamlFile, Tracking, list[Fault]]:
    """What ``tracking:`` says: the name of a tracker, or ``{wandb: {project: P, entity: E}}``.

    Returns:
        The file with the tracker's name in the place of a mapping, the choice, and its faults.
    """
    written = file.content.get("tracking")
    if written is None:
        return file, UNTRACKED, []
    name, options = written, None
    place: tuple[str, ...] = ("tracking",)
    if isinstance(written, dict) and len(written) == 1:
        ((name, options),) = written.items()
        place = ("tracking", str(name))
    if isinstance(name, dict):
        what = f"must name one tracker, such as `wandb` or `{{wandb: {{project: P}}}}`, not {written!r}."
        faults = [Fault(file.where(place), what)]
    elif name not in TRACKERS:
        faults = [Fault(file.where(place), f"unknown tracker {name!r}. {did_you_mean(name, TRACKERS)}")]
    else:
        faults = [Fault(file.where((*place, *key)), what) for key, what in _option_faults(name, options)]
    choice = UNTRACKED if faults else Tracking(tracker=name, **(options or {}))
    content = {**file.content, "tracking": choice.tracker}
    return replace(file, content=content), choice, faults


def _option_faults(tracker: str, options: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with a tracker's options, each with the key at fault."""
    if options is None:
        return
    if not isinstance(options, dict):
        yield (), f"must be a mapping of {' and '.join(_KEYS)}, not {options!r}."
        return
    for key, value in options.items():
        if tracker != "wandb":
            yield (str(key),), f"{tracker} takes no options; {' and '.join(_KEYS)} are W&B's."
        elif key not in _KEYS:
            yield (str(key),), f"unknown key. {did_you_mean(key, _KEYS)}"
        elif not isinstance(value, str) or not _NAME.fullmatch(value):
            yield (
                (str(key),),
                rf"must be a name of up to 128 characters without any of / \ # ? % :, not {value!r}.",
            )
