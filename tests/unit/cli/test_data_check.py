"""``harness data check``."""

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.data.catalog import DATASETS

Harness = Callable[..., Any]
SPLITS = "HARNESS_TEST_SPLITS"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with EuroSAT in it: a split of three images that is not the published one."""
    folder = tmp_path / "data" / "eurosat"
    (folder / "2750/Forest").mkdir(parents=True)
    parts = {part: [[f"Forest/{part}.jpg", 0, "Forest"]] for part in ("train", "val", "test")}
    (folder / "split_zhou_EuroSAT.json").write_text(json.dumps(parts))
    for number, part in enumerate(parts):
        Image.new("L", (4, 4), number).save(folder / f"2750/Forest/{part}.jpg")
    return tmp_path / "data"


@pytest.fixture
def eurosat(tmp_path: Path) -> Path:
    """A data folder with the real split of EuroSAT and 27,000 links to one tiny image."""
    if SPLITS not in os.environ:
        pytest.skip(f"set {SPLITS} to the folder of CoOp's published split files")
    folder = tmp_path / "data" / "eurosat"
    folder.mkdir(parents=True)
    file = shutil.copy(Path(os.environ[SPLITS]) / "split_zhou_EuroSAT.json", folder)
    Image.new("RGB", (8, 8)).save(tmp_path / "one.jpg")
    for part in json.loads(Path(file).read_text()).values():
        for path, _, _ in part:
            (folder / "2750" / path).parent.mkdir(parents=True, exist_ok=True)
            os.link(tmp_path / "one.jpg", folder / "2750" / path)
    return tmp_path / "data"


def test_bundled_data_is_well(harness: Harness) -> None:
    """A line says that it is well, with counts and split."""
    answer = harness("data", "check", "digits")
    assert (answer.code, answer.out, answer.err) == (
        0,
        "digits: ok; 898 train, 359 val and 540 test images of 10 classes; "
        f"split {DATASETS['digits'].split_digest[:12]}\n",
        "",
    )


def test_findings_are_lines_on_stdout(harness: Harness, data: Path) -> None:
    """Every finding is a line that begins with the data set and says how to mend it; the code is 1."""
    (data / "eurosat/2750/Forest/val.jpg").unlink()
    (data / "eurosat/2750/Forest/more.jpg").write_bytes(b"")
    answer = harness("data", "check", "eurosat", "--data", data)
    lines = answer.out.splitlines()
    assert (answer.code, answer.err, len(lines)) == (1, "", 6)
    assert lines[0].startswith("eurosat: its split on disk is not the published one. Put the published file ")
    assert lines[1] == "eurosat: has 1 classes; 10 are published."
    assert lines[2].startswith("eurosat: has 1 train images (13,500 are published) and 1 val images")
    assert lines[3] == (
        f"eurosat: {data}/eurosat/2750: 1 of 3 images are missing: Forest/val.jpg. Unpack the archive again."
    )
    assert lines[4] == f"eurosat: note: {data}/eurosat/2750: 1 images are not in the split."
    assert lines[5].startswith("eurosat: 4 findings; 1 train, 1 val and 1 test images of 1 classes; split ")


def test_decoding_and_content_are_asked_for(harness: Harness, data: Path) -> None:
    """Without the options files are not read."""
    images = data / "eurosat/2750/Forest"
    (images / "val.jpg").write_bytes(b"junk")
    shutil.copyfile(images / "train.jpg", images / "test.jpg")
    plain = harness("data", "check", "eurosat", "--data", data)
    assert "decoded" not in plain.out
    assert "bytes" not in plain.out
    full = harness("data", "check", "eurosat", "--data", data, "--decode", "--content")
    assert f"eurosat: {images}/val.jpg: the image cannot be decoded: its form is unknown to Pillow." in full.out
    assert "1 test images have the bytes of train images: Forest/test.jpg = Forest/train.jpg." in full.out


def test_several_data_sets_are_checked(harness: Harness, data: Path) -> None:
    """One that is wrong makes the code 1, and the others are said all the same, each once."""
    answer = harness("data", "check", "digits", "dtd", "digits", "--data", data)
    verdicts = [line.partition(";")[0] for line in answer.out.splitlines()]
    assert answer.code == 1
    assert verdicts[0] == "digits: ok"
    assert verdicts[1].startswith(f"dtd: {data}/dtd: the folder of the data set is missing. Unpack the data set")
    assert verdicts[2:] == ["dtd: 1 finding"]


def test_without_names_what_is_on_disk_is_checked(harness: Harness, data: Path) -> None:
    """Data sets that nobody has put there are passed over."""
    answer = harness("data", "check", "--data", data)
    assert {line.partition(":")[0] for line in answer.out.splitlines()} == {"eurosat"}


@pytest.mark.parametrize("given", [True, False])
def test_nothing_to_check_is_bad_input(harness: Harness, tmp_path: Path, given: bool) -> None:
    """An empty or missing data folder is said, and nothing is called well."""
    answer = harness("data", "check", *(("--data", tmp_path) if given else ()))
    assert (answer.code, answer.out) == (2, "")
    what = f"{tmp_path}: no folder of a known data set." if given else "no data folder is given."
    assert answer.err == f"error: {what} Name data sets, or give their folder: --data DIR or HARNESS_DATA.\n"


def test_matrix_says_what_to_check(harness: Harness, matrix: Path) -> None:
    """Without names the data sets of the matrix are checked."""
    answer = harness("data", "check", "--matrix", matrix)
    assert (answer.code, answer.out.partition(";")[0]) == (0, "digits: ok")


def test_unknown_names_are_bad_input(harness: Harness) -> None:
    """All unknown names are said, with the nearest known one."""
    answer = harness("data", "check", "eurosta", "digits", "dt")
    assert (answer.code, answer.out) == (2, "")
    first, second = answer.err.splitlines()
    assert first.startswith("error: unknown data set 'eurosta'. Did you mean 'eurosat'? Known: digits, ")
    assert second.startswith("error: unknown data set 'dt'. Did you mean 'dtd'? ")


def test_bar_is_for_terminals(harness: Harness, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar moves on stderr of a terminal, and stdout stays as it is."""
    plain = harness("data", "check", "eurosat", "--data", data)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    shown = harness("data", "check", "eurosat", "--data", data)
    assert (plain.err, shown.out) == ("", plain.out)
    assert "eurosat" in terminal.getvalue()


def test_real_split_on_27_000_files(harness: Harness, eurosat: Path) -> None:
    """A tree of EuroSAT's shape is well in every file."""
    answer = harness("data", "check", "eurosat", "--data", eurosat, "--decode")
    assert (answer.code, answer.out) == (
        0,
        "eurosat: ok; 27,000 files are there and can be decoded; "
        "13,500 train, 5,400 val and 8,100 test images of 10 classes; split 9252409af169\n",
    )
    shutil.rmtree(eurosat / "eurosat/2750/River")
    answer = harness("data", "check", "eurosat", "--data", eurosat)
    assert answer.code == 1
    assert "2,500 of 27,000 images are missing: River/River_" in answer.out
    assert "; whole folders are missing: River (2,500)." in answer.out
