"""The shape of every study in ``experiments/``, on digits with the tiny backbone and one epoch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.matrix.cell import Cell
from harness.matrix.matrix import Matrix, read_matrix

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[2] / "experiments"
STUDIES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SHIFTS = {
    "imagenetv2": "digits_inverted", "imagenet_sketch": "digits_blurred", "imagenet_a": "digits_rotated",
    "imagenet_r": "digits_noisy", "base": "base", "new": "new",
}  # fmt: skip
SHORT = {"coop": {"epochs": 1}, "linear_probe": {"max_iter": 5, "search_rounds": 1}}


def _small(study: dict[str, Any]) -> list[dict[str, Any]]:
    """The methods of a study as entries of ``include``: one shot and seed of digits in the place of its data."""
    axes: dict[str, Any] = {"dataset": "digits", "shots": 1, "seed": 1}
    axes |= {key: study[key] for key in ("classes", "protocol") if key in study}
    targets = study.get("evaluate_on", [])
    targets = [targets] if isinstance(targets, str) else targets
    if targets:
        axes["evaluate_on"] = list(dict.fromkeys(SHIFTS.get(name, "bars") for name in targets))
    methods = study["methods"] if isinstance(study["methods"], list) else [study["methods"]]
    entries = [{"method": entry} if isinstance(entry, str) else entry for entry in methods]
    return [
        axes | entry | ({"recipe": SHORT[entry["method"]]} if entry["method"] in SHORT else {})
        for entry in entries
    ]


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two classes that are not digits, for what is carried to other data."""
    folder = tmp_path_factory.mktemp("bars")
    generator = np.random.default_rng(0)
    for name in ("upright bar", "lying bar"):
        (folder / name).mkdir()
        for number in range(10):
            pixels = generator.integers(0, 60, (32, 32)).astype(np.uint8)
            pixels[12:20] = 255
            Image.fromarray(pixels if name == "lying bar" else pixels.T).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def matrix(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One matrix of all studies, small."""
    content = {
        "name": "studies",
        "backbones": "tiny",
        "datasets": ["digits", {"name": "bars", "folder": str(bars), "template": "a picture of an {}."}],
        "methods": "zero_shot",
        "include": [
            entry for name in STUDIES for entry in _small(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))
        ],
    }
    path = tmp_path_factory.mktemp("matrix") / "studies.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(matrix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of running it."""
    folder = tmp_path_factory.mktemp("results")
    assert main(["run", "--matrix", str(matrix), "--results", str(folder), "--device", "cpu"]) == 0
    return folder


def _read(matrix: Path) -> Matrix:
    return read_matrix(matrix, known_names())


def _records(results: Path) -> dict[Cell, dict[str, Any]]:
    paths = (path for path in (results / "records").glob("*.json") if not path.name.endswith(".words.json"))
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {Cell.from_dict(record["cell"]): record for record in records}


def test_every_cell_of_every_study_is_done(matrix: Path, results: Path) -> None:
    """One run does them all, and there are no other records."""
    records = _records(results)
    assert set(records) == set(_read(matrix).cells)
    assert {record["status"] for record in records.values()} == {"done"}


def test_shapes_of_all_studies_are_there(matrix: Path) -> None:
    """Ensembles, shifts, other classes, the new half, both draws, lengths, words and positions."""
    cells = _read(matrix).cells
    assert {cell.evaluate_on for cell in cells} == {None, "bars", "new", *SHIFTS.values()} - {"base"}
    assert {"selected", "imagenet"} < {cell.template for cell in cells}
    assert {cell.protocol for cell in cells} == {None, "coop", "lpclip"}
    assert {cell.n_ctx for cell in cells} == {None, 4, 8, 16}
    assert {cell.ctx_init for cell in cells} == {None, "a photo of a"}
    assert {cell.class_token_position for cell in cells} == {None, "end", "middle"}
    assert {cell.context for cell in cells} == {None, "unified", "class_specific"}


def test_evaluations_elsewhere_are_of_one_training(results: Path) -> None:
    """A cell that learns has its record, and what it is evaluated on names it."""
    records = _records(results)
    elsewhere = [cell for cell in records if cell.evaluate_on is not None and cell.shots]
    assert elsewhere
    for cell in elsewhere:
        assert records[cell]["trained_by"] == records[cell.trained()]["cell_id"]
        assert records[cell]["history"] == []


def test_both_draws_of_the_probe_are_other_images(results: Path) -> None:
    """The linear probe of either protocol learned from images of its own."""
    records = _records(results)
    probes = {
        cell.protocol: records[cell]["provenance"]["subset_digest"]
        for cell in records
        if cell.method == "linear_probe" and cell.evaluate_on is None
    }
    assert len(set(probes.values())) == len(probes) == 2


def test_all_of_it_can_be_reported(matrix: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report of so many kinds of cells ends well, and a second run has nothing to do."""
    where = ("--matrix", str(matrix), "--results", str(results))
    assert main(["report", *where]) == 0
    assert main(["run", *where, "--device", "cpu"]) == 0
    assert "nothing to do" in capsys.readouterr().out
