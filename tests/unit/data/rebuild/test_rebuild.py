"""Published splits made again from annotation files.

The miniature files hold a class of five training images and, first seen after it, one of three.
``random.Random(1)`` puts the five in the order 2 3 4 0 1 and then the three in the order 0 2 1; the first of each
validates.
"""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from harness.data.catalog import DATASETS
from harness.data.rebuild import rebuild
from harness.data.rebuild.rebuild import REBUILDABLE, rebuild_split
from harness.data.split import PARTS, Item, Split
from harness.errors import DataError

Rows = list[tuple[str, int, str]]
Accept = Callable[[str, Rows, Rows, Rows], None]

# SHA-256 and name of the published files, from the list that came with them.
PUBLISHED = {
    "oxford_pets": ("OxfordPets", "d7f3ffe65b3919f95132e51422894ae18686b83c331fd8c0adcdc3dc2de6301e"),
    "stanford_cars": ("StanfordCars", "40acee7aa65c8e4727a32d90e884b7c3f8960b523422317e163f7af65432959d"),
    "oxford_flowers": ("OxfordFlowers", "2f50c42fc1a17ca13c271cb4269b1347bdb43d2be672e34f74a4e4cbfbcca794"),
    "sun397": ("SUN397", "9847f9ef611008073ac42adee6614bbb83f877cfbcfbd3115fc8284e0c8c1c47"),
    "ucf101": ("UCF101", "d78cb834f7c5792ceaff2c5ee2d7c76a9e4086e48a3a6b01232989d29cbefdd8"),
}

PETS_TRAIN = """\
american_bulldog_100 2 2 1
Abyssinian_1 1 1 1
american_bulldog_101 2 2 1
american_bulldog_102 2 2 1
Abyssinian_10 1 1 1
american_bulldog_103 2 2 1
american_bulldog_104 2 2 1
Abyssinian_2 1 1 1
"""
PETS_TEST = "american_bulldog_9 2 2 1\nAbyssinian_8 1 1 1\namerican_bulldog_7 2 2 1\n"
PETS: tuple[Rows, Rows, Rows] = (
    [
        ("american_bulldog_103.jpg", 1, "american_bulldog"),
        ("american_bulldog_104.jpg", 1, "american_bulldog"),
        ("american_bulldog_100.jpg", 1, "american_bulldog"),
        ("american_bulldog_101.jpg", 1, "american_bulldog"),
        ("Abyssinian_2.jpg", 0, "abyssinian"),
        ("Abyssinian_10.jpg", 0, "abyssinian"),
    ],
    [("american_bulldog_102.jpg", 1, "american_bulldog"), ("Abyssinian_1.jpg", 0, "abyssinian")],
    [
        ("american_bulldog_9.jpg", 1, "american_bulldog"),
        ("Abyssinian_8.jpg", 0, "abyssinian"),
        ("american_bulldog_7.jpg", 1, "american_bulldog"),
    ],
)


@pytest.fixture
def accept(monkeypatch: pytest.MonkeyPatch) -> Accept:
    """Take these rows for what was published of a data set."""

    def accepting(name: str, train: Rows, val: Rows, test: Rows) -> None:
        split = Split(*(tuple(Item(*row) for row in rows) for rows in (train, val, test)))
        monkeypatch.setattr(rebuild, "DATASETS", {name: SimpleNamespace(split_digest=split.digest)})

    return accepting


def put(folder: Path, files: dict[str, str | bytes]) -> Path:
    """The folder with these files in it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def put_pets(folder: Path, train: str | bytes = PETS_TRAIN, test: str | bytes = PETS_TEST) -> Path:
    """The miniature Oxford Pets."""
    return put(folder, {"annotations/trainval.txt": train, "annotations/test.txt": test})


def put_cars(folder: Path, train: list[Any], test: list[Any], names: list[str], boxes: bool = True) -> Path:
    """Stanford Cars' three files, struct and cell arrays like the real ones; boxes take long to write."""
    corners = {"bbox_x1": 39, "bbox_y1": 116, "bbox_x2": 569, "bbox_y2": 375} if boxes else {}

    def annotations(rows: list[Any]) -> np.ndarray[Any, Any]:
        fields = [*corners, *(["class", "fname"] if len(rows[0]) == 2 else ["fname"])]
        boxed = [(*corners.values(), *row) for row in rows]
        return np.array([boxed], dtype=[(field, "O") for field in fields])

    cells = np.empty((1, len(names)), dtype=object)
    cells[0] = names
    (folder / "devkit").mkdir(parents=True, exist_ok=True)
    savemat(folder / "devkit/cars_train_annos.mat", {"annotations": annotations(train)})
    savemat(folder / "devkit/cars_meta.mat", {"class_names": cells})
    savemat(folder / "cars_test_annos_withlabels.mat", {"annotations": annotations(test)}, do_compression=True)
    return folder


def put_flowers(folder: Path, labels: list[int], names: object) -> Path:
    """Oxford Flowers' two files."""
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "imagelabels.mat", {"labels": np.array([labels], dtype=np.uint8)})
    return put(folder, {"cat_to_name.json": json.dumps(names)})


def put_scenes(folder: Path, classes: str, train: str, test: str) -> Path:
    """SUN397's three files."""
    return put(folder, {"ClassName.txt": classes, "Training_01.txt": train, "Testing_01.txt": test})


def put_actions(folder: Path, classes: str, train: str, test: str) -> Path:
    """UCF101's three files."""
    files = {"classInd": classes, "trainlist01": train, "testlist01": test}
    return put(folder, {f"ucfTrainTestlist/{name}.txt": content for name, content in files.items()})


def faults(name: str, folder: Path) -> list[str]:
    """What is wrong, a sentence a fault, the folder's path left out."""
    with pytest.raises(DataError) as caught:
        rebuild_split(name, folder)
    return [str(fault).replace(str(folder), "DIR") for fault in caught.value.faults]


def test_pets_are_rebuilt(tmp_path: Path, accept: Accept) -> None:
    """Labels count from 0, a class is called by its images in small letters, the test list keeps its order."""
    accept("oxford_pets", *PETS)
    content = json.loads(rebuild_split("oxford_pets", put_pets(tmp_path)))
    assert list(content) == ["train", "val", "test"]
    assert content == {part: [list(row) for row in rows] for part, rows in zip(PARTS, PETS, strict=True)}


def test_bytes_are_written_as_coop_wrote_them(tmp_path: Path, accept: Accept) -> None:
    """Four spaces, a value a line, and no newline at the end."""
    accept("oxford_pets", [("a_1.jpg", 0, "a")], [], [("a_2.jpg", 0, "a")])
    assert rebuild_split("oxford_pets", put_pets(tmp_path, "a_1 1 1 1\n", "a_2 1 1 1\n")) == (
        b"{\n"
        b'    "train": [\n        [\n            "a_1.jpg",\n            0,\n            "a"\n        ]\n    ],\n'
        b'    "val": [],\n'
        b'    "test": [\n        [\n            "a_2.jpg",\n            0,\n            "a"\n        ]\n    ]\n}'
    )


@pytest.mark.parametrize(
    "train",
    [
        PETS_TRAIN.replace("\n", "\r\n"),
        PETS_TRAIN.rstrip("\n"),
        f"{PETS_TRAIN}\n  \n\n",
        f"#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n\n{PETS_TRAIN}",
        PETS_TRAIN.replace("\n", " \n").replace(" 2 ", "\t2  "),
        b"\xef\xbb\xbf" + PETS_TRAIN.encode(),
    ],
    ids=["CRLF", "no last newline", "blank lines", "comments", "blanks and tabs", "byte order mark"],
)
def test_traces_of_an_editor_do_not_matter(tmp_path: Path, accept: Accept, train: str | bytes) -> None:
    """Line ends, blank lines, comments, blanks and a byte order mark change nothing."""
    accept("oxford_pets", *PETS)
    assert len(json.loads(rebuild_split("oxford_pets", put_pets(tmp_path, train)))["train"]) == 6


def test_cars_are_rebuilt(tmp_path: Path, accept: Accept) -> None:
    """The year goes to the front, labels count from 0, and the two lists lie in two folders."""
    train = [(2, "00001.jpg"), (2, "00002.jpg"), (1, "00003.jpg"), *((2, f"0000{n}.jpg") for n in (4, 5, 6))]
    train += [(1, "00007.jpg"), (1, "00008.jpg")]
    names = ["Ram C/V Cargo Van Minivan 2012", "smart fortwo Convertible 2012"]
    ram, smart = "2012 Ram C/V Cargo Van Minivan", "2012 smart fortwo Convertible"
    accept(
        "stanford_cars",
        [
            *((f"cars_train/0000{number}.jpg", 1, smart) for number in (5, 6, 1, 2)),
            *((f"cars_train/0000{number}.jpg", 0, ram) for number in (8, 7)),
        ],
        [("cars_train/00004.jpg", 1, smart), ("cars_train/00003.jpg", 0, ram)],
        [("cars_test/00001.jpg", 0, ram), ("cars_test/00002.jpg", 1, smart)],
    )
    rebuild_split("stanford_cars", put_cars(tmp_path, train, [(1.0, "00001.jpg"), (2, "00002.jpg")], names))


def test_flowers_are_rebuilt(tmp_path: Path, accept: Accept) -> None:
    """All images are cut 50/20/30, half rounded to even: of three two train, of five two and not three."""
    five = "prince of wales feathers"
    accept(
        "oxford_flowers",
        [
            ("image_00004.jpg", 101, "blackberry"),
            ("image_00007.jpg", 101, "blackberry"),
            ("image_00006.jpg", 4, five),
            ("image_00008.jpg", 4, five),
        ],
        [("image_00001.jpg", 101, "blackberry"), ("image_00003.jpg", 4, five)],
        [("image_00002.jpg", 4, five), ("image_00005.jpg", 4, five)],
    )
    # Of the three images 1, 4, 7 the order is 1 2 0; of the five images 2, 3, 5, 6, 8 it is 3 4 1 0 2.
    folder = put_flowers(tmp_path, [102, 5, 5, 102, 5, 5, 102, 5], {"102": "blackberry", "5": five, "9": "unused"})
    rebuild_split("oxford_flowers", folder)


def test_scenes_are_rebuilt(tmp_path: Path, accept: Accept) -> None:
    """Labels are line numbers; the letter is dropped and the rest reversed, underscores kept."""
    flat = "outdoor apartment_building"
    accept(
        "sun397",
        [
            *((f"a/apartment_building/outdoor/sun_{letter}.jpg", 1, flat) for letter in "deab"),
            *((f"a/abbey/sun_{letter}.jpg", 0, "abbey") for letter in "zy"),
        ],
        [("a/apartment_building/outdoor/sun_c.jpg", 1, flat), ("a/abbey/sun_x.jpg", 0, "abbey")],
        [("a/abbey/sun_t.jpg", 0, "abbey")],
    )
    flats = "".join(f"/a/apartment_building/outdoor/sun_{letter}.jpg\n" for letter in "abcde")
    abbeys = "".join(f"/a/abbey/sun_{letter}.jpg\n" for letter in "xyz")
    classes = "/a/abbey\n/a/apartment_building/outdoor\n"
    rebuild_split("sun397", put_scenes(tmp_path, classes, flats + abbeys, "/a/abbey/sun_t.jpg\n"))


def test_actions_are_rebuilt(tmp_path: Path, accept: Accept) -> None:
    """A class is cut before each capital, also in the path; the file keeps its name and becomes a picture."""
    hands = "Handstand_Pushups"
    accept(
        "ucf101",
        [
            *((f"{hands}/v_HandStandPushups_g0{number}_c01.jpg", 36, hands) for number in (4, 5, 1, 2)),
            *((f"Yo_Yo/v_YoYo_g0{number}_c01.jpg", 0, "Yo_Yo") for number in (3, 2)),
        ],
        [(f"{hands}/v_HandStandPushups_g03_c01.jpg", 36, hands), ("Yo_Yo/v_YoYo_g01_c01.jpg", 0, "Yo_Yo")],
        [("Yo_Yo/v_YoYo_g09_c01.jpg", 0, "Yo_Yo")],
    )
    lines = [f"HandstandPushups/v_HandStandPushups_g0{number}_c01.avi 37" for number in (1, 2, 3, 4, 5)]
    lines += [f"YoYo/v_YoYo_g0{number}_c01.avi 1" for number in (1, 2, 3)]
    train, test = "\r\n".join(lines), "YoYo/v_YoYo_g09_c01.avi\r\n"
    rebuild_split("ucf101", put_actions(tmp_path, "37 HandstandPushups\r\n1 YoYo\r\n", train, test))


def test_rebuildable_splits_are_published_ones() -> None:
    """Every split that can be rebuilt has a digest to be compared with."""
    assert sorted(REBUILDABLE) == sorted(PUBLISHED)
    assert all(DATASETS[name].split_digest for name in REBUILDABLE)


@pytest.mark.parametrize("name", ["dtd", "oxford_petz", ""])
def test_other_data_sets_cannot_be_rebuilt(tmp_path: Path, name: str) -> None:
    """A data set whose split is not determined by its files is refused, and the others are named."""
    (fault,) = faults(name, tmp_path)
    assert "its split cannot be rebuilt from annotation files." in fault
    assert fault.endswith("Known: oxford_pets, stanford_cars, oxford_flowers, sun397, ucf101.")


@pytest.mark.parametrize("name", REBUILDABLE)
def test_missing_files_are_all_named(tmp_path: Path, name: str) -> None:
    """Every file that is not there is named, with where it comes from; one that is there is not."""
    (fault,) = faults(name, tmp_path)
    assert fault.startswith(f"{name}: missing {', '.join(f'DIR/{file}' for file in REBUILDABLE[name])}. ")
    put(tmp_path, {REBUILDABLE[name][0]: ""})
    (fault,) = faults(name, tmp_path)
    assert fault.startswith(f"{name}: missing {', '.join(f'DIR/{file}' for file in REBUILDABLE[name][1:])}. ")


def test_split_that_differs_is_never_given_out(tmp_path: Path) -> None:
    """Lists that make another split than the published one are refused, with what they hold."""
    assert faults("oxford_pets", put_pets(tmp_path)) == [
        "DIR: what annotations/trainval.txt, annotations/test.txt make (6 train, 2 val, 3 test) is not the "
        "published split: one of them was changed. Unpack annotations.tar.gz of robots.ox.ac.uk/~vgg/data/pets."
    ]


def test_order_of_a_list_matters(tmp_path: Path, accept: Accept) -> None:
    """The same lines in another order make another split."""
    accept("oxford_pets", *PETS)
    train = "\n".join(sorted(PETS_TRAIN.splitlines()))
    assert "is not the published split" in faults("oxford_pets", put_pets(tmp_path, train))[0]


def test_bad_lines_of_both_lists_are_named(tmp_path: Path) -> None:
    """Lines are named as an editor counts them, in every list, and the advice stands once at the end."""
    train = f"#comment\n\n{PETS_TRAIN}no_class\nnopet_1 0 1 1\n"
    assert faults("oxford_pets", put_pets(tmp_path, train, "Abyssinian_8 1 1\n")) == [
        "DIR/annotations/trainval.txt:11: 'no_class' is not of the form `IMAGE CLASS SPECIES BREED`.",
        "DIR/annotations/trainval.txt:12: 0 is not the number of a class.",
        "DIR/annotations/test.txt:1: 'Abyssinian_8 1 1' is not of the form `IMAGE CLASS SPECIES BREED`.",
        "oxford_pets: its split needs the annotation files as they were published. "
        "Unpack annotations.tar.gz of robots.ox.ac.uk/~vgg/data/pets.",
    ]


def test_file_of_another_kind_does_not_flood_the_terminal(tmp_path: Path) -> None:
    """Of a page saved under the name five lines are named, cut short, and the rest are counted."""
    page = f"<html>{'x' * 1000}\n" + "<p>404</p>\n" * 1000
    found = faults("oxford_pets", put_pets(tmp_path, page))
    assert [fault.split(" ")[0] for fault in found[:5]] == [
        f"DIR/annotations/trainval.txt:{number}:" for number in (1, 2, 3, 4, 5)
    ]
    assert found[4].endswith("996 more entries are wrong.")
    assert len(found) == 6
    assert len(found[0]) < 200


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    """What Windows makes of a list that is piped into a file is said, and how to mend it."""
    found = faults("oxford_pets", put_pets(tmp_path, f"ä_1 1 1 1\n{PETS_TRAIN}".encode(encoding)))
    assert found[0] == "DIR/annotations/trainval.txt: is not UTF-8 text. Save it as UTF-8."


def test_unreadable_list_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that may not be read is a fault of that file."""

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    put_pets(tmp_path)
    monkeypatch.setattr(Path, "read_text", refuse)
    assert faults("oxford_pets", tmp_path)[0] == "DIR/annotations/trainval.txt: cannot be read: Permission denied."


def test_altered_scene_list_is_refused(tmp_path: Path) -> None:
    """The altered training list that is about names classes which SUN397 does not have."""
    folder = put_scenes(tmp_path, "/a/abbey\n", "/a/abbey1/sun_a.jpg\n/a/abbey/sun_b.jpg\n", "a/abbey/sun_c.jpg\n")
    assert faults("sun397", folder) == [
        "DIR/Training_01.txt:1: '/a/abbey1' is not a class of ClassName.txt.",
        "DIR/Testing_01.txt:1: 'a/abbey/sun_c.jpg' is not of the form `/LETTER/CLASS/IMAGE`.",
        "sun397: its split needs the annotation files as they were published. "
        "Take the lists of SUN397's own Partitions.zip; altered copies are about.",
    ]
    (fault, _) = faults("sun397", put_scenes(tmp_path, "abbey\n", "/a/abbey/sun_b.jpg\n", ""))
    assert fault == "DIR/ClassName.txt:1: 'abbey' is not of the form `/LETTER/CLASS`."


def test_bad_action_lines_are_named(tmp_path: Path) -> None:
    """A class without a number, a class that is not known, and a file that is no video."""
    (fault, _) = faults("ucf101", put_actions(tmp_path, "YoYo\n", "", ""))
    assert fault == "DIR/ucfTrainTestlist/classInd.txt:1: 'YoYo' is not of the form `NUMBER CLASS`."
    found = faults("ucf101", put_actions(tmp_path, "1 YoYo\n", "Yoyo/v_a.avi 1\n", "YoYo/v_a.jpg\n"))
    assert found[:2] == [
        "DIR/ucfTrainTestlist/trainlist01.txt:1: 'Yoyo' is not a class of classInd.txt.",
        "DIR/ucfTrainTestlist/testlist01.txt:1: 'YoYo/v_a.jpg' is not of the form `CLASS/VIDEO.avi`.",
    ]


def test_bad_car_annotations_are_named(tmp_path: Path) -> None:
    """Classes out of range or broken, a name of two lines, and the test list without classes are said."""
    train = [(3, "1.jpg"), (float("nan"), "2.jpg"), (1.5, "3.jpg"), (1, "4\n.jpg"), (1, "5.jpg")]
    assert faults("stanford_cars", put_cars(tmp_path, train, [("1.jpg",)], ["A 2011", "B 2012"]))[:-1] == [
        "DIR/devkit/cars_train_annos.mat: annotations[0]: 3 is not the number of a class.",
        "DIR/devkit/cars_train_annos.mat: annotations[1]: nan is not the number of a class.",
        "DIR/devkit/cars_train_annos.mat: annotations[2]: 1.5 is not the number of a class.",
        "DIR/devkit/cars_train_annos.mat: annotations[3]: must hold one file name and one class.",
        "DIR/cars_test_annos_withlabels.mat: annotations[0]: lacks the field `fname` or `class`; "
        "cars_test_annos.mat never has `class`.",
    ]
    (fault, _) = faults("stanford_cars", put_cars(tmp_path, [(1, "1.jpg")], [(1, "1.jpg")], ["Audi", "B 2012"]))
    assert fault == "DIR/devkit/cars_meta.mat: class_names[0]: 'Audi' is not a name that ends in a year."


def test_variable_of_another_form_is_named(tmp_path: Path) -> None:
    """A string where an array belongs, and numbers where structs belong."""
    folder = put_cars(tmp_path, [(1, "1.jpg")], [(1, "1.jpg")], ["A 2012"])
    savemat(folder / "devkit/cars_train_annos.mat", {"annotations": np.array([[1]])})
    savemat(folder / "cars_test_annos_withlabels.mat", {"annotations": "text"})
    found = faults("stanford_cars", folder)
    assert found[0].startswith("DIR/devkit/cars_train_annos.mat: annotations[0]: lacks the field")
    assert found[1] == "DIR/cars_test_annos_withlabels.mat: annotations must be an array."


@pytest.mark.parametrize(
    ("name", "file"), [("stanford_cars", "devkit/cars_meta.mat"), ("oxford_flowers", "imagelabels.mat")]
)
def test_page_saved_as_a_mat_file_is_named(tmp_path: Path, name: str, file: str) -> None:
    """A file that is not MATLAB's is a fault of that file, with where to get it."""
    put_cars(tmp_path, [(1, "1.jpg")], [(1, "1.jpg")], ["A 2012"])
    put_flowers(tmp_path, [1], {"1": "pink primrose"})
    put(tmp_path, {file: "<html>404 Not Found</html>" * 10})
    found = faults(name, tmp_path)
    assert found[0] == f"DIR/{file}: is not a MATLAB file that can be read: it does not start like one."
    assert len(found) == 2


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ({"1": "pink primrose", "7": "moon orchid"}, "has no name for: 2, 10."),
        (["pink primrose"], 'is not of the form `{"1": "pink primrose", ...}`.'),
        ({"1": 1}, 'is not of the form `{"1": "pink primrose", ...}`.'),
        ({"1": "a\tb"}, 'is not of the form `{"1": "pink primrose", ...}`.'),
    ],
)
def test_bad_flower_names_are_said(tmp_path: Path, names: object, what: str) -> None:
    """Flowers without a name are listed by number, and names have to be lines of text."""
    assert faults("oxford_flowers", put_flowers(tmp_path, [10, 2, 1], names))[0] == f"DIR/cat_to_name.json: {what}"


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, '{"1": "\\ud800"}'])
def test_flower_names_that_are_no_json_are_said(tmp_path: Path, content: str) -> None:
    """Text that is no JSON, however it is not, is a fault of that file."""
    put_flowers(tmp_path, [1], {})
    put(tmp_path, {"cat_to_name.json": content})
    assert faults("oxford_flowers", tmp_path)[0].startswith("DIR/cat_to_name.json: is not JSON: ")


def unshuffled(*parts: list[list[Any]]) -> list[list[Any]]:
    """The images class after class, each in the order that it had before ``random.Random(1)``.

    Args:
        parts: of the published split, in the order in which they were cut from the shuffled list.
    """
    generator = random.Random(1)
    found = []
    for label in dict.fromkeys(row[1] for row in parts[-1]):
        shuffled = [row for part in parts for row in part if row[1] == label]
        order = list(range(len(shuffled)))
        generator.shuffle(order)
        found += [row for _, row in sorted(zip(order, shuffled, strict=True), key=lambda pair: pair[0])]
    return found


def put_published(folder: Path, name: str, content: dict[str, Any], names: bytes) -> Path:
    """The annotation files that a published split was made from, but for what does not matter to it."""
    if name == "oxford_flowers":  # its images are numbered, so the order of the file is in the paths
        everything = sorted(unshuffled(content["train"], content["val"], content["test"]))
        folder = put_flowers(folder, [row[1] + 1 for row in everything], {})
        return put(folder, {"cat_to_name.json": names})
    lists = [unshuffled(content["val"], content["train"]), content["test"]]
    if name == "oxford_pets":
        return put_pets(
            folder, *("".join(f"{path[:-4]} {label + 1} 1 1\n" for path, label, _ in rows) for rows in lists)
        )
    classes = {label: (path, class_name) for path, label, class_name in lists[0]}
    in_order = [classes[label] for label in range(len(classes))]
    if name == "stanford_cars":
        rows = [[(label + 1, path.partition("/")[2]) for path, label, _ in each] for each in lists]
        car_names = [" ".join([*each.split(" ")[1:], each.split(" ")[0]]) for _, each in in_order]
        return put_cars(folder, rows[0], rows[1], car_names, boxes=False)
    if name == "sun397":
        texts = ["".join(f"/{path}\n" for path, _, _ in rows) for rows in lists]
        return put_scenes(folder, "".join(f"/{path.rpartition('/')[0]}\n" for path, _ in in_order), *texts)
    texts = [
        "".join(f"{each.replace('_', '')}/{path.partition('/')[2][:-4]}.avi\n" for path, _, each in rows)
        for rows in lists
    ]
    numbered = enumerate(in_order, start=1)
    return put_actions(folder, "".join(f"{n} {each.replace('_', '')}\n" for n, (_, each) in numbered), *texts)


@pytest.mark.parametrize("name", REBUILDABLE)
def test_published_split_is_rebuilt_byte_for_byte(tmp_path: Path, real_splits: Path, name: str) -> None:
    """From the annotation files that follow from the published file comes that file, byte for byte."""
    file, digest = PUBLISHED[name]
    content = (real_splits / f"split_zhou_{file}.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    names = (real_splits / "cat_to_name.json").read_bytes()
    assert rebuild_split(name, put_published(tmp_path, name, json.loads(content), names)) == content
