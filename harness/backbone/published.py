"""What open_clip knows by name, read from its files; importing it would import torch.

Architectures are the JSON files of its folder ``model_configs``. Pretrained tags stand in its ``pretrained.py``, a
module that holds little but tables; its assignments are evaluated from the syntax tree, and nothing is executed.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import BackboneError, Fault

_OPENAI_HOST = "openaipublic"  # their addresses hold the SHA-256 of the file
_QUICK_GELU = "-quickgelu"  # the same architecture, and those of its tags that were trained with QuickGELU
_CONFIG_KEYS = frozenset({"embed_dim", "vision_cfg", "text_cfg"})


@dataclass(frozen=True, slots=True)
class Published:
    """Weights that open_clip knows by a tag.

    Attributes:
        repository: of the Hugging Face hub; empty where there is none.
        filenames: in the repository, the preferred one first.
        url: where else they are published; empty where there is no other place.
        quick_gelu: whether they were trained with QuickGELU.
        mean: per channel, subtracted from pixels in 0 .. 1.
        std: per channel, divides what is left.
        interpolation: how images are resized.
        resize_mode: ``shortest`` side or ``squash``.
    """

    repository: str
    filenames: tuple[str, ...]
    url: str
    quick_gelu: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    resize_mode: str

    @property
    def openai_digest(self) -> str | None:
        """The SHA-256 that OpenAI published; ``None`` for weights of others."""
        return self.url.split("/")[-2] if _OPENAI_HOST in self.url else None


Tables = Mapping[str, Mapping[str, Published]]


def open_clip_folder() -> Path:
    """Where open_clip is installed.

    Raises:
        BackboneError: it is not.
    """
    found = importlib.util.find_spec("open_clip")
    if found is None or found.origin is None:
        raise BackboneError(Fault("open_clip", "is not installed.", "Run `pip install open_clip_torch`."))
    return Path(found.origin).parent


def architectures() -> Mapping[str, Mapping[str, Any]]:
    """open_clip's model configurations by the name of the architecture."""
    return _configs(open_clip_folder() / "model_configs")


def published_weights() -> Tables:
    """From architecture and tag to the weights that open_clip knows.

    Raises:
        BackboneError: this version of open_clip writes its table in another way.
    """
    return _weights(open_clip_folder())


def openai_digests() -> frozenset[str]:
    """The SHA-256 of every file that OpenAI published."""
    rows = (row for rows in published_weights().values() for row in rows.values())
    return frozenset(row.openai_digest for row in rows if row.openai_digest is not None)


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A sentence with the nearest of many known names; empty when none is near."""
    by_fold = {_fold(word): word for word in known}
    near = difflib.get_close_matches(_fold(name), list(by_fold), n=count, cutoff=0.5)
    return f"Nearest: {', '.join(by_fold[word] for word in near)}. " if near else ""


def _fold(name: str) -> str:
    return name.lower().replace("-", "_")


@cache
def _configs(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return MappingProxyType({name: content for name, content in found.items() if content.keys() >= _CONFIG_KEYS})


@cache
def _weights(folder: Path) -> Tables:
    names = _assigned(folder / "constants.py", {})
    names = _assigned(folder / "pretrained.py", names)
    try:
        tables = {
            architecture: {tag: _published(row, names) for tag, row in rows.items()}
            for architecture, rows in names["_PRETRAINED"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        what = f"its table of pretrained weights in {folder} cannot be read: {type(error).__name__} {error}."
        raise BackboneError(Fault("open_clip", what, "Install open_clip_torch 3.3.")) from None
    for architecture, rows in list(tables.items()):
        quick = {tag: row for tag, row in rows.items() if row.quick_gelu}
        if quick:
            tables[architecture + _QUICK_GELU] = quick
    return MappingProxyType(tables)


def _published(row: Mapping[str, Any], names: Mapping[str, Any]) -> Published:
    repository, _, filename = row["hf_hub"].rpartition("/")
    if filename:
        filenames = (f"{filename.rpartition('.')[0]}.safetensors", filename)
    else:
        filenames = (names["HF_SAFE_WEIGHTS_NAME"], names["HF_WEIGHTS_NAME"])
    return Published(
        repository=repository,
        filenames=filenames,
        url=row["url"],
        quick_gelu=row.get("quick_gelu", False),
        mean=row["mean"],
        std=row["std"],
        interpolation=row["interpolation"],
        resize_mode=row["resize_mode"],
    )


def _assigned(file: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a module assigns to names, and for a function that returns a dict its defaults.

    What is no plain value, tuple or dict is passed over.
    """
    names = dict(known)
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        try:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    names[name] = _value(value, names)
                case ast.FunctionDef(name=name, args=arguments, body=[ast.Return(value=ast.Dict() as value)]):
                    defaults = zip(reversed(arguments.args), reversed(arguments.defaults), strict=False)
                    names[name] = _value(
                        value, {**names, **{arg.arg: _value(node, names) for arg, node in defaults}}
                    )
        except (KeyError, ValueError):
            continue
    return names


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Raises:
        KeyError: a name is not known.
        ValueError: it is more than constants, tuples, dicts and calls with keywords.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.Tuple(elts=items):
            return tuple(_value(item, names) for item in items)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {_value(key, names): _value(value, names) for key, value in pairs if key is not None}
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            base = {} if name == "dict" else names[name]
            if isinstance(base, dict) and all(keyword.arg for keyword in keywords):
                return {**base, **{str(keyword.arg): _value(keyword.value, names) for keyword in keywords}}
    raise ValueError(f"line {node.lineno} is no table")
