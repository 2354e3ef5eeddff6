"""Reading, validating and digesting splits."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from harness.data.split import Item, Split, items_digest, validated
from harness.data.split_files import read_split_json, read_text_lists
from harness.errors import DataError

A0, B1 = Item("a.jpg", 0, "a"), Item("b.jpg", 1, "b")


def messages(split: Split) -> list[str]:
    """What is wrong with a split."""
    with pytest.raises(DataError) as caught:
        validated(split, "here")
    return [str(fault) for fault in caught.value.faults]


def test_good_split_is_returned() -> None:
    """A split without faults comes back as it is."""
    split = Split((A0, B1), (), (Item("c.jpg", 0, "a"),))
    assert validated(split, "here") is split


def test_class_names_are_in_label_order() -> None:
    """Names follow the labels, not the order of the images."""
    assert Split((B1,), (), (A0,)).class_names == ("a", "b")


@pytest.mark.parametrize(
    ("split", "faults"),
    [
        (
            Split((A0, Item("c.jpg", 2, "c")), (), (Item("d.jpg", 0, "a"),)),
            ["here: labels must run from 0 to 1 without gaps."],
        ),
        (
            Split((Item("c.jpg", -1, "c"),), (), (A0,)),
            ["here: labels must run from 0 to 1 without gaps."],
        ),
        (
            Split((A0,), (), (Item("d.jpg", 0, "z"),)),
            ["here: label 0 has several class names: a, z."],
        ),
        (Split((A0,), (), (A0,)), ["here: 1 paths stand twice, 'a.jpg' first."]),
        (Split((), (), (A0,)), ["here: the part 'train' is empty."]),
        (Split((A0,), (), ()), ["here: the part 'test' is empty."]),
        (Split((), (), ()), ["here: the part 'train' is empty.", "here: the part 'test' is empty."]),
        (
            Split((A0, A0, Item("b.jpg", 2, "b"), Item("c.jpg", 2, "c")), (), ()),
            [
                "here: labels must run from 0 to 1 without gaps.",
                "here: label 2 has several class names: b, c.",
                "here: 1 paths stand twice, 'a.jpg' first.",
                "here: the part 'test' is empty.",
            ],
        ),
    ],
)
def test_all_faults_of_a_split_are_reported_together(split: Split, faults: list[str]) -> None:
    """Gaps, double names, double paths and empty parts are said at once."""
    assert messages(split) == faults


@pytest.mark.parametrize("path", ["a\tb.jpg", "a\n.jpg", "gr\udcfc.jpg"])
def test_path_that_cannot_stand_in_a_line_is_refused(path: str) -> None:
    """Tabs, line ends and names that are no text have no digest."""
    split = Split((A0, Item(path, 0, "a")), (), (B1,))
    [message] = messages(split)
    assert (
        message
        == f"here: 1 paths or class names hold control characters or are not UTF-8, {split.train[1]!r} first."
    )


def test_digest_is_pinned() -> None:
    """Digests are SHA-256 over literal lines, since records hold them."""
    split = Split((A0,), (), (B1,))
    assert split.digest == hashlib.sha256(b"train\ta.jpg\t0\ta\ntest\tb.jpg\t1\tb\n").hexdigest()
    assert items_digest([A0, B1]) == hashlib.sha256(b"a.jpg\t0\ta\nb.jpg\t1\tb\n").hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        Split((B1,), (), (A0,)),
        Split((), (A0,), (B1,)),
        Split((Item("a.jpeg", 0, "a"),), (), (B1,)),
        Split((Item("a.jpg", 0, "A"),), (), (B1,)),
        Split((Item("a.jpg", 1, "a"),), (), (B1,)),
    ],
)
def test_digest_covers_everything(other: Split) -> None:
    """Part, path, label, class name and order are all in the digest."""
    assert other.digest != Split((A0,), (), (B1,)).digest


def test_order_of_images_is_in_the_digest(split: Split) -> None:
    """The draw depends on the order of the images, so the digest does."""
    turned = dataclasses.replace(split, train=split.train[::-1])
    assert (split.digest == turned.digest, items_digest(split.train) == items_digest(turned.train)) == (
        False,
        False,
    )


# --- CoOp's form -------------------------------------------------------------------------------------------


def test_json_split_is_read(tmp_path: Path) -> None:
    """Rows of path, label and class name become the items of the three parts."""
    path = tmp_path / "split.json"
    path.write_text(
        json.dumps({"train": [["a.jpg", 0, "a"]], "val": [["v.jpg", 0, "a"]], "test": [["b.jpg", 1, "b"]]})
    )
    assert read_split_json(path) == Split((A0,), (Item("v.jpg", 0, "a"),), (B1,))


def test_missing_json_split_is_an_error(tmp_path: Path) -> None:
    """A published split is never made up."""
    with pytest.raises(DataError) as caught:
        read_split_json(tmp_path / "split.json")
    assert str(caught.value) == (
        f"{tmp_path / 'split.json'}: the split file is missing. "
        "The split is published and is never drawn anew; put the file there, or `harness data fetch` it."
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "it is not JSON (Expecting value: line 1 column 1 (char 0))"),
        ("[" * 100_000, "it is not JSON (it is nested too deeply)"),
        ("[]", "it holds list, not an object"),
        ("{}", "the part 'train' is missing, the part 'val' is missing, the part 'test' is missing"),
        ('{"train": [], "val": 3, "test": []}', "the part 'val' is no list"),
        (
            '{"train": [["a", 0]], "val": [["a", "0", "a"], ["a", 0, "a"], [1, 0, "a"]], '
            '"test": [3, ["a", true, "a"]]}',
            "train[0] is ['a', 0], val[0] is ['a', '0', 'a'], val[2] is [1, 0, 'a'], test[0] is 3, "
            "test[1] is ['a', True, 'a']",
        ),
        ('{"train": [1, 2, 3, 4, 5, 6, 7], "val": [], "test": []}', "train[4] is 5 and 2 more"),
    ],
)
def test_json_of_another_form_is_an_error(tmp_path: Path, content: str, what: str) -> None:
    """Everything that is not of CoOp's form is said together, and what that form is."""
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_split_json(path)
    assert str(caught.value).startswith(f"{path}: is not a split of CoOp's form: ")
    assert what in str(caught.value)
    assert '`{"train": [[path, label, class name], ...]' in str(caught.value)


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    """An archive under the name of a split is said to be no text."""
    (tmp_path / "split.json").write_bytes(b"PK\xff")
    with pytest.raises(DataError, match=r"split\.json: is not UTF-8 text"):
        read_split_json(tmp_path / "split.json")


def test_json_split_is_validated(tmp_path: Path) -> None:
    """A file of the right form with wrong content is refused."""
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": [["a.jpg", 0, "a"]], "val": [], "test": [["a.jpg", 0, "a"]]}))
    with pytest.raises(DataError, match="1 paths stand twice"):
        read_split_json(path)


# --- FGVC-Aircraft's form ----------------------------------------------------------------------------------

LISTS = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder of lists with two variants, one of two words."""
    (tmp_path / "names.txt").write_text("707-320\nDC 10\n")
    (tmp_path / "train.txt").write_text("0001 DC 10\n0002 707-320\n\n")
    (tmp_path / "val.txt").write_text("0003 DC 10\n")
    (tmp_path / "test.txt").write_text("0004 707-320\n")
    return tmp_path


def test_text_lists_are_read(lists: Path) -> None:
    """Labels follow the list of names, class names keep their spaces, images get their ending."""
    split = read_text_lists(lists, "names.txt", LISTS)
    assert split.train == (Item("0001.jpg", 1, "DC 10"), Item("0002.jpg", 0, "707-320"))
    assert (split.val, split.test) == ((Item("0003.jpg", 1, "DC 10"),), (Item("0004.jpg", 0, "707-320"),))


def test_missing_text_list_is_an_error(lists: Path) -> None:
    """The missing list is named."""
    (lists / "val.txt").unlink()
    with pytest.raises(DataError) as caught:
        read_text_lists(lists, "names.txt", LISTS)
    assert str(caught.value) == f"{lists / 'val.txt'}: the split list is missing."


def test_faults_of_all_text_lists_are_reported_together(lists: Path) -> None:
    """Classes that are not in the list of names, and lines without a class, by file."""
    (lists / "train.txt").write_text("0005 MD-11\n0006\n0007 MD-11\n")
    (lists / "test.txt").write_text("0008\n")
    with pytest.raises(DataError) as caught:
        read_text_lists(lists, "names.txt", LISTS)
    assert [str(fault) for fault in caught.value.faults] == [
        f"{lists / 'train.txt'}: 1 lines are not of the form `IMAGE CLASS NAME`: 0006.",
        f"{lists / 'train.txt'}: names 1 classes that are not in names.txt: MD-11.",
        f"{lists / 'test.txt'}: 1 lines are not of the form `IMAGE CLASS NAME`: 0008.",
    ]


# --- ImageNet's form ---------------------------------------------------------------------------------------
