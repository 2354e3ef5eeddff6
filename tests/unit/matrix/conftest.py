"""A small vocabulary, and readers of matrices that are written as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import MatrixError
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.vocabulary import Axis, BackboneNames, DatasetEntry, MethodEntry, Vocabulary


@pytest.fixture
def vocabulary() -> Vocabulary:
    """Three data sets, two backbones, and methods that read nothing, something and everything."""
    reads = frozenset({"shots", "seed", "protocol"})
    return Vocabulary(
        datasets={
            "digits": DatasetEntry("a digit {}.", 20),
            "imagenet": DatasetEntry("a photo of a {}.", 732),
            "unmeasured": DatasetEntry("one {}."),
        },
        backbones=BackboneNames(("tiny", "RN50:openai")),
        methods={
            "zero_shot": MethodEntry(axes={"template": Axis("template")}),
            "linear_probe": MethodEntry(reads=reads),
            "coop": MethodEntry(
                reads=reads | {"views"},
                axes={
                    "context": Axis("word", "unified", ("unified", "class_specific")),
                    "n_ctx": Axis("count", 16),
                    "class_token_position": Axis("word", "end", ("end", "middle", "front")),
                    "ctx_init": Axis("text"),
                },
            ),
            "plugin": MethodEntry(reads=reads, axes={"depth": Axis("count", 9)}),
        },
    )


@pytest.fixture
def matrix_file(tmp_path: Path) -> Path:
    """Where the matrix of a test stands."""
    return tmp_path / "mine.yaml"


@pytest.fixture
def read(matrix_file: Path, vocabulary: Vocabulary) -> Callable[[str], Matrix]:
    """A reader of a matrix that is given as text."""

    def read_text(text: str) -> Matrix:
        matrix_file.write_text(text, encoding="utf-8")
        return read_matrix(matrix_file, vocabulary)

    return read_text


@pytest.fixture
def faults(matrix_file: Path, read: Callable[[str], Matrix]) -> Callable[[str], list[str]]:
    """A finder of the faults of a matrix that is given as text, one string a fault, with ``F`` for its path."""

    def find(text: str) -> list[str]:
        with pytest.raises(MatrixError) as caught:
            read(text)
        return [str(fault).replace(str(matrix_file), "F") for fault in caught.value.faults]

    return find
