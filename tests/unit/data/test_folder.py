"""Any folder of images as a data set."""

import os
import random
from pathlib import Path

import pytest

from harness.data import folder, listing
from harness.data.catalog import DATASETS, DatasetRow
from harness.data.dataset import keep_split, read_split, whats_missing
from harness.data.folder import SPLIT_FILE, AnyFolder, folder_split
from harness.data.split import PARTS, Item, Split
from harness.errors import DataError


def put(base: Path, *paths: str) -> Path:
    """The folder with empty files at these paths."""
    for path in paths:
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_bytes(b"")
    return base


def images(name: str, count: int) -> list[str]:
    """Paths of so many images of one class."""
    return [f"{name}/{number}.jpg" for number in range(count)]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Two classes, of five images and of four, made in an order that is not sorted."""
    return put(tmp_path / "images", *images("oak", 4)[::-1], *images("elm", 5)[::-1])


def row(place: Path, class_names: Path | None = None) -> DatasetRow:
    """That folder as a data set."""
    return DatasetRow("mine", AnyFolder(str(place), None if class_names is None else str(class_names)), "a {}.")


def paths(split: Split) -> dict[str, list[str]]:
    """The paths of every part."""
    return {part: [item.path for item in getattr(split, part)] for part in PARTS}


def refused(place: Path, names: dict[str, str] | None = None) -> str:
    """What is said of a folder that cannot be used."""
    with pytest.raises(DataError) as caught:
        folder_split(place, names)
    return str(caught.value).replace(str(place), "HERE")


# --- the rule ----------------------------------------------------------------------------------------------


def test_each_class_is_cut_in_three(base: Path) -> None:
    """Sorted classes are shuffled by one ``random.Random(1)``: half to train, a fifth to val, the rest to test."""
    generator = random.Random(1)
    expected: dict[str, list[str]] = {part: [] for part in PARTS}
    for name, count, n_train in (("elm", 5, 2), ("oak", 4, 2)):
        files = images(name, count)
        generator.shuffle(files)
        expected["train"] += files[:n_train]
        expected["val"] += files[n_train : n_train + 1]
        expected["test"] += files[n_train + 1 :]
    assert paths(folder_split(base)) == expected


def test_labels_are_the_places_of_the_sorted_folders(base: Path) -> None:
    """A class is called like its folder."""
    split = folder_split(base)
    assert split.class_names == ("elm", "oak")
    assert {(item.label, item.class_name) for item in split.test} == {(0, "elm"), (1, "oak")}


def test_split_is_a_function_of_names_alone(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another listing order of the disk, another place and other contents give the same split."""
    before = folder_split(base).digest
    plain_listdir, plain_scandir = os.listdir, os.scandir

    class Backwards:
        def __init__(self, place: Path) -> None:
            with plain_scandir(place) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> object:
            return iter(self.entries)

        def __exit__(self, *_: object) -> None:
            pass

    moved = base.rename(tmp_path / "elsewhere")
    (moved / "elm" / "0.jpg").write_bytes(b"other")
    for reverse in (False, True):
        monkeypatch.setattr(
            listing.os,
            "listdir",
            lambda place, reverse=reverse: sorted(plain_listdir(place), reverse=reverse),
        )
        monkeypatch.setattr(listing.os, "scandir", Backwards if reverse else plain_scandir)
        assert folder_split(moved).digest == before


def test_digest_of_a_small_folder_is_pinned(base: Path) -> None:
    """The rule may not drift: records hold this digest."""
    assert folder_split(base).digest == "f55b8814ab149534da82bff77b6375b63ade08e860fcb6a033a3b85dbaba9c63"


def test_what_is_no_image_is_left_out(base: Path) -> None:
    """Hidden files and folders, empty class folders, other files and the kept split itself are passed over."""
    before = folder_split(base)
    put(base, ".cache/0.jpg", "elm/.0.jpg", "elm/notes.txt", "oak/Thumbs.db", "README.md", SPLIT_FILE)
    (base / "empty").mkdir()
    put(base, "words/only.txt")
    assert folder_split(base) == before


def test_suffixes_count_in_any_case(tmp_path: Path) -> None:
    """Cameras write capitals."""
    put(tmp_path, "a/1.JPG", "a/2.jpeg", "a/3.PNG", "a/4.webp")
    split = folder_split(tmp_path)
    assert len(split.train + split.val + split.test) == 4


def test_names_beyond_ascii_are_kept_whole(tmp_path: Path) -> None:
    """A class may be called in any script, in the kept file, too."""
    put(tmp_path, *images("Straße", 4), *images("桜", 4), *images("élan vital", 4))
    split = folder_split(tmp_path)
    assert split.class_names == ("Straße", "élan vital", "桜")
    assert keep_split(row(tmp_path), None) == tmp_path / SPLIT_FILE
    assert (tmp_path / SPLIT_FILE).read_bytes().isascii()
    assert read_split(row(tmp_path), None) == split


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_name_that_is_not_utf_8_is_a_fault(tmp_path: Path) -> None:
    """Such a path has no bytes that a digest could be made of; it is said, not raised as a defect."""
    put(tmp_path, *images("a", 4))
    try:
        (tmp_path / "a" / os.fsdecode(b"\xff.jpg")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert "1 paths or class names hold control characters or are not UTF-8" in refused(tmp_path)


# --- names -------------------------------------------------------------------------------------------------


def test_class_names_come_from_their_file(base: Path, tmp_path: Path) -> None:
    """Names go by folder; labels stay the places of the sorted folders."""
    (tmp_path / "names.txt").write_text("oak common oak\nelm wych elm\nfir not here\n")
    split = read_split(row(base, tmp_path / "names.txt"), None)
    assert split.class_names == ("wych elm", "common oak")


def test_folders_without_a_name_are_a_fault(base: Path) -> None:
    """They are named, all of them."""
    assert refused(base, {}) == "HERE: 2 folders have no class name: elm, oak."


def test_missing_class_names_are_missing(base: Path, tmp_path: Path) -> None:
    """The file belongs to what the data set needs."""
    assert whats_missing(row(base, tmp_path / "names.txt"), None) == f"missing {tmp_path / 'names.txt'}"


def test_changed_class_names_do_not_go_with_the_kept_split(base: Path, tmp_path: Path) -> None:
    """Names are part of what was kept; other ones are said with the way to take them."""
    names = tmp_path / "names.txt"
    names.write_text("oak common oak\nelm wych elm\n")
    mine = row(base, names)
    keep_split(mine, None)
    names.write_text("elm field elm\noak common oak\n")
    with pytest.raises(DataError) as caught:
        read_split(mine, None)
    assert str(caught.value) == (
        f"{base / SPLIT_FILE}: was kept with other class names for 1 folders, 'elm' first. "
        "Remove the file to have the split drawn with today's names."
    )


# --- parts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_val", [False, True])
def test_folders_called_like_parts_are_the_parts(tmp_path: Path, has_val: bool) -> None:
    """Nothing is drawn where the folder says itself what trains and what tests."""
    put(tmp_path, "train/b/1.jpg", "train/a/2.jpg", "test/a/1.jpg", "test/b/1.jpg")
    if has_val:
        put(tmp_path, "val/a/9.jpg")
    split = folder_split(tmp_path)
    assert split.train == (Item("train/a/2.jpg", 0, "a"), Item("train/b/1.jpg", 1, "b"))
    assert split.test == (Item("test/a/1.jpg", 0, "a"), Item("test/b/1.jpg", 1, "b"))
    assert split.val == ((Item("val/a/9.jpg", 0, "a"),) if has_val else ())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (("train",), "has train/ but no test/."),
        (("test",), "has test/ but no train/."),
        (("val",), "has val/ but no train/ and no test/."),
        (("train", "val"), "has train/ and val/ but no test/."),
    ],
)
def test_part_without_its_counterpart_is_a_fault(tmp_path: Path, found: tuple[str, ...], said: str) -> None:
    """What is there and what is not are both said."""
    put(tmp_path, *(f"{part}/a/1.jpg" for part in found))
    mend = "Rename a part, or put all class folders into one folder to have the split drawn."
    assert refused(tmp_path) == f"HERE: {said} {mend}"


def test_class_of_test_that_is_not_trained_is_a_fault(tmp_path: Path) -> None:
    """Such a class could be neither drawn nor learned."""
    put(tmp_path, "train/a/1.jpg", "test/a/1.jpg", "test/b/1.jpg", "val/c/1.jpg")
    assert refused(tmp_path) == "HERE/train: 2 classes have no training images: b, c."


def test_class_may_be_called_train(tmp_path: Path) -> None:
    """A folder of that name among others is a class, as long as images lie in it."""
    put(tmp_path, *images("train", 4), *images("bus", 4))
    assert folder_split(tmp_path).class_names == ("bus", "train")


@pytest.mark.parametrize("other", ["valid", "validation", "extra"])
def test_parts_beside_other_folders_are_a_fault(tmp_path: Path, other: str) -> None:
    """A part of another name, or anything else beside the parts, would be taken for the only class."""
    put(tmp_path, "train/a/1.jpg", "test/a/1.jpg", *images(other, 4))
    assert refused(tmp_path) == (
        f"HERE: holds class folders in train/ and test/, but other folders beside them: {other}. "
        "Parts are called train, val and test; move everything else away."
    )


# --- what cannot be used -----------------------------------------------------------------------------------


def test_small_classes_are_named_with_their_sizes(tmp_path: Path) -> None:
    """Below four images a class cannot give to all parts."""
    put(tmp_path, *images("a", 3), *images("b", 4), *images("c", 1))
    assert refused(tmp_path) == (
        "HERE: 2 classes hold fewer than 4 images: a (3), c (1). Add images or take these folders away."
    )


def test_four_images_give_to_every_part(tmp_path: Path) -> None:
    """The smallest class that is taken trains on two images, and has one to validate and one to test."""
    split = folder_split(put(tmp_path, *images("a", 4)))
    assert [len(part) for part in (split.train, split.val, split.test)] == [2, 1, 1]


@pytest.mark.parametrize("files", [(), ("1.jpg", "2.jpg"), ("a/readme.txt",), ("a/b/1.jpg",)])
def test_folder_without_class_folders_is_a_fault(tmp_path: Path, files: tuple[str, ...]) -> None:
    """Images that lie loose, or a level too deep, are no classes."""
    put(tmp_path, *files)
    assert refused(tmp_path) == "HERE: holds no folders with images; each class is a folder of its images."


def test_missing_folder_is_said(tmp_path: Path) -> None:
    """By whoever asks: what is missing, and the reader."""
    assert whats_missing(row(tmp_path / "none"), None) == f"missing {tmp_path / 'none'}"
    assert refused(tmp_path / "none").startswith("HERE: cannot be listed: ")


def test_unreadable_class_folder_is_said(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions are the user's to mend."""

    def refuse(place: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr(folder, "image_names", refuse)
    assert refused(base) == "HERE/elm: cannot be listed: Permission denied."


# --- kept once ---------------------------------------------------------------------------------------------


def test_split_is_kept_once(base: Path) -> None:
    """Images that are added or removed later change nothing."""
    mine = row(base)
    before = read_split(mine, None)
    assert not (base / SPLIT_FILE).exists()
    assert keep_split(mine, None) == base / SPLIT_FILE
    kept = (base / SPLIT_FILE).read_bytes()
    put(base, *images("elm", 9), *images("fir", 4))
    (base / "oak" / "0.jpg").unlink()
    assert read_split(mine, None) == before
    assert keep_split(mine, None) is None
    assert (base / SPLIT_FILE).read_bytes() == kept


def test_split_without_a_kept_one_follows_the_folder(base: Path) -> None:
    """Until something is trained the folder may still change."""
    before = read_split(row(base), None)
    put(base, *images("fir", 4))
    assert read_split(row(base), None).class_names == ("elm", "fir", "oak") != before.class_names


def test_folder_that_cannot_be_written_to_is_said(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The split can be written elsewhere, by the command that is named."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folder, "write_bytes", refuse)
    with pytest.raises(DataError) as caught:
        keep_split(row(base), None)
    assert str(caught.value) == (
        f"{base / SPLIT_FILE}: the split cannot be kept: [Errno 13] Permission denied. "
        f"Write it elsewhere with `harness data split {base} --out FILE`, and name that beside `folder:` as "
        "`split: FILE`."
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"train": [], "val": [], "test": []}'])
def test_damaged_kept_split_is_a_fault(base: Path, content: str) -> None:
    """It is never drawn anew behind the user's back."""
    (base / SPLIT_FILE).write_text(content)
    with pytest.raises(DataError, match=SPLIT_FILE):
        read_split(row(base), None)


def test_other_shapes_keep_nothing(tmp_path: Path) -> None:
    """Only plain folders have a split that is drawn."""
    assert keep_split(DATASETS["digits"], None) is None
    assert keep_split(DATASETS["dtd"], tmp_path) is None
