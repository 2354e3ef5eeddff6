"""Every layout in miniature, from the YAML to the report.

Jobs are worked off in this process; ``test_run_and_report.py`` has worker processes.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS
from harness.data.dataset import read_split
from harness.data.few_shot import few_shot_subset
from harness.data.folder import SPLIT_FILE, folder_split
from harness.data.layout import ImageNetFolders, ShiftedFolders, SplitFile, TextLists
from harness.data.own import catalog_with
from harness.matrix.identity import cell_id
from harness.matrix.matrix import Matrix, read_matrix
from harness.plan.job import FAULTS_FILE, JOB_FILE, Job, flat_cells, write_job
from harness.worker.__main__ import main as work

Paint = Callable[..., None]
Command = Callable[..., tuple[int, str]]

LAYOUTS = [name for name, row in DATASETS.items() if row.layout.folder is not None]
TARGETS = [name for name in LAYOUTS if not DATASETS[name].trains]
NAMES = {"n01440764": "tench", "n01443537": "goldfish", "n01484850": "great white shark"}
SHIFTED = {  # which classes a shift has, and in folders of which names
    "imagenetv2": ("0", "1", "2"),
    "imagenet_sketch": tuple(NAMES),
    "imagenet_a": ("n01440764", "n01484850"),
    "imagenet_r": ("n01443537", "n01484850"),
}
SIZES = {"train": 4, "val": 2, "test": 3}


# --- the miniatures ----------------------------------------------------------------------------------------


def _split_file(root: Path, layout: SplitFile, paint: Paint) -> None:
    """CoOp's JSON for two classes, whose test part comes in another order than its labels."""
    content: dict[str, list[list[Any]]] = {part: [] for part in SIZES}
    for part, count in SIZES.items():
        for label, name in reversed(list(enumerate(("red fox", "blue jay")))):
            content[part] += [[f"{name}/{part}_{number}.jpg", label, name] for number in range(count)]
    base = layout.image_base(root)
    paint(*(base / path for rows in content.values() for path, _, _ in rows))
    (root / layout.folder / layout.file).write_text(json.dumps(content, indent=4, separators=(",", ": ")))


def _lists(root: Path, layout: TextLists, paint: Paint) -> None:
    """FGVC-Aircraft's lists, one of whose names has a slash."""
    folder, names = root / layout.folder, ("707-320", "F/A-18")
    (folder / "images").mkdir(parents=True)
    (folder / "variants.txt").write_text("".join(f"{name}\n" for name in names))
    for at, (part, count) in enumerate(SIZES.items()):
        rows = [(f"{at}{label}{number}", name) for label, name in enumerate(names) for number in range(count)]
        (folder / f"images_variant_{part}.txt").write_text("".join(f"{image} {name}\n" for image, name in rows))
        paint(*(folder / "images" / f"{image}.jpg" for image, _ in rows))


def _class_names(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classnames.txt").write_text("".join(f"{wnid} {name}\n" for wnid, name in NAMES.items()))


def _imagenet(root: Path, layout: ImageNetFolders, paint: Paint) -> None:
    """Training and validation folders of three classes."""
    _class_names(root / layout.folder)
    for place, count in ((layout.train, 6), (layout.test, 2)):
        paint(*(root / layout.folder / place / wnid / f"{wnid}_{n}.JPEG" for wnid in NAMES for n in range(count)))


def _shifted(root: Path, layout: ShiftedFolders, paint: Paint, folders: tuple[str, ...]) -> None:
    """Test images only, beside a text that is no class."""
    _class_names(root / layout.folder)
    paint(*(layout.image_base(root) / name / f"{number}.png" for name in folders for number in range(2)))
    (layout.image_base(root) / "README.txt").write_text("not a class\n")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, paint: Paint) -> Path:
    """A data root with all of them and a plain folder."""
    root = tmp_path_factory.mktemp("data")
    for name in LAYOUTS:
        match DATASETS[name].layout:
            case SplitFile() as layout:
                _split_file(root, layout, paint)
            case TextLists() as layout:
                _lists(root, layout, paint)
            case ImageNetFolders() as layout:
                _imagenet(root, layout, paint)
            case ShiftedFolders() as layout:
                _shifted(root, layout, paint, SHIFTED[name])
            case other:
                pytest.fail(f"{name} lies in a layout that has no miniature: {other}")
    paint(*(root / "plain" / name / f"{number}.png" for name in ("elm", "oak") for number in range(20)))
    return root


def _entries(*names: str) -> str:
    return "".join(f"  - {{name: my_{name}, like: {name}, data: {{data}}}}\n" for name in names)


def _matrix(path: Path, data: Path, text: str) -> Path:
    path.write_text(text.replace("{data}", str(data)))
    return path


# --- all layouts -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A matrix of all layouts: zero-shot everywhere, CoOp and the probe where there is something to learn."""
    path = tmp_path_factory.mktemp("everything") / "everything.yaml"
    names = ", ".join(f"my_{name}" for name in TARGETS)
    text = f"""\
datasets:
{_entries(*LAYOUTS)}  - {{name: my_plain, folder: {{data}}/plain}}
backbones: tiny
shots: [1, 2]
seeds: 1
classes: [all, base, new]
methods: [zero_shot, linear_probe, {{method: coop, n_ctx: 2}}]
exclude: {{dataset: [{names}], method: [linear_probe, coop]}}
"""
    return _matrix(path, data, text)


def _read(path: Path) -> Matrix:
    return read_matrix(path, known_names())


def test_every_layout_is_planned(everything: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is missing, and sizes are known."""
    assert main(["plan", "--matrix", str(everything), "--results", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    n_cells = 3 * (len(LAYOUTS) + 1) + 3 * 4 * (len(LAYOUTS) + 1 - len(TARGETS))
    assert said.out.startswith(f"everything: {n_cells} cells\n")
    assert "missing" not in said.out
    assert all(f"my_{name} (" in said.out for name in LAYOUTS)


def test_every_layout_passes_the_check(everything: Path, tmp_path: Path) -> None:
    """Prompts, draws, halves and images of all of them, in one job."""
    matrix = _read(everything)
    job = Job(
        kind="check", matrix="m", cells=flat_cells(matrix.cells), results=tmp_path, data=None,
        sources=matrix.sources, device="cpu",
    )  # fmt: skip
    folder = write_job(job, 0)
    assert work([str(folder / JOB_FILE)]) == 0
    assert json.loads((folder / FAULTS_FILE).read_text()) == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_classes_of_every_layout(everything: Path, name: str) -> None:
    """Labels and names are those of the data set's own classes, and sizes those that were made."""
    split = read_split(catalog_with(_read(everything).sources)[f"my_{name}"], None)
    layout = DATASETS[name].layout
    wnids = list(NAMES.values())
    expected = {
        SplitFile: (("red fox", "blue jay"), (8, 4, 6)),
        TextLists: (("707-320", "F/A-18"), (8, 4, 6)),
        ImageNetFolders: (tuple(wnids), (18, 0, 6)),
        ShiftedFolders: (
            {"imagenet_a": ("tench", "great white shark"), "imagenet_r": ("goldfish", "great white shark")}.get(
                name, tuple(wnids)
            ),
            (0, 0, 2 * len(SHIFTED.get(name, ()))),
        ),
    }[type(layout)]
    assert (split.class_names, (len(split.train), len(split.val), len(split.test))) == expected


# --- training ----------------------------------------------------------------------------------------------

TRAINED = """\
name: mini
datasets:
{entries}  - {name: my_plain, folder: {data}/plain, template: "a {} tree."}
backbones: tiny
shots: 2
seeds: [1, 2]
views: 0
recipe: {epochs: 2}
methods: [zero_shot, linear_probe, {method: coop, n_ctx: 2}]
"""


@pytest.fixture(scope="session")
def own_data(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A copy to train on; an image of its plain folder that seed 1 draws, but not seed 2, is none."""
    copy = Path(shutil.copytree(data, tmp_path_factory.mktemp("own") / "data"))
    (copy / "plain" / _spoiled(copy)).write_bytes(b"no image")
    return copy


def _spoiled(root: Path) -> str:
    split = folder_split(root / "plain")
    first, second = (set(few_shot_subset(split, 2, seed).train) for seed in (1, 2))
    return split.train[min(first - second)].path


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory, own_data: Path) -> Path:
    """Three layouts and the plain folder."""
    text = TRAINED.replace("{entries}", _entries("eurosat", "fgvc_aircraft", "imagenet"))
    return _matrix(tmp_path_factory.mktemp("mini") / "mini.yaml", own_data, text)


@pytest.fixture(scope="module")
def finished(mini: Path, tmp_path_factory: pytest.TempPathFactory, in_this_process: pytest.MonkeyPatch) -> Path:
    """A results folder in which that matrix was run; what the bad image fails is exit code 1."""
    results = tmp_path_factory.mktemp("finished")
    assert main(["run", "--matrix", str(mini), "--results", str(results), "--device", "cpu"]) == 1
    return results


@pytest.fixture
def command(mini: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on what was finished; exit code and everything it printed."""

    def run(name: str, *arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main([name, "--matrix", str(mini), "--results", str(finished), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def _records(matrix: Path, results: Path) -> dict[tuple[str, str, int | None], dict[str, Any]]:
    """From data set, method and seed to the record."""
    return {
        (cell.dataset, cell.method, cell.seed): json.loads(
            (results / "records" / f"{cell_id(cell)}.json").read_text()
        )
        for cell in _read(matrix).cells
    }


def test_records_are_complete(mini: Path, finished: Path, own_data: Path) -> None:
    """Counts add up, and every record says which split and which images it was made from."""
    catalog = catalog_with(_read(mini).sources)
    for (name, method, seed), record in _records(mini, finished).items():
        if (name, seed) == ("my_plain", 1):
            continue
        split = read_split(catalog[name], None)
        made_from, rows = record["provenance"], record["per_class"]
        assert record["status"] == "done"
        assert [row["name"] for row in rows] == list(split.class_names)
        assert record["n_test"] == sum(row["n_test"] for row in rows) == len(split.test)
        assert record["n_correct"] == sum(row["n_correct"] for row in rows)
        assert sum(row["n_predicted"] for row in rows) == len(split.test)
        assert made_from["split_digest"] == split.digest
        assert made_from["list_digest"] is None
        assert (made_from["subset_digest"] is None) == (method == "zero_shot")
        assert len(record["history"]) == (2 if method == "coop" else 0)


@pytest.mark.parametrize("name", ["my_eurosat", "my_fgvc_aircraft", "my_imagenet", "my_plain"])
def test_printed_draw_is_the_one_that_was_learned(
    mini: Path, finished: Path, name: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The record's digest of the chosen images is the fingerprint of what ``harness data draw`` prints."""
    records = _records(mini, finished)
    learned = {records[name, method, 2]["provenance"]["subset_digest"] for method in ("coop", "linear_probe")}
    capsysbinary.readouterr()
    assert main(["data", "draw", name, "--shots", "2", "--seed", "2", "--matrix", str(mini)]) == 0
    assert learned == {hashlib.sha256(capsysbinary.readouterr().out).hexdigest()}


def test_bad_image_loses_its_own_cells_only(mini: Path, finished: Path, own_data: Path) -> None:
    """What learns from the image fails and names it; the other seed, zero-shot and other data sets are done."""
    records = _records(mini, finished)
    failed = {cell: record["reason"] for cell, record in records.items() if record["status"] == "failed"}
    assert set(failed) == {("my_plain", "linear_probe", 1), ("my_plain", "coop", 1)}
    bad = own_data / "plain" / _spoiled(own_data)
    assert all(reason.startswith(f"{bad}: the image cannot be decoded: ") for reason in failed.values())


def test_second_run_does_nothing(command: Command, finished: Path) -> None:
    """What failed is said again and left alone."""
    before = {path: path.read_bytes() for path in (finished / "records").iterdir()}
    code, said = command("run")
    assert (code, "nothing to do, 18 of 20 cells are done" in said) == (1, True)
    code, said = command("run", "-k", "dataset!=my_plain")
    assert (code, "nothing to do, 15 of 15 cells are done" in said) == (0, True)
    assert {path: path.read_bytes() for path in (finished / "records").iterdir()} == before


def test_split_of_a_plain_folder_is_kept(own_data: Path, finished: Path) -> None:
    """The run wrote it beside the images; known layouts got none."""
    assert [path.parent.name for path in sorted(own_data.rglob(SPLIT_FILE))] == ["plain"]


def test_other_split_makes_cells_stale(command: Command, own_data: Path) -> None:
    """Images that come later change nothing; a changed split is said, by number and reason."""
    kept = own_data / "plain" / SPLIT_FILE
    before = kept.read_bytes()
    later = own_data / "plain" / "elm" / "99.png"
    try:
        shutil.copy(own_data / "plain" / "elm" / "0.png", later)
        assert "18 done, 0 pending, 2 failed" in command("plan")[1]
        content = json.loads(before)
        content["train"].reverse()
        kept.write_text(json.dumps(content))
        said = command("plan")[1]
        assert "15 done, 3 pending, 2 failed" in said
        assert re.search(r"3 pending again, stale: other split \([0-9a-f]{8}, today [0-9a-f]{8}\)", said)
    finally:
        kept.write_bytes(before)
        later.unlink(missing_ok=True)


def test_report_covers_own_data_sets(command: Command, finished: Path, tmp_path: Path) -> None:
    """A table a data set and the average, with the YAML and without."""
    assert command("report", "--out", str(tmp_path / "with"))[0] == 0
    assert main(["report", "--results", str(finished)]) == 0
    tables = sorted(path.name for path in (tmp_path / "with").glob("*.md"))
    assert set(tables) >= {
        "my_eurosat.md",
        "my_fgvc_aircraft.md",
        "my_imagenet.md",
        "my_plain.md",
    }
    for name in tables:
        assert (tmp_path / "with" / name).read_bytes() == (finished / "mini" / "report" / name).read_bytes()
    assert "failed" in (tmp_path / "with" / "my_plain.md").read_text()
