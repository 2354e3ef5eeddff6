"""A YAML file as plain values, with the line of every one of them; syntax faults name file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import Fault, MatrixError, did_you_mean
from harness.matrix.packaged import packaged_matrices

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What a YAML file says and where it says it."""

    path: Path
    content: dict[str, Any]
    lines: dict[Path_, int]
    prefix: str = ""

    def where(self, place: Path_) -> str:
        """``file:line: axis[index]`` of a value, or of the nearest thing around it that the file has."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        line = self.lines.get(known, 1)
        return f"{self.path}:{line}: {self.prefix}{spell(place)}" if place else f"{self.path}:{line}"


def spell(place: Path_) -> str:
    """``methods[1].context`` for ``("methods", 1, "context")``."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else str(step))
    return text


def beside(file: Path, written: str) -> Path:
    """A path that a file names: relative to the file's folder, absolute, or below a home folder."""
    try:
        return file.parent / Path(written).expanduser()
    except RuntimeError:  # ~NAME of somebody who has no account here
        return file.parent / written


def read_yaml(path: Path) -> YamlFile:
    """The mapping that the file holds.

    Raises:
        MatrixError: the file is missing or unreadable, is not YAML, repeats a key, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MatrixError(Fault(str(path), "no such matrix file.", _elsewhere(path))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MatrixError(Fault(str(path), f"cannot be read: {error}.")) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        loader = _Loader("")
        content = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise MatrixError(_syntax_fault(path, error)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MatrixError(Fault(str(path), f"is not YAML: {error}.")) from None
    if not isinstance(content, dict):
        raise MatrixError(Fault(f"{path}:1", "must hold `key: value` lines at its top, such as `shots: [1, 2]`."))
    lines: dict[Path_, int] = {}
    _collect_lines(node, (), lines, set())
    return YamlFile(path, {str(key): value for key, value in content.items()}, lines)


class _Loader(yaml.SafeLoader):
    """YAML as its users read it: ``1e-3`` is a number, and a key that stands twice is a fault."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key must be a single word", key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# PyYAML follows YAML 1.1, where a float needs a dot; everybody writes 1e-3.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def _syntax_fault(path: Path, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    what = " ".join(filter(None, (error.context, error.problem)))
    return Fault(place, f"is not YAML: {what}.")


def _collect_lines(node: Any, place: Path_, lines: dict[Path_, int], above: set[int]) -> None:
    """Fill ``lines`` with the 1-based line of every value; ``above`` guards against an alias to itself."""
    if node is None or id(node) in above:
        return
    lines.setdefault(place, node.start_mark.line + 1)
    inside = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*place, key.value)] = key.start_mark.line + 1
            _collect_lines(value, (*place, key.value), lines, inside)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect_lines(value, (*place, index), lines, inside)


def _elsewhere(path: Path) -> str:
    """Sentences that say what can be written instead: matrices of the same folder, and those of the package."""
    found = sorted(str(file) for file in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
    there = f" Matrices there: {', '.join(found)}." if found else ""
    names = tuple(packaged_matrices())
    if path.stem in names:
        return f"`--matrix {path.stem}` is the one that comes with harness.{there}"
    if path.parent == Path() and not path.suffix:
        return f"Nor does harness come with one of that name. {did_you_mean(path, names)}{there}"
    return there.strip()
