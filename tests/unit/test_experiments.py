"""The matrices that come with the harness."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.data.fetch.sources import SOURCES
from harness.matrix.cell import Cell
from harness.matrix.matrix import read_matrix

FOLDER = Path(__file__).parents[2] / "experiments"
COUNTS = {
    "backbones": 176, "base_to_new": 88, "context_length": 198, "cross_dataset": 44, "domain_generalization": 200,
    "full": 836, "initialization": 66, "linear_probe": 165, "prompt_ensembling": 24, "smoke": 86,
}  # fmt: skip


def _cells(name: str) -> tuple[Cell, ...]:
    return read_matrix(FOLDER / f"{name}.yaml", known_names()).cells


def test_every_matrix_is_counted() -> None:
    """No file in the folder is left out of these tests."""
    assert {path.stem for path in FOLDER.iterdir()} == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_number_of_cells(name: str) -> None:
    """Each matrix has the name of its file and so many cells, none of them twice."""
    matrix = read_matrix(FOLDER / f"{name}.yaml", known_names())
    assert (matrix.name, len(matrix.cells), len(set(matrix.cells))) == (name, COUNTS[name], COUNTS[name])


@pytest.mark.parametrize("name", COUNTS)
def test_every_matrix_can_be_planned(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``harness plan`` has no complaint but of data and weights that are not on disk."""
    path = FOLDER / f"{name}.yaml"
    assert main(["plan", "--matrix", str(path), "--results", str(tmp_path), "--data", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert (said.out.splitlines()[0], said.err) == (f"{name}: {COUNTS[name]} cells", "")
    told = (FOLDER.parent / "docs" / "reproduce.md").read_text(encoding="utf-8")
    disk = re.search(r"^disk: about ([^(]+) \(", said.out, re.M)
    assert disk
    assert name == "smoke" or f"| `{name}` | {COUNTS[name]} | {disk[1]} |" in told


def test_downloads_are_told(repository: Path) -> None:
    """What the data sets of the main figure take to download stands where the costs are, and all are fetched."""
    names = {cell.dataset for cell in _cells("full")}
    sizes = [SOURCES[name].download_bytes or 0 for name in names]
    for document in ("README.md", "docs/reproduce.md"):
        text = (repository / document).read_text(encoding="utf-8")
        assert f"{sum(sizes) / 1e9:.0f} GB of downloads" in text
    (fetched,) = re.findall(r"^for name in ([^;]+);", text, re.M)
    assert {*fetched.split(), "eurosat", "imagenet"} == names


def test_studies_are_listed(repository: Path) -> None:
    """docs/studies.md has a line a file, with its number of cells."""
    text = (repository / "docs" / "studies.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(\w+)\.yaml` \| (\d+) \|", text, re.M)) == {
        name: str(count) for name, count in COUNTS.items()
    }


def _of_study(name: str, key: Callable[[Cell], object]) -> Counter[object]:
    return Counter(map(key, _cells(name)))


def test_context_length_shares_the_cells_of_the_main_figure() -> None:
    """Sixteen vectors at sixteen shots are trained once for both."""
    shared = set(_cells("context_length")) & set(_cells("full"))
    assert {cell.n_ctx for cell in shared} == {16}
    assert len(shared) == 11 * 3 * 2


def test_initialization_compares_four_vectors() -> None:
    """Both starts have four vectors, and all else alike."""
    found = _of_study("initialization", lambda cell: (cell.n_ctx, cell.ctx_init))
    assert found == {(4, None): 33, (4, "a photo of a"): 33}


def test_domain_generalization_trains_on_imagenet_alone() -> None:
    """Every training has five test sets, its own among them, and ImageNet's 50 epochs."""
    cells = _cells("domain_generalization")
    found = Counter(cell.evaluate_on for cell in cells)
    assert found == dict.fromkeys((None, "imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"), 40)
    assert {cell.recipe_dict().get("epochs", 50) for cell in cells} == {50}
    assert {cell.context for cell in cells} == {None, "unified"}


def test_base_to_new_evaluates_both_halves() -> None:
    """Everything is learned from base classes; 200 epochs, on ImageNet 50."""
    cells = _cells("base_to_new")
    assert Counter((cell.classes, cell.evaluate_on) for cell in cells) == {("base", None): 44, ("base", "new"): 44}
    epochs = {
        (cell.dataset == "imagenet", cell.recipe_dict()["epochs"]) for cell in cells if cell.method == "coop"
    }
    assert epochs == {(True, 50), (False, 200)}
    assert {cell.ctx_init for cell in cells if cell.method == "coop"} == {"a photo of a"}


def test_cross_dataset_has_ten_targets_with_their_own_templates() -> None:
    """Zero-shot puts the target's class names into the target's sentence."""
    zero_shot = [cell for cell in _cells("cross_dataset") if cell.method == "zero_shot"]
    assert len(zero_shot) == 11
    assert next(cell.template for cell in zero_shot if cell.evaluate_on == "dtd") == "{} texture."


def test_prompt_ensembling_has_three_zero_shot_rows() -> None:
    """One sentence, seven and eighty, for each of four backbones."""
    found = _of_study("prompt_ensembling", lambda cell: cell.template)
    assert found == {"a photo of a {}.": 4, "selected": 4, "imagenet": 4, None: 12}


def test_linear_probe_has_its_own_images() -> None:
    """No cell of it is one of the main figure's, which learn from CoOp's images."""
    assert not set(_cells("linear_probe")) & set(_cells("full"))
    assert {cell.protocol for cell in _cells("linear_probe")} == {"lpclip"}
