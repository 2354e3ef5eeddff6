"""A context's whole way: learned, shown, exported, used without harness, imported, evaluated."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from open_clip import factory
from safetensors.torch import load_file

from harness.backbone.clip import Clip
from harness.cli import main
from harness.cli.jobs import ask
from harness.data.digits import CLASS_NAMES, digit_image, digits_split
from harness.dispatch.local import LocalLauncher
from harness.features.extract import encode_views
from harness.store.record import RunRecord
from harness.store.records import read_context, read_records

TRAIN = """
name: train
backbones: tiny
datasets: digits
shots: 1
seeds: 1
recipe: {epochs: 2}
methods: [{method: coop, context: [unified, class_specific], n_ctx: 4, class_token_position: middle}]
"""
EVALUATE = """
name: evaluate
backbones: tiny
datasets: digits
evaluate_on: base
methods: [{method: prompt, prompt: [unified, class_specific], class_token_position: middle}]
exclude: {prompt: class_specific, evaluate_on: base}
"""
N_IMAGES = 12


@pytest.fixture(scope="module", autouse=True)
def _in_this_process(in_this_process: pytest.MonkeyPatch) -> None:
    """Workers of this module are calls."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which both contexts were learned, exported, imported under their kind's name, and evaluated."""
    folder = tmp_path_factory.mktemp("prompts")
    results = ("--results", str(folder / "results"))
    for name, text in (("train", TRAIN), ("evaluate", EVALUATE)):
        (folder / f"{name}.yaml").write_text(text)
    assert main(["run", "--matrix", str(folder / "train.yaml"), "--device", "cpu", *results]) == 0
    for kind, record in _learned(folder).items():
        out = folder / kind
        assert main(["prompts", "export", record.cell_id[:12], "--out", str(out), *results]) == 0
        assert main(["prompts", "import", str(out / "context.safetensors"), "--name", kind, *results]) == 0
    assert main(["run", "--matrix", str(folder / "evaluate.yaml"), "--device", "cpu", *results]) == 0
    return folder


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Callable[[], Path]:
    """A copier of the results folder, to damage."""
    return lambda: Path(shutil.copytree(folder / "results", tmp_path / "results"))


def _records(folder: Path, method: str) -> list[RunRecord]:
    records = read_records(folder / "results").records.values()
    return [record for record in records if record.cell["method"] == method]


def _learned(folder: Path) -> dict[str, RunRecord]:
    return {str(record.cell["context"]): record for record in _records(folder, "coop")}


@pytest.mark.parametrize("kind", ["unified", "class_specific"])
def test_an_imported_context_counts_what_the_learned_one_did(folder: Path, kind: str) -> None:
    """The cell that evaluates it has the same counts, class by class, as the cell that learned it."""
    (evaluated,) = [
        record
        for record in _records(folder, "prompt")
        if record.cell["prompt"] == kind and record.cell["evaluate_on"] is None
    ]
    learned = _learned(folder)[kind]
    assert evaluated.per_class == learned.per_class
    assert evaluated.provenance is not None
    assert evaluated.provenance.prompt_digest is not None
    assert evaluated.details["prompt"]["cell_id"] == learned.cell_id
    assert read_context(folder / "results", evaluated) == read_context(folder / "results", learned)


def test_an_imported_context_is_evaluated_elsewhere(folder: Path) -> None:
    """A unified context stands before other class names; that record is no training and has no context."""
    (record,) = [record for record in _records(folder, "prompt") if record.cell["evaluate_on"] == "base"]
    assert (record.status, len(record.per_class), record.context) == ("done", 5, None)
    assert record.provenance is not None
    assert record.provenance.prompt_digest is not None


def test_the_words_of_both_cells_are_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five come from beside the record; the imported copy lies next to the same ones; more can be had."""
    said = []
    records = [_learned(folder)["unified"], *_records(folder, "prompt")]
    for record in records:
        if record.context is not None and record.context.shape == (4, 64):
            capsys.readouterr()
            assert main(["prompts", "show", record.cell_id, "--results", str(folder / "results")]) == 0
            said.append(capsys.readouterr().out.splitlines()[1:])
    assert len(said) == 2
    assert said[0] == said[1]
    command = ["prompts", "show", records[0].cell_id, "--top", "6", "--results", str(folder / "results")]
    assert main(command) == 0
    more = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[:11] for line in more[1:]] == [line.split() for line in said[0][1:]]


def test_a_worker_process_answers(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More words than lie beside a record come from a process of their own."""
    monkeypatch.setattr(ask, "LocalLauncher", LocalLauncher)
    cell = _learned(folder)["class_specific"].cell_id
    words = ["prompts", "show", cell, "--class", "three", "--top", "7", "--results", str(folder / "results")]
    assert main(words) == 0
    assert [len(line.split()) for line in capsys.readouterr().out.splitlines()[2:]] == [2 + 2 * 7] * 4


def test_the_documents_example_runs_as_it_stands(
    folder: Path,
    tiny: Clip,
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lines of docs/prompts.md classify a folder of images with open_clip alone, as harness does."""
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
    items = digits_split().test[:: 540 // N_IMAGES][:N_IMAGES]
    for number, item in enumerate(items):
        digit_image(item.path).save(tmp_path / f"{number:02}.png")
    _, lines = re.findall(r"```python\n(.*?)```", (repository / "docs" / "prompts.md").read_text(), re.DOTALL)
    assert "harness" not in lines
    assert len(lines.splitlines()) <= 12
    capsys.readouterr()
    exec(lines, {"exported": folder / "unified", "images": tmp_path})
    said = dict(line.split() for line in capsys.readouterr().out.splitlines())
    texts = load_file(folder / "unified" / "text_features.safetensors")["text_features"]
    features = encode_views([(digit_image(item.path), None) for item in items], tiny)
    ours = [CLASS_NAMES[label] for label in (features @ texts.T).argmax(dim=1).tolist()]
    assert said == {f"{number:02}.png": name for number, name in enumerate(ours)}
    assert len(set(ours)) > 1


def test_a_changed_file_makes_the_cell_stale(
    folder: Path, capsys: pytest.CaptureFixture[str], copied: Callable[[], Path]
) -> None:
    """Plan says that there is another prompt under the name; without any it says how to import it."""
    results = copied()
    path = results / "prompts" / "unified.safetensors"
    path.write_bytes((results / "prompts" / "class_specific.safetensors").read_bytes())
    command = ["plan", "--matrix", str(folder / "evaluate.yaml"), "--results", str(results), "--device", "cpu"]
    assert main(command) == 0
    assert re.search(r"2 pending again, stale: other prompt \(\w{8}, today \w{8}\)", capsys.readouterr().out)
    path.unlink()
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "3 done, 0 pending" in said
    assert "prompt unified: is not in" in said


def test_what_does_not_fit_is_found_before_any_evaluation(
    folder: Path, copied: Callable[[], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 with all that is wrong, and no record."""
    results = copied()
    matrix = results / "wrong.yaml"
    matrix.write_text(
        EVALUATE.replace("exclude", "#")
        .replace("evaluate_on: base", "evaluate_on: new")
        .replace("middle", "front")
    )
    before = sorted(path.name for path in (results / "records").iterdir())
    command = ["run", "--matrix", str(matrix), "--results", str(results), "--device", "cpu"]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said.count("was imported with class_token_position middle, and the cell has front.") >= 2
    assert "class-specific contexts belong to the 10 classes" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in (results / "records").iterdir()) == before
