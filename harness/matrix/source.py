"""A data set that a matrix brings along: where it lies, in the words of the YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import Fault, did_you_mean
from harness.files import is_plain_name
from harness.matrix.cell import CLASSES
from harness.matrix.template import sentence_fault
from harness.matrix.vocabulary import DatasetEntry, Vocabulary
from harness.matrix.yaml_file import Path_, YamlFile, beside, spell

DEFAULT_TEMPLATE = "a photo of a {}."
_PATHS = ("folder", "data", "split", "class_names", "subset_file")


class DatasetSource(BaseModel):
    """One data set of a matrix; paths are absolute, or relative to the YAML's folder while it is being read.

    Attributes:
        name: as cells and tables have it.
        folder: any folder of images, a folder a class.
        split: a split file of CoOp's form, whose paths are relative to ``folder``.
        class_names: file of lines ``folder class name``.
        template: the hand-crafted prompt.
        like: a known data set whose layout, template and augmentation this one has, with a split of its own.
        data: the data root for ``like``; without it this is the known data set itself, under another name.
        subset_file: the images to train on, with ``{shots}`` and ``{seed}`` in its name, instead of a draw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    folder: str | None = None
    split: str | None = None
    class_names: str | None = None
    template: str | None = None
    like: str | None = None
    data: str | None = None
    subset_file: str | None = None


def read_sources(
    file: YamlFile, vocabulary: Vocabulary
) -> tuple[YamlFile, Vocabulary, tuple[DatasetSource, ...], list[Fault]]:
    """The data sets that ``datasets:`` describes rather than names.

    Returns:
        The file with names in the place of the descriptions, the vocabulary with those names, the descriptions,
        and their faults.
    """
    written = file.content.get("datasets")
    entries = written if isinstance(written, list) else [written]
    if not any(isinstance(entry, dict) for entry in entries):
        return file, vocabulary, (), []
    names, sources, faults = [], [], []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            names.append(entry)
            continue
        place: Path_ = ("datasets", index) if isinstance(written, list) else ("datasets",)
        source, found = _source(file, place, entry, vocabulary)
        faults += found
        sources.append(source)
        names.append(source.name)
    known = dict(vocabulary.datasets)
    known |= {source.name: _entry(source, vocabulary) for source in sources}
    content = {**file.content, "datasets": names}
    return replace(file, content=content), replace(vocabulary, datasets=known), tuple(sources), faults


def _source(
    file: YamlFile, place: Path_, entry: dict[Any, Any], vocabulary: Vocabulary
) -> tuple[DatasetSource, list[Fault]]:
    """The description with absolute paths, and all its faults; what is at fault is left out of it."""
    faults: list[Fault] = []
    usable = dict(entry)
    try:
        DatasetSource.model_validate(entry)
    except ValidationError as error:
        for detail in error.errors():
            key = detail["loc"][0]
            usable.pop(key, None)
            faults.append(Fault(file.where((*place, str(key))), _said(detail, key)))
    name = usable.get("name")
    if not is_plain_name(name):
        if "name" in usable:
            what = f"only letters, digits, '.', '_' and '-' may stand in a data set's name, not {name!r}."
            faults.append(Fault(file.where((*place, "name")), what))
        usable["name"] = spell(place)
    written = usable.get("subset_file") or ""
    for key in _PATHS:
        if usable.get(key) is not None:
            usable[key] = str(beside(file.path, usable[key]).absolute())
    source = DatasetSource.model_validate(usable)
    if not faults:
        faults = [Fault(file.where((*place, key)), what) for key, what in _contradictions(source, vocabulary)]
    for field in re.findall(r"\{([^{}]*)\}", written):
        if field not in ("shots", "seed"):
            what = f"only {{shots}} and {{seed}} may stand in it, not {{{field}}}."
            faults.append(Fault(file.where((*place, "subset_file")), what))
    return source, faults


def _said(detail: Any, key: object) -> str:
    if detail["type"] in ("extra_forbidden", "invalid_key"):
        return f"unknown key. {did_you_mean(key, tuple(DatasetSource.model_fields))}"
    if detail["type"] == "missing":
        return "is missing: every data set of a matrix has a name."
    return f"must be words, not {detail['input']!r}."


def _contradictions(source: DatasetSource, vocabulary: Vocabulary) -> Iterable[tuple[str, str]]:
    """What is wrong with a description, each with the key at fault."""
    own = [key for key in ("folder", "like") if getattr(source, key) is not None]
    if source.name in vocabulary.datasets:
        mend = "" if own else f" Such as `{{name: my_{source.name}, like: {source.name}, data: DIR}}`."
        yield "name", f"{source.name} is the name of a known data set; give this one another.{mend}"
    if len(own) == 2:
        yield "like", "stands beside `folder`; write one of the two."
    elif not own and source.name not in vocabulary.datasets:
        what = "is no known data set; write `folder: DIR` or `like: KNOWN` beside it"
        yield "name", f"{what}. {did_you_mean(source.name, tuple(vocabulary.datasets))}"
    if source.name in CLASSES:
        yield "name", f"{source.name} is a half of the classes; give the data set another name."
    if source.like is not None and source.like not in vocabulary.datasets:
        yield "like", f"unknown data set {source.like!r}. {did_you_mean(source.like, tuple(vocabulary.datasets))}"
    if source.like is not None and source.data is None and source.subset_file is None:
        yield "like", "needs `data: DIR`, the data root of this one, or `subset_file: FILE`, or both."
    goes_with = {"split": "folder", "class_names": "folder", "data": "like"}
    for key, other in goes_with.items():
        if getattr(source, key) is not None and getattr(source, other) is None:
            yield key, f"goes with `{other}`."
    if source.split is not None and source.class_names is not None:
        yield "class_names", "stands beside `split`, whose file has the class names."
    if source.template is not None and (what_else := sentence_fault(source.template)) is not None:
        yield "template", what_else


def _entry(source: DatasetSource, vocabulary: Vocabulary) -> DatasetEntry:
    """What the parser needs of the data set."""
    known = vocabulary.datasets.get(source.like or "")
    template = source.template or (DEFAULT_TEMPLATE if known is None else known.template)
    trains = known is None or known.trains
    return DatasetEntry(template, None, trains, source.like)
