"""Weights files that a matrix brings along."""

from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.errors import MatrixError
from harness.matrix.matrix import Matrix, read_matrix


def read(folder: Path, backbones: str) -> Matrix:
    """The matrix of a YAML with these backbones."""
    path = folder / "m.yaml"
    path.write_text(f"datasets: digits\nmethods: zero_shot\nbackbones:\n{backbones}")
    return read_matrix(path, known_names())


def faults(folder: Path, backbones: str) -> list[str]:
    """What is wrong with them, without the file's name."""
    with pytest.raises(MatrixError) as caught:
        read(folder, backbones)
    return [str(fault).removeprefix(f"{folder}/m.yaml:") for fault in caught.value.faults]


def test_a_file_is_known_without_its_folder(tmp_path: Path) -> None:
    """The cell has no path; the matrix says where the file lies, from the YAML's folder."""
    matrix = read(tmp_path, "  - ViT-B-32:weights/w.pt\n  - tiny\n")
    assert [cell.backbone for cell in matrix.cells] == ["ViT-B-32:w.pt", "tiny"]
    assert [source.file for source in matrix.weights] == [str(tmp_path / "weights/w.pt")]


def test_a_single_file_needs_no_list(tmp_path: Path) -> None:
    """``backbones: ARCHITECTURE:FILE`` is a list of one."""
    path = tmp_path / "m.yaml"
    path.write_text("datasets: digits\nmethods: zero_shot\nbackbones: ViT-B-32:./w.pt\n")
    matrix = read_matrix(path, known_names())
    assert (matrix.cells[0].backbone, len(matrix.weights)) == ("ViT-B-32:w.pt", 1)


def test_a_file_can_have_a_name_of_its_own(tmp_path: Path) -> None:
    """The name stands in the cell, and can be used in ``exclude``."""
    entry = "  - {name: birds, architecture: ViT-B-16, file: /somewhere/w.pt}\n"
    matrix = read(
        tmp_path, entry + "  - tiny\nexclude: {backbone: birds}\ninclude: {backbone: birds, classes: base}\n"
    )
    assert [(cell.backbone, cell.classes) for cell in matrix.cells] == [("tiny", "all"), ("birds", "base")]
    assert (matrix.weights[0].name, matrix.weights[0].file) == ("birds", "/somewhere/w.pt")


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    """Missing and unknown keys, taken names and unknown architectures, each with its line."""
    found = faults(
        tmp_path,
        "  - {name: a, architecture: ViT-B-166, file: w.pt}\n"
        "  - {name: tiny, architecture: ViT-B-16, file: w.pt}\n"
        "  - {name: b, architecture: ViT-B-16, fil: w.pt}\n"
        "  - {name: 3, architecture: ViT-B-16, file: w.pt}\n",
    )
    assert found[0].startswith("4: backbones[0].architecture: backbone 'ViT-B-166:./w.pt': unknown architecture")
    assert found[1:] == [
        "5: backbones[1].name: tiny is the name of a known backbone; give this one another.",
        "6: backbones[2].fil: unknown key. Did you mean 'file'? Known: name, architecture, file.",
        "6: backbones[2].file: is missing: weights of a matrix have a name, an architecture and a file.",
        "7: backbones[3].name: must be words, not 3.",
    ]


def test_two_files_of_one_name_are_a_fault(tmp_path: Path) -> None:
    """They could not be told apart in a table."""
    found = faults(tmp_path, "  - ViT-B-32:a/w.pt\n  - ViT-B-32:b/w.pt\n")
    assert (
        f"5: backbones[1]: ViT-B-32:w.pt is the name of {tmp_path}/a/w.pt, too; write "
        "`{name, architecture, file}`." in found
    )


def test_an_unknown_architecture_is_a_fault_of_its_line(tmp_path: Path) -> None:
    """A path does not make a name good."""
    assert faults(tmp_path, "  - ViT-B-166:./w.pt\n")[0].startswith(
        "4: backbones[0]: backbone 'ViT-B-166:./w.pt': unknown architecture 'ViT-B-166'. Nearest: ViT-B-16"
    )
