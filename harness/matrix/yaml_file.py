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

_DEEPEST = 20  # the deepest that a matrix holds is seven levels down
_MOST_VALUES = 100_000
_MOST = 2**53  # up to here a whole number is the same as a float
_SHOWN = 40  # letters of a value that cannot be read
# NUL ends a path for the operating system, and half of a surrogate pair has no UTF-8 bytes.
_UNFIT = re.compile("[\0\ud800-\udfff]")


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
        return f"{self.path}:{self.lines.get(known, 1)}: {self.prefix}{spell(place)}"


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
    except (FileNotFoundError, NotADirectoryError):
        raise MatrixError(Fault(str(path), "no such matrix file.", _elsewhere(path))) from None
    except IsADirectoryError:
        raise MatrixError(Fault(str(path), "is a folder, and no matrix file.", _those_in(path))) from None
    except OSError as error:
        raise MatrixError(Fault(str(path), f"cannot be read: {error.strerror}.")) from None
    except UnicodeDecodeError as error:
        what = f"is no text in UTF-8: byte {error.start + 1} is {error.object[error.start]:#04x}."
        raise MatrixError(Fault(str(path), what, "Save it as UTF-8.")) from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        loader = _Loader("")
        content = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise MatrixError(_syntax_fault(path, error)) from None
    except yaml.YAMLError as error:
        raise MatrixError(Fault(str(path), f"is not YAML: {error}.")) from None
    if not isinstance(content, dict):
        raise MatrixError(Fault(f"{path}:1", "must hold `key: value` lines at its top, such as `shots: [1, 2]`."))
    lines: dict[Path_, int] = {}
    _collect_lines(node, (), lines)
    return YamlFile(path, {str(key): value for key, value in content.items()}, lines)


class _Loader(yaml.SafeLoader):
    """YAML as its users read it: ``1e-3`` is a number, and a key that stands twice is a fault.

    A few lines of aliases can stand for more values than memory holds, or for a value inside itself, so all
    values are counted where they stand.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._counts: dict[yaml.Node, tuple[int, int]] = {}  # of a whole node: values, and levels below it

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _fault_at(event.start_mark, f"it is nested more than {_DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        assert node is not None  # only a file without a document has none, and does not come here
        if node not in self._counts:
            if isinstance(event, yaml.AliasEvent):
                raise _fault_at(event.start_mark, f"the alias *{event.anchor} stands for what it is part of")
            self._counts[node] = self._counted(node)
        self._depth -= 1
        n_values, n_levels = self._counts[node]
        if n_values > _MOST_VALUES or self._depth + n_levels > _DEEPEST:
            what = f"it holds more than {_MOST_VALUES:,} values or {_DEEPEST} levels once its aliases are followed"
            raise _fault_at(event.start_mark, what)
        return node

    def _counted(self, node: yaml.Node) -> tuple[int, int]:
        """How many values a node and all below it are, and how many levels."""
        if isinstance(node, yaml.ScalarNode):
            return 1, 1
        pairs = node.value if isinstance(node, yaml.MappingNode) else [(each, each) for each in node.value]
        below = [self._counts[value] for _, value in pairs]
        return 1 + sum(n for n, _ in below), 1 + max((n for _, n in below), default=0)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node; what a tag cannot be made of is a fault, whatever PyYAML raises there."""
        if not isinstance(node, yaml.ScalarNode):
            return super().construct_object(node, deep)
        if _UNFIT.search(node.value):
            raise _fault_at(node.start_mark, f"{node.value!r} holds a character that cannot be written")
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and not -_MOST <= value <= _MOST:
                raise OverflowError(f"{_MOST:,} is the most")
        except yaml.YAMLError:
            raise
        except Exception as error:
            tag = node.tag.rpartition(":")[2]
            what = f"{node.value[:_SHOWN]!r} cannot be read as {tag} ({error})"
            raise _fault_at(node.start_mark, what) from None
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault_at(key.start_mark, "a key must be a single word")
            if key.value in seen:
                raise _fault_at(key.start_mark, f"the key {key.value!r} stands twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# PyYAML follows YAML 1.1, where a float needs a dot; everybody writes 1e-3.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def _fault_at(mark: Any, what: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(None, None, what, mark)


def _syntax_fault(path: Path, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
    what = " ".join(filter(None, (error.context, error.problem)))
    return Fault(place, f"is not YAML: {what}.")


def _collect_lines(node: Any, place: Path_, lines: dict[Path_, int]) -> None:
    """Fill ``lines`` with the 1-based line of every value."""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*place, key.value)] = key.start_mark.line + 1
            _collect_lines(value, (*place, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect_lines(value, (*place, index), lines)


def _elsewhere(path: Path) -> str:
    """Sentences that say what can be written instead: matrices of the same folder, and those of the package."""
    there = _those_in(path.parent)
    names = tuple(packaged_matrices())
    if path.stem in names:
        return f"`--matrix {path.stem}` is the one that comes with harness. {there}".strip()
    if path.parent == Path() and not path.suffix:
        return f"Nor does harness come with one of that name. {did_you_mean(path, names)} {there}".strip()
    return there


def _those_in(folder: Path) -> str:
    """A sentence that names the matrices of a folder; empty where there are none."""
    found = sorted(str(file) for file in folder.glob("*.y*ml")) if folder.is_dir() else []
    return f"Matrices there: {', '.join(found)}." if found else ""
