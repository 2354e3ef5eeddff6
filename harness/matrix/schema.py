"""The matrix YAML as a typed value: the door through which it comes in.

Every item is checked on its own, against the vocabulary that travels in pydantic's validation context, so
that all faults of a file are found in one reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from harness.errors import Fault, did_you_mean
from harness.files import is_plain_name
from harness.matrix.cell import Shots, Views
from harness.matrix.launching import NO_OPTIONS, Launching, launching_faults, read_launching
from harness.matrix.protocol import PROTOCOLS
from harness.matrix.vocabulary import Vocabulary
from harness.matrix.yaml_file import Path_, YamlFile

LogitsRule = Literal["auto", "always", "never"]  # whether logits of test images are kept
# Folders of results/ that belong to all matrices, and what they hold.
RESERVED_NAMES = {
    "records": "the records of all matrices",
    "prompts": "imported prompts",
    "tracking": "what was mirrored",
}


def _names(info: ValidationInfo, kind: str) -> tuple[str, ...]:
    vocabulary: Vocabulary = (info.context or {})["vocabulary"]
    return {
        "dataset": tuple(vocabulary.datasets),
        "precision": vocabulary.precisions,
        "classes": vocabulary.classes,
        "target": (*vocabulary.datasets, *vocabulary.classes),
        "protocol": tuple(PROTOCOLS),
    }[kind]


def _known(kind: str) -> Callable[[Any, ValidationInfo], str]:
    """A validator that accepts the vocabulary's names of one kind."""

    def check(value: Any, info: ValidationInfo) -> str:
        names = _names(info, kind)
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"unknown {kind} {value!r}. {did_you_mean(value, names)}")
        return value

    return check


def _backbone(value: Any, info: ValidationInfo) -> str:
    vocabulary: Vocabulary = (info.context or {})["vocabulary"]
    if (what := vocabulary.backbones.fault(value)) is not None:
        raise ValueError(what)
    return value  # type: ignore[no-any-return]


def _shots(value: Any) -> Shots:
    if value == "all" or (_is_whole(value) and value >= 1):
        return value  # type: ignore[no-any-return]
    raise ValueError(f"must be a whole number above zero or all, not {value!r}.")


def _seed(value: Any) -> int:
    if _is_whole(value) and value >= 0:
        return value  # type: ignore[no-any-return]
    raise ValueError(f"must be a whole number, zero or more, not {value!r}.")


def _views(value: Any) -> Views:
    if value == "live" or (_is_whole(value) and value >= 0):
        return value  # type: ignore[no-any-return]
    raise ValueError(f"must be live, 0 (centre crop) or a number of fixed views, not {value!r}.")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(value: Any) -> Any:
    """A single value where a list may stand is a list of one."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _entry(value: Any) -> dict[str, Any]:
    """``zero_shot`` is short for ``{method: zero_shot}``."""
    if isinstance(value, str):
        return {"method": value}
    if _is_mapping(value):
        return value  # type: ignore[no-any-return]
    raise ValueError(f"must be a method's name or a mapping of axes, not {value!r}.")


def _is_mapping(value: Any) -> bool:
    """Whether a value names at least one axis, and nothing but axes."""
    return bool(value) and isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _pattern(value: Any) -> dict[str, Any]:
    if _is_mapping(value):
        return value  # type: ignore[no-any-return]
    raise ValueError(f"must be a mapping of axes, not {value!r}.")


def _file_name(value: str) -> str:
    if value in RESERVED_NAMES:
        raise ValueError(f"{value!r} is taken: the folder holds {RESERVED_NAMES[value]}.")
    if is_plain_name(value):
        return value
    raise ValueError(f"names a folder, so only letters, digits, '.', '_' and '-' may stand in it, not {value!r}.")


def _launching(value: Any, info: ValidationInfo) -> Launching:
    """The section's options; its faults are found by ``read_matrix_file``, which knows its lines."""
    vocabulary: Vocabulary = (info.context or {})["vocabulary"]
    return NO_OPTIONS if launching_faults(value, "", vocabulary.launchers) else read_launching(value)


def _axis(item: Any) -> Any:
    """The type of an axis: one or more items, each checked by ``item``."""
    return Annotated[tuple[item, ...], BeforeValidator(_listed)]


_Entry = Annotated[Any, AfterValidator(_entry)]
_Pattern = Annotated[Any, AfterValidator(_pattern)]
# Stands where an entry was at fault, so that those behind it keep their numbers.
LEFT_OUT: dict[str, Any] = {"": None}


class MatrixFile(BaseModel):
    """The keys that a matrix YAML may hold; axes are lists, a single value is a list of one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(_file_name)] | None = None
    description: str = ""
    datasets: _axis(Annotated[Any, AfterValidator(_known("dataset"))]) = ()  # type: ignore[valid-type]
    backbones: _axis(Annotated[Any, AfterValidator(_backbone)]) = ()  # type: ignore[valid-type]
    methods: _axis(_Entry) = ()  # type: ignore[valid-type]
    shots: _axis(Annotated[Any, AfterValidator(_shots)]) = ()  # type: ignore[valid-type]
    seeds: _axis(Annotated[Any, AfterValidator(_seed)]) = ()  # type: ignore[valid-type]
    classes: _axis(Annotated[Any, AfterValidator(_known("classes"))]) = ("all",)  # type: ignore[valid-type]
    evaluate_on: _axis(Annotated[Any, AfterValidator(_known("target"))]) = ()  # type: ignore[valid-type]
    precision: _axis(Annotated[Any, AfterValidator(_known("precision"))]) = ("fp32",)  # type: ignore[valid-type]
    protocol: _axis(Annotated[Any, AfterValidator(_known("protocol"))]) = ("coop",)  # type: ignore[valid-type]
    views: _axis(Annotated[Any, AfterValidator(_views)]) = ("live",)  # type: ignore[valid-type]
    recipe: dict[str, Any] = Field(default_factory=dict)
    fewer_shots: Literal["error", "allow"] = "error"
    tracking: str = "none"  # read by read_tracking, which leaves the name here
    logits: LogitsRule = "auto"
    launcher: Annotated[Launching, BeforeValidator(_launching)] = NO_OPTIONS
    data: str | None = None
    plugins: Any = ()  # read by read_plugins, which takes the key away
    include: _axis(_Pattern) = ()  # type: ignore[valid-type]
    exclude: _axis(_Pattern) = ()  # type: ignore[valid-type]


_ENTRIES = ("methods", "include", "exclude")
_REQUIRED = ("datasets", "backbones", "methods")


def read_matrix_file(
    file: YamlFile, vocabulary: Vocabulary, required: tuple[str, ...] = _REQUIRED
) -> tuple[MatrixFile, list[Fault]]:
    """The typed file, and its faults; what is at fault is left out of it so that the rest can be checked too."""
    context = {"vocabulary": vocabulary}
    faults = [
        Fault(file.where((key,)), f"the key {key!r} is missing.") for key in required if key not in file.content
    ]
    faults += [
        Fault(file.where((key,)), "is empty; give at least one value, or leave the key out.")
        for key, value in file.content.items()
        if value in ([], None)
    ]
    content = {key: value for key, value in file.content.items() if value is not None}
    if "launcher" in content:
        faults += launching_faults(content["launcher"], file.where(("launcher",)), vocabulary.launchers)
    try:
        return MatrixFile.model_validate(content, context=context), faults
    except ValidationError as error:
        details = error.errors()
    faults += [_fault(file, detail) for detail in details]
    return MatrixFile.model_validate(_without(content, [d["loc"] for d in details]), context=context), faults


def _fault(file: YamlFile, detail: Any) -> Fault:
    place: Path_ = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return Fault(file.where(place), f"unknown key. {did_you_mean(place[-1], tuple(MatrixFile.model_fields))}")
    if detail["type"] == "value_error":
        return Fault(file.where(place), str(detail["ctx"]["error"]))
    return Fault(file.where(place), f"{detail['msg'].lower()}, not {detail['input']!r}.")


def _without(content: dict[str, Any], places: list[Path_]) -> dict[str, Any]:
    """A copy without the items of axes, and without the other keys, that stand at ``places``."""
    kept: dict[str, Any] = {}
    for key, value in content.items():
        cut = {place[1] for place in places if place[0] == key and len(place) > 1}
        if isinstance(value, list) and cut and key in _ENTRIES:
            kept[key] = [LEFT_OUT if index in cut else item for index, item in enumerate(value)]
        elif isinstance(value, list) and cut:
            kept[key] = [item for index, item in enumerate(value) if index not in cut]
        elif not cut and (key,) not in places:
            kept[key] = value
    return kept
