"""What the documents say of matrices: every YAML block can be read, and every word of the language is told."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.documents import ROOT, documents, fences, name_of

from harness.cli.vocabulary import known_names
from harness.errors import MatrixError
from harness.matrix.launching import Launching
from harness.matrix.matrix import read_matrix
from harness.matrix.protocol import PROTOCOLS
from harness.matrix.schema import MatrixFile
from harness.matrix.source import DatasetSource
from harness.matrix.tracking import TRACKERS, WandbOptions
from harness.matrix.weights import WeightsSource

BLOCKS = [
    pytest.param(fence.text, id=f"{name_of(document)}:{fence.line}")
    for document in documents()
    for fence in fences(document)
    if fence.language == "yaml"
]
# What the pieces that documents show are pieces of.
WHOLE = {
    "backbones": "tiny", "datasets": "digits", "shots": 1, "seeds": 1, "methods": "zero_shot"
}  # fmt: skip
MEANT_TO_FAIL = ("# typo.yaml", "# many.yaml", "# siglip.yaml")
PAGE = (ROOT / "docs" / "matrix.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_can_be_read(block: str, tmp_path: Path) -> None:
    """Each is a matrix, or the lines of one; where a line is shown in two ways, both are."""
    shutil.copytree(ROOT / "docs" / "examples", tmp_path, dirs_exist_ok=True)  # the plug-ins that some name
    starts = [match.start() for match in re.finditer(r"^tracking:", block, re.M)]
    pieces = [block] if len(starts) < 2 else [block[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    for number, piece in enumerate(pieces):
        path = tmp_path / f"block{number}.yaml"
        path.write_text(yaml.safe_dump(WHOLE | yaml.safe_load(piece)), encoding="utf-8")
        if block.startswith(MEANT_TO_FAIL):
            with pytest.raises(MatrixError):
                read_matrix(path, known_names())
        else:
            assert read_matrix(path, known_names()).cells


def _words() -> dict[str, set[str]]:
    """Every kind of word that may stand in a matrix, with those of the code."""
    vocabulary = known_names()
    axes = {name: axis for method in vocabulary.methods.values() for name, axis in method.axes.items()}
    numbers = [numbers for protocol in PROTOCOLS.values() for numbers in protocol.numbers.values()]
    return {
        "keys": set(MatrixFile.model_fields),
        "methods": set(vocabulary.methods),
        "axes": set(axes),
        "values of axes": {word for axis in axes.values() for word in axis.allowed},
        "protocols": set(PROTOCOLS),
        "recipe": {name for each in numbers for name in each},
        "launchers": {field.alias or name for name, field in Launching.model_fields.items()} - {"options"},
        "trackers": set(TRACKERS),
        "data sets": set(DatasetSource.model_fields),
        "backbones": set(WeightsSource.model_fields),
        "precisions": set(vocabulary.precisions),
        "classes": set(vocabulary.classes),
    }


def test_every_word_of_the_language_is_told() -> None:
    """Each stands between backticks on the page of the matrix."""
    assert {(kind, word) for kind, words in _words().items() for word in words if f"`{word}`" not in PAGE} == set()


def test_options_of_trackers_are_told() -> None:
    """They stand in the example of the key."""
    assert set(WandbOptions.model_fields) == set(re.findall(r"(\w+): [PE]\b", PAGE))


def test_defaults_of_recipes_are_right() -> None:
    """Beside every number stands what the protocol has; the epochs are told by shots."""
    written = dict(re.findall(r"^\| `(\w+)` \| (?:coop|linear_probe) \| ([^|]+) \|", PAGE, re.M))
    numbers: dict[str, Any] = {}
    for each in PROTOCOLS["coop"].numbers.values():
        numbers |= {name: number.default for name, number in each.items()}
    assert written.pop("epochs") == "50, 100 or 200 by shots"
    assert {epochs for _, epochs in PROTOCOLS["coop"].epochs_by_shots} == {50, 100, 200}
    assert {name: float(text) for name, text in written.items()} == {
        name: default for name, default in numbers.items() if name != "epochs"
    }


def test_every_variable_is_told() -> None:
    """Each HARNESS_ variable that the code reads has a line among the environment variables."""
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    read = {
        name
        for path in (ROOT / "harness").rglob("*.py")
        for name in re.findall(r"HARNESS_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8"))
    }
    assert read
    assert read == set(re.findall(r"^\| `(HARNESS_\w+)` \|", page, re.M))
