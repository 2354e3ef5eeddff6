"""Where a matrix is mirrored to: the tracker, and whose project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.errors import Fault, did_you_mean
from harness.matrix.yaml_file import YamlFile

_NAME = re.compile(r"[^/\\#?%:\s](?:[^/\\#?%:]{0,126}[^/\\#?%:\s])?")  # what W&B takes


def _wandb_name(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ValueError(rf"must be a name of up to 128 characters without any of / \ # ? % :, not {value!r}.")


class NoOptions(BaseModel):
    """Of a tracker that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WandbOptions(BaseModel):
    """See ``Tracking``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    project: Annotated[str | None, BeforeValidator(_wandb_name)] = None
    entity: Annotated[str | None, BeforeValidator(_wandb_name)] = None


@dataclass(frozen=True, slots=True)
class TrackerEntry:
    """What the parser needs of a tracker: the model of its options."""

    model: type[BaseModel] = NoOptions


TrackerNames = Mapping[str, TrackerEntry]

TRACKERS: TrackerNames = {
    "none": TrackerEntry(),
    "wandb": TrackerEntry(WandbOptions),
    "tensorboard": TrackerEntry(),
}


class Tracking(BaseModel):
    """A tracker and its options.

    Attributes:
        tracker: its name.
        project: of W&B; ``None`` leaves it to wandb's own settings, and then to ``harness``.
        entity: the W&B user or team; ``None`` leaves it to wandb's own settings, and then to the login.
        options: all those of a plug-in's tracker, as they are written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracker: str = "none"
    project: str | None = None
    entity: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    def by(self, tracker: str | None) -> Tracking:
        """The same under another tracker; ``None`` keeps it, and options stay with the one they belong to."""
        return self if tracker is None or tracker == self.tracker else Tracking(tracker=tracker)


UNTRACKED = Tracking()


def read_tracking(file: YamlFile, trackers: TrackerNames = TRACKERS) -> tuple[YamlFile, Tracking, list[Fault]]:
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
    elif not isinstance(name, str) or name not in trackers:
        faults = [Fault(file.where(place), f"unknown tracker {name!r}. {did_you_mean(name, tuple(trackers))}")]
    else:
        found = _option_faults(name, options or {}, trackers[name].model)
        faults = [Fault(file.where((*place, *key)), what) for key, what in found]
    choice = UNTRACKED if faults else _chosen(name, options or {})
    content = {**file.content, "tracking": choice.tracker}
    return replace(file, content=content), choice, faults


def _chosen(tracker: str, options: dict[str, Any]) -> Tracking:
    """A tracker with options that were found usable."""
    return Tracking(tracker=tracker, **(options if tracker in TRACKERS else {"options": options}))


def _option_faults(tracker: str, options: Any, model: type[BaseModel]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with a tracker's options, each with the key at fault."""
    known = tuple(field.alias or name for name, field in model.model_fields.items())
    if not isinstance(options, dict):
        yield (), f"must be a mapping of {' and '.join(known)}, not {options!r}."
        return
    if not known:
        for key in options:
            yield (str(key),), f"{tracker} takes no options."
        return
    try:
        model.model_validate(options)
    except ValidationError as error:
        order = {str(key): place for place, key in enumerate(options)}
        found = [
            (tuple(str(step) for step in detail["loc"][:1]), _said(detail, known)) for detail in error.errors()
        ]
        yield from sorted(found, key=lambda pair: order.get("".join(pair[0]), len(order)))


def _said(detail: Any, known: tuple[str, ...]) -> str:
    if detail["type"] == "extra_forbidden":
        return f"unknown key. {did_you_mean(detail['loc'][0], known)}"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    if detail["type"] == "missing":
        return "is missing."
    return f"{detail['msg'].lower()}, not {detail['input']!r}."
