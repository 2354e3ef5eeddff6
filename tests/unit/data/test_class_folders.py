"""Splits that follow from folders of images."""

from pathlib import Path

import pytest

from harness.data.class_folders import read_class_names, read_imagenet, read_shifted
from harness.data.split import Item
from harness.errors import DataError


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two classes of ImageNet's form, made in an order that is not sorted."""
    (tmp_path / "names.txt").write_text("n02 great white shark\nn01 tench\nn99 not here\n")
    for place in (
        "train/n02/b.JPEG",
        "train/n02/a.JPEG",
        "train/n01/c.JPEG",
        "test/n01/d.JPEG",
        "test/n02/e.JPEG",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("")
    return tmp_path


def test_class_folders_are_read_in_sorted_order(folders: Path) -> None:
    """Folders and files are sorted, so that the split does not depend on the file system."""
    split = read_imagenet(folders, "names.txt", "train", "test")
    assert split.train == (
        Item("train/n01/c.JPEG", 0, "tench"),
        Item("train/n02/a.JPEG", 1, "great white shark"),
        Item("train/n02/b.JPEG", 1, "great white shark"),
    )
    assert [item.path for item in split.test] == ["test/n01/d.JPEG", "test/n02/e.JPEG"]
    assert split.val == ()


@pytest.mark.parametrize("gone", ["names.txt", "train", "test"])
def test_missing_class_folder_is_an_error(folders: Path, gone: str) -> None:
    """The missing file or folder is named."""
    (folders / gone).rename(folders / "elsewhere")
    with pytest.raises(DataError) as caught:
        read_imagenet(folders, "names.txt", "train", "test")
    assert str(caught.value).startswith(str(folders / gone))
    assert str(caught.value).endswith("is missing.")


def test_class_folder_without_a_name_is_an_error(folders: Path) -> None:
    """A folder that the list of names does not know is refused."""
    (folders / "names.txt").write_text("n01 tench\n")
    with pytest.raises(DataError, match="has no class name for 1 folders: n02"):
        read_imagenet(folders, "names.txt", "train", "test")


def _image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")


def test_what_is_no_image_is_left_out(folders: Path) -> None:
    """Hidden files and folders, and files that are no images by their names, are passed over."""
    before = read_imagenet(folders, "names.txt", "train", "test")
    for name in (
        "train/.DS_Store",
        "train/n01/.hidden.jpg",
        "train/n01/Thumbs.db",
        "train/README.txt",
        "train/.x/a.jpg",
    ):
        _image(folders / name)
    assert read_imagenet(folders, "names.txt", "train", "test") == before


def test_a_shifted_sets_labels_are_its_own(tmp_path: Path) -> None:
    """Labels are the places among the set's own sorted folders, names those of the wnids."""
    (tmp_path / "classnames.txt").write_text("n01 tench\nn02 goldfish\nn03 great white shark\n")
    for name in ("x/n03/b.jpg", "x/n01/a.JPEG", "x/README.txt"):
        _image(tmp_path / name)
    split = read_shifted(tmp_path, "classnames.txt", "x")
    assert split.test == (Item("n01/a.JPEG", 0, "tench"), Item("n03/b.jpg", 1, "great white shark"))
    assert split.train == split.val == ()


def test_numbered_folders_are_lines_of_the_class_names(tmp_path: Path) -> None:
    """ImageNetV2's folder 10 is the eleventh class, and comes after folder 2."""
    (tmp_path / "classnames.txt").write_text("".join(f"n{n:02} name {n}\n" for n in range(11)))
    for number in range(11):
        _image(tmp_path / "x" / str(number) / "a.jpeg")
    split = read_shifted(tmp_path, "classnames.txt", "x")
    assert [item.label for item in split.test] == list(range(11))
    assert split.class_names[10] == "name 10"


def test_a_gap_in_numbered_folders_is_a_fault(tmp_path: Path) -> None:
    """A missing folder would give the others wrong names if labels were renumbered."""
    (tmp_path / "classnames.txt").write_text("n01 tench\nn02 goldfish\n")
    _image(tmp_path / "x" / "1" / "a.jpeg")
    with pytest.raises(DataError, match="labels must run from 0 to 0"):
        read_shifted(tmp_path, "classnames.txt", "x")


def test_faults_of_class_names_come_together(tmp_path: Path) -> None:
    """Each bad line is named."""
    path = tmp_path / "classnames.txt"
    path.write_text("n01 tench\nn02\n\nn01 trout\nfoo bar\ttwo words\n")
    with pytest.raises(DataError) as caught:
        read_class_names(path)
    assert [str(fault) for fault in caught.value.faults] == [
        f"{path}:2: must be a folder and its class name, not 'n02'.",
        f"{path}:4: names the folder 'n01' a second time.",
    ]
