"""``harness data draw`` and ``harness data split``, and matrices with data sets of their own."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS
from harness.data.dataset import keep_split, read_split
from harness.data.few_shot import few_shot_subset
from harness.data.folder import SPLIT_FILE, folder_split
from harness.data.own import catalog_with
from harness.data.split import items_digest, items_lines
from harness.data.split_files import read_split_json
from harness.matrix.cell import Cell
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.source import DatasetSource
from harness.store.manifest import write_manifest
from harness.store.records import write_record

Harness = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of five images without contents; one is called in another script."""
    for name in ("elm", "Bäume 木"):
        for number in range(5):
            path = tmp_path / "images" / name / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    return tmp_path / "images"


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A matrix of zero-shot and CoOp on that folder, which it names by a relative path."""
    path = tmp_path / "own.yaml"
    path.write_text(
        "backbones: tiny\ndatasets: [digits, {name: mine, folder: images}]\nshots: 1\nseeds: 1\n"
        "methods: [zero_shot, coop]\n"
    )
    return path


# --- draw --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["train", "val"])
def test_draw_is_printed_as_its_fingerprint_is_made(part: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """UTF-8 lines and nothing else on stdout; the digest and the number of images beside it."""
    split = read_split(DATASETS["digits"], None)
    subset = few_shot_subset(split, 2, 3)
    items = subset.train_items(split) if part == "train" else subset.val_items(split)
    assert main(["data", "draw", "digits", "--shots", "2", "--seed", "3", "--part", part]) == 0
    said = capsysbinary.readouterr()
    assert said.out == items_lines(items).encode()
    assert hashlib.sha256(said.out).hexdigest() == items_digest(items)
    assert said.err.decode() == f"digits: 20 images, SHA-256 {items_digest(items)}\n"


def test_draw_of_a_matrixs_own_folder(own: Path, folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """With ``--matrix``; whatever the script, and without writing anything."""
    assert main(["data", "draw", "mine", "--shots", "all", "--seed", "1", "--matrix", str(own)]) == 0
    assert capsysbinary.readouterr().out.decode() == items_lines(folder_split(folder).train)
    assert not (folder / SPLIT_FILE).exists()


def test_draw_says_when_classes_are_taken_whole(harness: Harness, own: Path) -> None:
    """More shots than a class holds are no error here: the draw is what it is."""
    answer = harness("data", "draw", "mine", "--shots", 9, "--seed", 1, "--matrix", own)
    assert (answer.code, answer.err.splitlines()[1]) == (0, "2 classes have fewer images and are taken whole")


def test_draw_by_somebodys_list(harness: Harness, own: Path, folder: Path, tmp_path: Path) -> None:
    """``--subset-file`` shows what a list means; placeholders are filled in."""
    split = folder_split(folder)
    items = [split.train[-1], split.train[0]]
    (tmp_path / "1-5.txt").write_text(items_lines(items), encoding="utf-8")
    options = ("--shots", 1, "--seed", 5, "--matrix", own, "--subset-file", "{shots}-{seed}.txt")
    answer = harness("data", "draw", "mine", *options)
    assert (answer.code, answer.out) == (0, items_lines(items))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("digitz",), "unknown data set 'digitz'. Did you mean 'digits'?"),
        (("mine",), "`--matrix FILE` adds those that a matrix describes."),
        (("digits", "--part", "test"), "--part: must be train or val, not 'test'."),
        (("digits", "--shots", "0"), "--shots: must be a whole number above zero or all, not '0'."),
        (("digits", "--shots", "-1"), "--shots: must be a whole number above zero or all, not '-1'."),
        (("dtd",), "dtd: no data folder: give --data DIR, set HARNESS_DATA, or write `data: DIR` in the matrix."),
        (("dtd", "--data", "none"), "split_zhou_DescribableTextures.json: the split file is missing."),
        (("digits", "--subset-file", "none"), "none: the list of training images cannot be read: No such file"),
    ],
)
def test_wrong_draws_are_bad_input(harness: Harness, arguments: tuple[str, ...], said: str) -> None:
    """One line each, and nothing on stdout."""
    name, *options = arguments
    answer = harness("data", "draw", name, "--shots", "1", "--seed", "1", *options)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


# --- split -------------------------------------------------------------------------------------------------


def test_split_is_written_once(harness: Harness, folder: Path, tmp_path: Path) -> None:
    """In CoOp's form, with the sizes said; a file that is there is never replaced."""
    out = tmp_path / "new" / "split.json"
    answer = harness("data", "split", folder, "--out", out)
    digest = folder_split(folder).digest[:12]
    assert (answer.code, answer.out) == (0, f"{out}: 2 classes, 4 train, 2 val, 4 test, digest {digest}\n")
    assert read_split_json(out) == folder_split(folder)
    answer = harness("data", "split", folder, "--out", out)
    assert (answer.code, answer.err) == (
        2,
        f"error: {out}: is there already; a split is drawn once. Name another file, or remove it yourself.\n",
    )


def test_split_takes_class_names(harness: Harness, folder: Path, tmp_path: Path) -> None:
    """Folders with blanks need a tab; Windows' marks and line ends do no harm."""
    names = tmp_path / "names.txt"
    names.write_bytes("\ufeffelm\twych elm\r\nBäume 木\ttree\r\n".encode())
    assert harness("data", "split", folder, "--out", tmp_path / "s.json", "--class-names", names).code == 0
    assert read_split_json(tmp_path / "s.json").class_names == ("tree", "wych elm")


def test_split_of_nothing_is_bad_input(harness: Harness, tmp_path: Path) -> None:
    """What is wrong with the folder is said, and nothing is written."""
    answer = harness("data", "split", tmp_path / "none", "--out", tmp_path / "s.json")
    assert (answer.code, answer.err.count("\n"), (tmp_path / "s.json").exists()) == (2, 1, False)


# --- matrices ----------------------------------------------------------------------------------------------


def test_plan_looks_and_writes_nothing(harness: Harness, own: Path, folder: Path, tmp_path: Path) -> None:
    """Own folders are planned like known data sets; their split is kept by a run only."""
    before = sorted(tmp_path.rglob("*"))
    answer = harness("plan", "--matrix", own)
    assert (answer.code, answer.err) == (0, "")
    assert "digits (2), mine (2)" in answer.out
    assert "missing on disk" not in answer.out
    assert sorted(tmp_path.rglob("*")) == before


def test_plan_says_what_is_wrong_with_own_data(harness: Harness, own: Path, folder: Path) -> None:
    """A class that is too small is listed with what is missing."""
    for number in range(3):
        (folder / "elm" / f"{number}.jpg").unlink()
    answer = harness("plan", "--matrix", own)
    assert answer.code == 0
    assert f"{folder}: 1 classes hold fewer than 4 images: elm (2)." in answer.out


def test_run_stops_at_missing_own_data(harness: Harness, own: Path, folder: Path) -> None:
    """Before anything is trained or kept."""
    folder.rename(folder.parent / "gone")
    answer = harness("run", "--matrix", own)
    assert (answer.code, answer.err) == (2, f"error: data set mine: missing {folder}.\n")


@pytest.mark.parametrize("command", ["status", "report"])
def test_own_data_sets_need_no_matrix_file(
    harness: Harness, own: Path, folder: Path, make_record: Callable[..., Any], tmp_path: Path, command: str
) -> None:
    """What was run is enough: another split of the folder is stale, a missing folder is not."""
    matrix = read_matrix(own, known_names())
    row = catalog_with(matrix.sources)["mine"]
    keep_split(row, None)
    digest = read_split(row, None).digest
    write_manifest(tmp_path / "out", matrix)
    own.unlink()
    for cell in matrix.cells:
        made_from = {"split_digest": digest} if cell.dataset == "mine" else {}
        write_record(tmp_path / "out", make_record(cell, provenance=made_from))

    def stale() -> bool:
        answer = harness(command, "--results", tmp_path / "out")
        assert answer.code == 0
        return {"status": "4 2 2 2 0" in " ".join(answer.out.split()), "report": "stale" in answer.out}[command]

    assert not stale()
    content = json.loads((folder / SPLIT_FILE).read_text())
    content["train"].reverse()
    (folder / SPLIT_FILE).write_text(json.dumps(content))
    assert stale()
    folder.rename(tmp_path / "gone")
    assert not stale()


def test_old_list_of_cells_hides_nothing(harness: Harness, make_cell: Callable[..., Cell], tmp_path: Path) -> None:
    """A matrix that is like what only another version knows is a line like any other."""
    sources = (DatasetSource(name="mine", like="gone", data="/x"),)
    write_manifest(tmp_path, Matrix("old", (make_cell(dataset="mine"),), sources=sources))
    answer = harness("status", "--results", tmp_path)
    assert (answer.code, "old" in answer.out) == (0, True)
