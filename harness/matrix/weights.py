"""Weights files that a matrix brings along: a cell knows them by a name, never by a path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import Fault, did_you_mean
from harness.matrix.vocabulary import BackboneNames, Vocabulary
from harness.matrix.yaml_file import Path_, YamlFile, beside


class WeightsSource(BaseModel):
    """One weights file of a matrix.

    Attributes:
        name: as cells and tables have it.
        architecture: open_clip's name of the architecture.
        file: absolute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    architecture: str
    file: str


def read_weights(
    file: YamlFile, vocabulary: Vocabulary
) -> tuple[YamlFile, Vocabulary, tuple[WeightsSource, ...], list[Fault]]:
    """The weights files that ``backbones:`` names.

    ``ARCHITECTURE:path/to/file`` is known as ``ARCHITECTURE:file``; ``{name, architecture, file}`` gives a name
    of one's own. Relative paths are relative to the YAML's folder.

    Returns:
        The file with names in the place of paths, the vocabulary with those names, the weights files, and faults.
    """
    written = file.content.get("backbones")
    entries = written if isinstance(written, list) else [written]
    names: list[Any] = []
    sources: dict[str, WeightsSource] = {}
    faults: list[Fault] = []
    for index, entry in enumerate(entries):
        place: Path_ = ("backbones", index) if isinstance(written, list) else ("backbones",)
        source = _source(file, place, entry, vocabulary.backbones, faults)
        names.append(entry if source is None else source.name)
        if source is not None:
            same = sources.setdefault(source.name, source)
            if same != source:
                what = f"{source.name} is the name of {same.file}, too; write `{{name, architecture, file}}`."
                faults.append(Fault(file.where(place), what))
    if not sources:
        return file, vocabulary, (), faults
    known = replace(vocabulary.backbones, well_known=(*vocabulary.backbones.well_known, *sources))
    content = {**file.content, "backbones": names if isinstance(written, list) else names[0]}
    return replace(file, content=content), replace(vocabulary, backbones=known), tuple(sources.values()), faults


def _source(
    file: YamlFile, place: Path_, entry: Any, known: BackboneNames, faults: list[Fault]
) -> WeightsSource | None:
    """The weights file of an entry; ``None`` for an entry that names none."""
    if isinstance(entry, str):
        architecture, path = known.file_of(entry) or ("", "")
        if not architecture or known.fault(entry) is not None:
            return None
        located = beside(file.path, path).absolute()
        return WeightsSource(name=f"{architecture}:{located.name}", architecture=architecture, file=str(located))
    if not isinstance(entry, dict):
        return None
    try:
        source = WeightsSource.model_validate(entry)
    except ValidationError as error:
        faults += [Fault(file.where((*place, *detail["loc"])), _said(detail)) for detail in error.errors()]
        name = entry.get("name")
        named = name if isinstance(name, str) else f"backbones[{place[-1]}]"
        return WeightsSource(name=named, architecture="", file="")
    located = beside(file.path, source.file).absolute()
    if known.fault(source.name) is None:
        what = f"{source.name} is the name of a known backbone; give this one another."
        faults.append(Fault(file.where((*place, "name")), what))
    if (fault := known.fault(f"{source.architecture}:./{located.name}")) is not None:
        faults.append(Fault(file.where((*place, "architecture")), fault))
    return source.model_copy(update={"file": str(located)})


def _said(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return f"unknown key. {did_you_mean(detail['loc'][0], tuple(WeightsSource.model_fields))}"
    if detail["type"] == "missing":
        return "is missing: weights of a matrix have a name, an architecture and a file."
    return f"must be words, not {detail['input']!r}."
