"""Somebody's list of training images, in place of a draw."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.few_shot import few_shot_subset
from harness.data.split import Item, Split, items_lines
from harness.data.subset_file import listed_subset
from harness.errors import DataError

WNIDS = ("n01440764", "n02")


def items(part: str, count: int) -> tuple[Item, ...]:
    """So many images of each of two classes, called as ImageNet's are."""
    return tuple(
        Item(f"{part}/{wnid}/{wnid}_{number}.JPEG", label, ("tench", "shark")[label])
        for label, wnid in enumerate(WNIDS)
        for number in range(count)
    )


@pytest.fixture
def imagenet() -> Split:
    """A split without validation part."""
    return Split(items("images/train", 6), (), items("images/val", 1))


LISTED = ("images/train/n02/n02_3.JPEG", "images/train/n01440764/n01440764_1.JPEG")  # not in the split's order
FOUND = (9, 1)


def put(tmp_path: Path, content: Any) -> Path:
    """A list: text or bytes as they are, everything else as JSON."""
    path = tmp_path / "list"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def refused(split: Split, tmp_path: Path, content: Any, shots: Any = 1) -> list[str]:
    """What is said of a list, ``F`` for its path."""
    path = put(tmp_path, content)
    with pytest.raises(DataError) as caught:
        listed_subset(split, path, shots, 1)
    return [str(fault).replace(str(path), "F") for fault in caught.value.faults]


# --- forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(LISTED),
        "\n\n".join(LISTED) + "\n\n",
        "\r\n".join(LISTED).encode() + b"\r\n",
        b"\xef\xbb\xbf" + "\n".join(LISTED).encode(),
        "".join(f"{path} {label}\n" for path, label in zip(LISTED, (1, 0), strict=True)),
        "".join(f"{path}  1   0 \n" for path in LISTED),
        "".join(f"{path}\t1\tgreat white shark\n" for path in LISTED),
        list(LISTED),
        [[path, 1, "a name"] for path in LISTED],
        [{"impath": path, "label": 1} for path in LISTED],
        [{"path": path} for path in LISTED],
        {"train": list(LISTED)},
        {"train": {"data": list(LISTED)}, "test": ["not looked at"]},
        {"train": [[path, 1, "a name"] for path in LISTED], "val": []},
        b"\xef\xbb\xbf" + json.dumps({"train": list(LISTED)}).encode(),
        "\n".join(path.replace("/", "\\") for path in LISTED),
        "\n".join(f"./{path}" for path in LISTED),
        "\n".join(f"/somebody/data/{path}" for path in LISTED),
        "\n".join(f"C:\\data\\{path}".replace("/", "\\") for path in LISTED),
        "\n".join(path.removeprefix("images/train/") for path in LISTED),
        "\n".join(f"/other/place/{path.removeprefix('images/')}" for path in LISTED),
        "\n".join(path.split("/")[-1] for path in LISTED),
        "\n".join(f"train_0/{path.split('/')[-1]}" for path in LISTED),
        "n02_3.JPEG\nn01440764_1_n01440764.JPEG",
        "train_0/n02_3.JPEG\ntrain_0/n01440764_1_n01440764.JPEG",
    ],
)
def test_forms_that_lists_have(imagenet: Split, tmp_path: Path, content: Any) -> None:
    """Text and JSON, anybody's folders in front, either slash, Windows' line ends, Kaggle's names: one subset."""
    subset = listed_subset(imagenet, put(tmp_path, content), 1, 1)
    assert (subset.train, subset.fewer_shots, subset.val_from_train) == (FOUND, (), True)


def test_own_output_reads_back(split: Split, tmp_path: Path) -> None:
    """What ``harness data draw`` prints is a list of the same images in the same order."""
    drawn = few_shot_subset(split, 2, 3)
    path = put(tmp_path, items_lines(drawn.train_items(split)))
    assert listed_subset(split, path, 2, 3).train == drawn.train


def test_names_with_spaces_and_numbers(tmp_path: Path) -> None:
    """A blank belongs to the path unless only numbers follow it."""
    split = Split((Item("a b/my cat 2.jpg", 0, "a"),), (), (Item("t.jpg", 0, "a"),))
    for line in (
        "a b/my cat 2.jpg",
        "a b/my cat 2.jpg 0",
        "a b/my cat 2.jpg\t0\ta b",
        "a b/my cat 2.jpg" + " 1" * 20_000,
    ):
        assert listed_subset(split, put(tmp_path, line), 1, 1).train == (0,)


# --- validation images -------------------------------------------------------------------------------------


def test_validation_images_are_listed_too(split: Split, tmp_path: Path) -> None:
    """A list with a ``val`` part names them, in its order."""
    content = {"train": ["train/large_0", "train/small_1"], "val": ["val/small_4", "val/large_2"]}
    subset = listed_subset(split, put(tmp_path, content), 1, 1)
    assert [item.path for item in subset.val_items(split)] == ["val/small_4", "val/large_2"]


def test_validation_images_are_drawn_where_none_are_listed(split: Split, imagenet: Split, tmp_path: Path) -> None:
    """From the validation part, else from training images that are not listed; by seed and shots."""
    path = put(tmp_path, "train/large_0\ntrain/small_1\n")
    subset = listed_subset(split, path, 1, 1)
    assert [item.class_name for item in subset.val_items(split)] == ["large", "small"]
    path = put(tmp_path, list(LISTED))
    draws = {listed_subset(imagenet, path, 1, seed).val for seed in range(9)}
    assert len(draws) > 1
    assert not any(set(val) & set(FOUND) for val in draws)


def test_image_to_train_and_to_validate_is_a_fault(imagenet: Split, tmp_path: Path) -> None:
    """Where both come from the training part a list may mix them up."""
    assert refused(imagenet, tmp_path, {"train": list(LISTED), "val": list(LISTED[:1])}) == [
        f"F: lists 1 images both to train and to validate, {LISTED[0]!r} first."
    ]


# --- faults ------------------------------------------------------------------------------------------------


def test_missing_images_are_counted(imagenet: Split, tmp_path: Path) -> None:
    """Images of another split, or of the test part, are not training images."""
    content = [*LISTED, "images/val/n02/n02_77.JPEG", "n03/n03_1.JPEG"]
    assert refused(imagenet, tmp_path, content) == [
        "F: 2 of 4 images are not in the split, 'images/val/n02/n02_77.JPEG' first."
    ]


def test_image_of_another_class_is_not_taken(tmp_path: Path) -> None:
    """Where every class has an image of one name the folder tells, and a wrong folder is none of them."""
    split = Split((Item("cars/image_1.jpg", 0, "car"), Item("faces/image_2.jpg", 1, "face")), (), ())
    assert refused(split, tmp_path, "cars/image_1.jpg\ncars/image_2.jpg\n") == [
        "F: 1 of 2 images are not in the split, 'cars/image_2.jpg' first."
    ]


def test_image_that_may_be_several_is_a_fault(tmp_path: Path) -> None:
    """A name alone says nothing where two folders have it; more of the path does."""
    split = Split((Item("x/a/1.jpg", 0, "a"), Item("y/a/1.jpg", 0, "a")), (), (Item("t.jpg", 0, "a"),))
    for line in ("1.jpg", "a/1.jpg"):
        assert refused(split, tmp_path, line) == [
            f"F: 1 of 1 images may be any of several, {line!r} first. Write their paths as the split has them."
        ]
    assert listed_subset(split, put(tmp_path, "/data/y/a/1.jpg"), 1, 1).train == (1,)


def test_exact_path_goes_before_a_longer_one(tmp_path: Path) -> None:
    """A path of the split is that image, also where another path ends in it."""
    split = Split((Item("a/1.jpg", 0, "a"), Item("b/a/1.jpg", 0, "a")), (), (Item("t.jpg", 0, "a"),))
    assert listed_subset(split, put(tmp_path, "a/1.jpg"), 1, 1).train == (0,)


def test_image_listed_twice_is_a_fault(imagenet: Split, tmp_path: Path) -> None:
    """Also under two spellings."""
    assert refused(imagenet, tmp_path, [*LISTED, LISTED[0].split("/")[-1]], shots=2) == [
        f"F: lists 1 images twice, {LISTED[0]!r} first."
    ]


def test_class_that_is_left_out_is_a_fault(imagenet: Split, tmp_path: Path) -> None:
    """It could not be learned."""
    assert refused(imagenet, tmp_path, LISTED[0]) == ["F: lists no training images of 1 classes: tench."]


def test_more_images_than_shots_are_a_fault(imagenet: Split, tmp_path: Path) -> None:
    """A list for two shots is no list for one, whatever its name; ``all`` takes any number."""
    content = [*LISTED, "n02_4.JPEG"]
    assert refused(imagenet, tmp_path, content) == [
        "F: lists more than 1 training images of 1 classes: shark. "
        "A list stands for one number of shots: write {shots} into its name, or ask for its own number."
    ]
    assert len(listed_subset(imagenet, put(tmp_path, content), "all", 1).train) == 3


def test_fewer_images_than_shots_are_marked(imagenet: Split, tmp_path: Path) -> None:
    """As in a draw, whose small classes are taken whole."""
    content = [*LISTED, "n02_4.JPEG"]
    assert listed_subset(imagenet, put(tmp_path, content), 2, 1).fewer_shots == ("tench",)


@pytest.mark.parametrize("content", ["", "\n \n", "{}", "[]", {"val": [LISTED[0]]}, {"train": None}])
def test_empty_list_is_a_fault(imagenet: Split, tmp_path: Path, content: Any) -> None:
    """A list names images."""
    assert refused(imagenet, tmp_path, content) == ["F: lists no images."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80\x04\x95", "'utf-8' codec can't decode byte 0x80 in position 0: invalid start byte"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ({"train": 3}, "a part must be a list of images, not int"),
        ([3], "an image must be a path, not 3"),
        ("[" * 100_000, "it is nested too deeply"),
        ([[]], "an image must be a path, not []"),
        ([{"file": "x"}], "an image must be a path, not None"),
    ],
)
def test_what_is_no_list_is_said(imagenet: Split, tmp_path: Path, content: Any, said: str) -> None:
    """A pickle, broken JSON and other shapes are refused with the forms that are read."""
    assert refused(imagenet, tmp_path, content) == [
        f"F: is not a list of images: {said}. "
        'Lists are text with one image a line, or JSON: `{"train": [PATH, ...]}`.'
    ]


def test_missing_list_is_said(imagenet: Split, tmp_path: Path) -> None:
    """The file is named."""
    with pytest.raises(DataError) as caught:
        listed_subset(imagenet, tmp_path / "none", 1, 1)
    assert str(caught.value) == (
        f"{tmp_path / 'none'}: the list of training images cannot be read: No such file or directory."
    )
