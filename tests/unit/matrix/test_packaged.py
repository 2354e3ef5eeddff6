"""The matrices that come with the package, and the names that stand for them."""

from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.errors import HarnessError
from harness.matrix import packaged
from harness.matrix.matrix import read_matrix
from harness.matrix.packaged import matrix_path, matrix_words, packaged_matrices


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_study_has_a_name(repository: Path) -> None:
    """A checkout names the files of ``experiments/``, whatever folder a command runs in."""
    found = {name: path.resolve() for name, path in packaged_matrices().items()}
    assert found == {path.stem: path for path in (repository / "experiments").glob("*.yaml")}
    assert "smoke" in found


def test_a_wheel_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder inside of the package comes first: what lies beside an installed package is somebody else's."""
    inside, beside = tmp_path / "harness" / "experiments", tmp_path / "experiments"
    for folder in (inside, beside):
        folder.mkdir(parents=True)
        (folder / f"{folder.parent.name}_own.yaml").touch()
    monkeypatch.setattr(packaged, "_FOLDERS", (inside, beside))
    assert packaged_matrices() == {"harness_own": inside / "harness_own.yaml"}


def test_name_stands_for_a_packaged_matrix() -> None:
    """A bare name is looked up, and a folder of that name is no matrix."""
    Path("smoke").mkdir()
    assert matrix_path("smoke") == packaged_matrices()["smoke"]


def test_an_existing_file_wins() -> None:
    """What the user has at that path is meant, even when a packaged matrix has its name."""
    Path("smoke").write_text("backbones: tiny\n")
    assert matrix_path("smoke") == Path("smoke")


def test_words_lead_back_to_the_file() -> None:
    """What is printed to be typed again means the same file: a name where it can be one, else a path."""
    own, named = Path("mine.yaml"), packaged_matrices()["smoke"]
    assert (matrix_words(named), matrix_words(own)) == ("smoke", "mine.yaml")
    Path("smoke").touch()
    assert matrix_path(matrix_words(named)) == named


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "smoek",
            "smoek: no such matrix file. Nor does harness come with one of that name. Did you mean 'smoke'? ",
        ),
        ("experiments/full.yaml", "full.yaml: no such matrix file. `--matrix full` is the one that comes with "),
        ("smoke.yml", "smoke.yml: no such matrix file. `--matrix smoke` is the one that comes with harness. "),
        ("none.yaml", "none.yaml: no such matrix file. Matrices there: mine.yaml."),
        ("no/none.yaml", "no/none.yaml: no such matrix file."),
    ],
)
def test_what_is_neither_file_nor_name_says_what_can_be_written(written: str, said: str) -> None:
    """The nearest name, or the matrices of the same folder, follow the fault."""
    Path("mine.yaml").touch()
    with pytest.raises(HarnessError) as caught:
        read_matrix(matrix_path(written), known_names())
    assert said in str(caught.value)


@pytest.mark.parametrize("name", packaged_matrices())
def test_packaged_matrix_needs_nothing_beside_it(name: str) -> None:
    """It names no file, since its folder is inside of an installation; and it says in a line what it is."""
    matrix = read_matrix(packaged_matrices()[name], known_names())
    assert (matrix.data, matrix.sources, matrix.weights) == (None, (), ())
    assert 20 < len(matrix.description) < 100
