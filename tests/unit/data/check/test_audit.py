"""What is found wrong with data sets on disk; each fault is provoked on a miniature."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from harness.data.catalog import DATASETS, DatasetRow
from harness.data.check import image_files, misplaced
from harness.data.check.audit import Audit, audit
from harness.data.dataset import read_split
from harness.data.layout import ImageNetFolders, ShiftedFolders, SplitFile, TextLists

TEMPLATE = "a photo of a {}."
PARTS = {"train": 3, "val": 1, "test": 2}
CLASSES = ("Cat", "dog")
WNIDS = ("n00000001", "n00000002")


def draw(file: Path, number: int) -> None:
    """Write a tiny JPEG unlike those of other numbers."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(file)


@pytest.fixture
def row() -> DatasetRow:
    """A data set of CoOp's form with six train, two val and four test images of two classes."""
    return DatasetRow("pets", SplitFile("Pets", "split_zhou_Pets.json", "images"), TEMPLATE, 2, (6, 2, 4), 3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """That data set, complete."""
    parts: dict[str, list[tuple[str, int, str]]] = {part: [] for part in PARTS}
    number = 0
    for part, count in PARTS.items():
        for label, name in enumerate(CLASSES):
            for _ in range(count):
                parts[part].append((f"{name}/{number}.jpg", label, name))
                draw(tmp_path / "Pets/images" / f"{name}/{number}.jpg", number)
                number += 1
    (tmp_path / "Pets/split_zhou_Pets.json").write_text(json.dumps(parts))
    return tmp_path


@pytest.fixture
def images(root: Path) -> Path:
    """Its images."""
    return root / "Pets" / "images"


@pytest.fixture
def imagenet(tmp_path: Path) -> DatasetRow:
    """A data set of ImageNet's form with two classes, complete."""
    layout = ImageNetFolders("imagenet", "images/train", "images/val")
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet/classnames.txt").write_text("".join(f"{wnid} name {wnid[-1]}\n" for wnid in WNIDS))
    for number, place in enumerate(f"{part}/{wnid}/{part}.JPEG" for part in ("train", "val") for wnid in WNIDS):
        draw(tmp_path / "imagenet/images" / place, number)
    return DatasetRow("imagenet", layout, TEMPLATE, 2, (2, 0, 2), 1)


@pytest.fixture
def aircraft(tmp_path: Path) -> DatasetRow:
    """A data set of FGVC-Aircraft's form, complete."""
    folder = tmp_path / "fgvc_aircraft"
    folder.mkdir()
    (folder / "variants.txt").write_text("707-320\nDC 10\n")
    for number, part in enumerate(("train", "val", "test")):
        lines = [f"{number}{label} {name}" for label, name in enumerate(("707-320", "DC 10"))]
        (folder / f"images_variant_{part}.txt").write_text("\n".join(lines))
        for label in range(2):
            draw(folder / f"images/{number}{label}.jpg", 10 * number + label)
    return DatasetRow("aircraft", TextLists("fgvc_aircraft", "images"), TEMPLATE, 2, (2, 2, 2), 1)


def said(found: Audit, root: Path) -> list[str]:
    """The findings as lines, without the folder of the test."""
    return [str(fault).replace(f"{root}{os.sep}", "") for fault in found.findings]


def noted(found: Audit, root: Path) -> list[str]:
    """The notes, likewise."""
    return [str(fault).replace(f"{root}{os.sep}", "") for fault in found.notes]


def test_complete_data_set_has_no_findings(row: DatasetRow, root: Path) -> None:
    """Digest, counts and classes of the split are said, and nothing else."""
    split = read_split(row, root)
    assert audit(row, root, decode=True, content=True) == Audit("pets", split.digest, (6, 2, 4), 2, 12)


@pytest.mark.parametrize("form", ["imagenet", "aircraft"])
def test_other_forms_have_no_findings(form: str, root: Path, request: pytest.FixtureRequest) -> None:
    """Folders of classes and lists are looked through in the same way."""
    found = audit(request.getfixturevalue(form), root, decode=True, content=True)
    assert (found.findings, found.notes, found.n_files, found.n_classes) == ((), (), sum(found.n_images or ()), 2)


def test_bundled_data_is_always_there() -> None:
    """The digits have no files to look for, and need no folder."""
    found = audit(DATASETS["digits"], None, decode=True, content=True)
    assert (found.findings, found.n_images, found.n_files) == ((), (898, 359, 540), 0)


def test_audit_changes_nothing(row: DatasetRow, root: Path, images: Path) -> None:
    """Looking leaves all files as they are."""
    (images / "Cat/0.jpg").write_bytes(b"")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    audit(row, root, decode=True, content=True)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


# --- folders -----------------------------------------------------------------------------------------------


def test_no_data_folder_is_a_finding(row: DatasetRow) -> None:
    """Without a data folder nothing is raised."""
    assert [fault.what for fault in audit(row, None).findings] == [
        "no data folder: give --data DIR, set HARNESS_DATA, or write `data: DIR` in the matrix."
    ]


def test_missing_data_folder_is_a_finding(row: DatasetRow, tmp_path: Path) -> None:
    """A data folder that is not there is named, not what would be in it."""
    assert said(audit(row, tmp_path / "gone"), tmp_path) == [
        "gone: the data folder is not there. Give another: --data DIR or HARNESS_DATA."
    ]


def test_missing_folder_is_a_finding(row: DatasetRow, tmp_path: Path) -> None:
    """What has to be put there is listed."""
    assert said(audit(row, tmp_path), tmp_path) == [
        "Pets: the folder of the data set is missing. "
        "Unpack the data set there, or link it: Pets/split_zhou_Pets.json, Pets/images."
    ]


def test_folder_of_another_name_is_found(row: DatasetRow, root: Path) -> None:
    """A folder that holds the split is found wherever it lies; it is to be moved."""
    (root / "deep").mkdir()
    (root / "Pets").rename(root / "deep" / "oxford")
    assert said(audit(row, root), root) == [
        "Pets: the folder of the data set is missing. "
        "split_zhou_Pets.json lies in deep/oxford: move or link that folder here."
    ]


def test_folder_of_nearly_the_same_name_is_found(row: DatasetRow, tmp_path: Path) -> None:
    """Without its split a folder is known by its name."""
    (tmp_path / "pets").mkdir()
    assert said(audit(row, tmp_path), tmp_path) == [
        "Pets: the folder of the data set is missing. There is pets: rename or link it."
    ]


def test_absolute_folder_needs_no_data_folder(row: DatasetRow, root: Path, images: Path) -> None:
    """A folder named by itself is looked through; what lies around it is not."""
    own = replace(row, layout=SplitFile(str(root / "Pets"), "split_zhou_Pets.json", "images"))
    assert audit(own, None).findings == ()
    images.rename(root / "images")
    assert said(audit(own, None), root) == [
        "Pets/images: the image folder is missing, and with it 12 images. Unpack the archive again."
    ]


def test_forbidden_place_is_a_finding(
    imagenet: DatasetRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that the user may not look into is named."""

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(misplaced, "class_folders", refuse)
    assert said(audit(imagenet, tmp_path), tmp_path) == [
        "imagenet/images/train: cannot be looked at: Permission denied."
    ]


# --- the split ---------------------------------------------------------------------------------------------


def test_missing_split_is_a_finding(row: DatasetRow, root: Path, images: Path) -> None:
    """Without split only the image folder can be looked for."""
    (root / "Pets/split_zhou_Pets.json").unlink()
    shutil.rmtree(images)
    found = audit(row, root)
    assert said(found, root) == [
        "Pets/split_zhou_Pets.json: is missing. It is published and is never made "
        "anew; put the file there, or `harness data fetch` it.",
        "Pets/images: the image folder is missing. Unpack the archive again.",
    ]
    assert (found.digest, found.n_images, found.n_files) == (None, None, 0)


def test_split_elsewhere_is_found(row: DatasetRow, root: Path, images: Path) -> None:
    """A split that lies too deep is to be moved."""
    (root / "Pets/split_zhou_Pets.json").rename(images / "split_zhou_Pets.json")
    assert said(audit(row, root), root) == [
        "Pets/split_zhou_Pets.json: is missing. It lies in Pets/images: copy or link it."
    ]


def test_broken_split_is_a_finding(row: DatasetRow, root: Path) -> None:
    """All faults of the file are said, none is raised."""
    (root / "Pets/split_zhou_Pets.json").write_text(
        '{"train": [["a", 1, "a"], ["a", 1, "b"]], "val": [], "test": []}'
    )
    assert [line.partition(": ")[2] for line in said(audit(row, root), root)] == [
        "labels must run from 0 to 0 without gaps.",
        "label 1 has several class names: a, b.",
        "1 paths stand twice, 'a' first.",
        "the part 'test' is empty.",
    ]


def test_unpublished_split_is_a_finding(row: DatasetRow, root: Path, images: Path) -> None:
    """A split with another digest is a finding, and its images are looked for all the same."""
    (images / "Cat/0.jpg").unlink()
    found = audit(replace(row, split_digest="0" * 64), root)
    assert [fault.what for fault in found.findings] == [
        "its split on disk is not the published one.",
        "1 of 12 images are missing: Cat/0.jpg.",
    ]


def test_counts_are_compared(row: DatasetRow, root: Path) -> None:
    """Classes and images are counted against the catalog, and the small classes named."""
    other = replace(row, n_classes=3, n_images=(7, 2, 5), smallest_class=4)
    assert said(audit(other, root), root) == [
        "pets: has 2 classes; 3 are published.",
        "pets: has 6 train images (7 are published) and 4 test images (5 are published); "
        "Cat (3), dog (3) of at least 4 a class. Unpack the archive again.",
    ]


def test_unknown_counts_are_not_compared(row: DatasetRow, root: Path) -> None:
    """A data set of one's own has no published numbers."""
    assert audit(replace(row, n_classes=None, n_images=None, smallest_class=None), root).findings == ()


def test_overlap_by_path_is_a_finding(row: DatasetRow, root: Path) -> None:
    """A path that is spelled in two ways is one image all the same."""
    file = root / "Pets/split_zhou_Pets.json"
    parts = json.loads(file.read_text())
    parts["test"][0][0] = "./" + parts["train"][0][0]
    file.write_text(json.dumps(parts))
    assert said(audit(row, root), root) == [
        "pets: 1 images stand in two parts: Cat/0.jpg of train is ./Cat/0.jpg of test. "
        "Take them out of one part: they would be learnt and tested."
    ]


# --- images ------------------------------------------------------------------------------------------------


def test_missing_images_are_counted(row: DatasetRow, root: Path, images: Path) -> None:
    """The number, the first five and whole folders are said."""
    shutil.rmtree(images / "dog")
    (images / "Cat/0.jpg").unlink()
    assert said(audit(row, root, decode=True, content=True), root) == [
        "Pets/images: 7 of 12 images are missing: Cat/0.jpg, dog/3.jpg, dog/4.jpg, dog/5.jpg, dog/7.jpg and 2 more"
        "; whole folders are missing: dog (6). Unpack the archive again."
    ]


def test_packed_archive_is_named(row: DatasetRow, root: Path, images: Path) -> None:
    """An archive that lies there may not have been unpacked."""
    shutil.rmtree(images)
    (root / "Pets/images.tar.gz").write_bytes(b"")
    assert said(audit(row, root), root) == [
        "Pets/images: the image folder is missing, and with it 12 images. "
        "Still packed in Pets? Found there: images.tar.gz."
    ]


@pytest.mark.parametrize(
    ("base", "there"),
    [
        ("Pets/images", "Pets/images/images"),  # one level too deep
        ("Pets/images", "Pets"),  # one too high
        ("Pets/images", "downloads/pets-1.0/data"),  # elsewhere in the data folder
    ],
)
def test_images_elsewhere_are_found(row: DatasetRow, root: Path, base: str, there: str) -> None:
    """It is said where the images lie, whether the image folder is there or not."""
    (root / "kept").mkdir()
    for name in CLASSES:
        (root / base / name).rename(root / "kept" / name)
    (root / there).mkdir(parents=True, exist_ok=True)
    for name in CLASSES:
        (root / "kept" / name).rename(root / there / name)
    [line] = said(audit(row, root), root)
    assert line.endswith(f"They lie below {there}: move or link them to {base}.")
    (root / base).rename(root / "aside") if there != "Pets/images/images" else None
    [line] = said(audit(row, root), root)
    assert line.endswith(f"They lie below {there}: move or link them to {base}.")


def test_doubled_folders_are_found(row: DatasetRow, root: Path, images: Path) -> None:
    """Folders that lie in themselves, as in copies of Stanford Cars, are seen, and all of them are said."""
    for name in CLASSES:
        (images / name).rename(root / "kept")
        (images / name).mkdir()
        (root / "kept").rename(images / name / name)
    lie = "lie below Pets/images/Cat and Pets/images/dog: move or link them to Pets/images."
    [line] = said(audit(row, root), root)
    assert line.endswith(f"They {lie}")
    (images / "dog/dog/3.jpg").unlink()
    [line] = said(audit(row, root), root)
    assert line.endswith(f"Some {lie}")


def test_aircraft_in_its_archives_folder_is_found(aircraft: DatasetRow, tmp_path: Path) -> None:
    """The archive's own folder may lie in the data set's, or in its stead."""
    (tmp_path / "fgvc_aircraft").rename(tmp_path / "data")
    (tmp_path / "fgvc_aircraft/fgvc-aircraft-2013b").mkdir(parents=True)
    (tmp_path / "data").rename(tmp_path / "fgvc_aircraft/fgvc-aircraft-2013b/data")
    lines = said(audit(aircraft, tmp_path), tmp_path)
    inside = "fgvc_aircraft/fgvc-aircraft-2013b/data"
    names = ("variants.txt", *(f"images_variant_{part}.txt" for part in ("train", "val", "test")))
    assert lines[:4] == [
        f"fgvc_aircraft/{name}: is missing. It lies in {inside}: copy or link it." for name in names
    ]
    assert lines[4].startswith("fgvc_aircraft/images: the image folder is missing.")
    (tmp_path / "fgvc_aircraft").rename(tmp_path / "aircraft")
    assert said(audit(aircraft, tmp_path), tmp_path) == [
        "fgvc_aircraft: the folder of the data set is missing. "
        "variants.txt lies in aircraft/fgvc-aircraft-2013b/data: move or link that folder here."
    ]


@pytest.mark.parametrize(
    ("there", "finding"),
    [
        ("Cat/0.JPG", "1 images are there under names of another spelling: Cat/0.jpg as Cat/0.JPG. Rename them"),
        ("Cat/0.jpeg", "1 images are there under names of another spelling: Cat/0.jpg as Cat/0.jpeg. Rename them"),
        ("cat/0.jpg", "1 images are there under names of another spelling: Cat/0.jpg as cat/0.jpg. Rename them"),
        ("Cat/0.png", "1 images are there in another form only: Cat/0.jpg as Cat/0.png. Get the original archive"),
    ],
)
def test_other_spelling_is_found(row: DatasetRow, root: Path, images: Path, there: str, finding: str) -> None:
    """Capitals and endings that differ are told from files that are missing."""
    if there.startswith("cat"):
        for path in sorted((images / "Cat").iterdir()):
            path.rename(images / path.name)
        (images / "Cat").rename(images / "cat")
        for path in images.glob("*.jpg"):
            path.rename(images / "cat" / path.name)
        finding = finding.replace("1 images", "6 images").partition("cat/0.jpg")[0]
    else:
        (images / "Cat/0.jpg").rename(images / there)
    [line] = said(audit(row, root), root)
    assert line.startswith(f"Pets/images: {finding}")


def test_accents_may_be_written_in_two_ways(row: DatasetRow, root: Path, images: Path) -> None:
    """A name that a Mac has taken apart is another spelling of the same."""
    file = root / "Pets/split_zhou_Pets.json"
    parts = json.loads(file.read_text())
    parts["train"][0][0] = "Cat/k\u00e4tzchen.jpg"
    file.write_text(json.dumps(parts))
    (images / "Cat/0.jpg").rename(images / "Cat/ka\u0308tzchen.jpg")
    [line] = said(audit(row, root), root)
    assert "1 images are there under names of another spelling" in line


def test_link_to_nothing_is_a_finding(row: DatasetRow, root: Path, images: Path) -> None:
    """Images, and an image folder, may be links whose target is gone."""
    (images / "Cat/0.jpg").unlink()
    (images / "Cat/0.jpg").symlink_to("gone")
    assert said(audit(row, root), root) == [
        "Pets/images: 1 images are links to nothing: Cat/0.jpg. "
        "Bring back what they point at, or unpack the images again."
    ]
    shutil.rmtree(images)
    images.symlink_to("gone")
    [line] = said(audit(row, root), root)
    assert line.startswith(
        "Pets/images: the image folder is a link to gone, which is not there, and with it 12 images"
    )


def test_empty_file_is_a_finding(row: DatasetRow, root: Path, images: Path) -> None:
    """A file without a byte is found without decoding, and said once."""
    (images / "Cat/0.jpg").write_bytes(b"")
    expected = ["Pets/images: 1 images are empty files: Cat/0.jpg. Unpack or download them again."]
    assert said(audit(row, root), root) == expected
    assert said(audit(row, root, decode=True, content=True), root) == expected


def test_folder_in_the_place_of_an_image_is_a_finding(row: DatasetRow, root: Path, images: Path) -> None:
    """What is no file is told from what is missing."""
    (images / "Cat/0.jpg").unlink()
    (images / "Cat/0.jpg").mkdir()
    [line] = said(audit(row, root, decode=True), root)
    assert line.startswith("Pets/images: 1 images are folders or other things that are no files: Cat/0.jpg.")


def test_forbidden_folder_is_a_finding(row: DatasetRow, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may not be looked at is told from what is missing."""

    def refuse(path: str) -> os.stat_result:
        if path.endswith("Cat/0.jpg"):
            raise PermissionError(13, "Permission denied", path)
        return os.stat(path)  # noqa: PTH116

    monkeypatch.setattr(image_files, "os", SimpleNamespace(stat=refuse, sep=os.sep, path=os.path))
    [line] = said(audit(row, root), root)
    assert line.startswith("Pets/images: 1 images may not be looked at: Cat/0.jpg.")


def test_undecodable_images_are_named(row: DatasetRow, root: Path, images: Path) -> None:
    """Each is named with its reason, on request only."""
    (images / "Cat/0.jpg").write_bytes((images / "Cat/0.jpg").read_bytes()[:-40])
    (images / "dog/3.jpg").write_text("<!DOCTYPE html>")
    assert said(audit(row, root), root) == []
    first, second = said(audit(row, root, decode=True), root)
    assert first.startswith("Pets/images/Cat/0.jpg: the image cannot be decoded: ")
    assert second == "Pets/images/dog/3.jpg: is a web page, not an image. Get the file anew."


def test_many_undecodable_images_are_counted(
    row: DatasetRow, root: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number only how many more there are is said."""
    monkeypatch.setattr(image_files, "_SHOWN_UNDECODABLE", 3)
    for path in images.glob("*/*.jpg"):
        path.write_bytes(b"junk")
    lines = said(audit(row, root, decode=True), root)
    assert len(lines) == 4
    assert lines[3] == "Pets/images: 9 more images cannot be decoded. Unpack or download them again."


def test_remarks_of_pillow_are_no_findings(row: DatasetRow, root: Path, images: Path) -> None:
    """An odd image that can be read is as good as another."""
    image = Image.effect_noise((8, 8), 50).quantize(16)
    image.info["transparency"] = bytes(range(16))
    image.save(images / "Cat/0.jpg", format="PNG")
    assert audit(row, root, decode=True).findings == ()


# --- content -----------------------------------------------------------------------------------------------


def parts_of(root: Path) -> dict[str, list[str]]:
    """The paths of the parts."""
    parts = json.loads((root / "Pets/split_zhou_Pets.json").read_text())
    return {part: [path for path, _, _ in items] for part, items in parts.items()}


@pytest.mark.parametrize("other", ["train", "val"])
def test_copy_of_a_test_image_is_a_finding(row: DatasetRow, root: Path, images: Path, other: str) -> None:
    """The same bytes in test and elsewhere are found on request."""
    parts = parts_of(root)
    shutil.copyfile(images / parts[other][0], images / parts["test"][0])
    assert audit(row, root, decode=True).findings == ()
    found = audit(row, root, content=True)
    assert said(found, root) == [
        f"Pets/images: 1 test images have the bytes of {other} images: {parts['test'][0]} = {parts[other][0]}. "
        "Keep a published split as it is and say so with the numbers; mend one of your own."
    ]
    assert found.notes == ()


def test_other_copies_are_notes(row: DatasetRow, root: Path, images: Path) -> None:
    """The same bytes twice in a part, or in train and val, spoil no test."""
    parts = parts_of(root)
    shutil.copyfile(images / parts["train"][0], images / parts["val"][0])
    shutil.copyfile(images / parts["test"][0], images / parts["test"][1])
    found = audit(row, root, content=True)
    assert found.findings == ()
    assert noted(found, root) == [
        f"Pets/images: 1 val images have the bytes of train images: {parts['val'][0]} = {parts['train'][0]}.",
        "Pets/images: 1 test images are copies of others of that part.",
    ]


# --- folders of classes ------------------------------------------------------------------------------------


def lines_of(row: DatasetRow, root: Path) -> list[str]:
    """The findings of an audit, as lines."""
    return said(audit(row, root), root)


def test_flat_validation_folder_is_a_finding(imagenet: DatasetRow, tmp_path: Path) -> None:
    """ImageNet's validation images come without class folders."""
    val = tmp_path / "imagenet/images/val"
    for place in list(val.iterdir()):
        (place / "val.JPEG").rename(val / f"ILSVRC2012_val_{place.name}.JPEG")
        place.rmdir()
    assert lines_of(imagenet, tmp_path)[0] == (
        "imagenet/images/val: holds 2 images and no class folders. "
        "Sort them into class folders; for ImageNet's validation images the script valprep.sh does it."
    )


def test_class_folders_too_deep_are_a_finding(imagenet: DatasetRow, tmp_path: Path) -> None:
    """A folder between is seen."""
    train = tmp_path / "imagenet/images/train"
    train.rename(tmp_path / "kept")
    train.mkdir()
    (tmp_path / "kept").rename(train / "train")
    assert lines_of(imagenet, tmp_path)[0] == (
        "imagenet/images/train: its class folders lie too deep, in imagenet/images/train/train. "
        "Move them up, and take away the folders between."
    )


def test_empty_class_folder_is_counted(imagenet: DatasetRow, tmp_path: Path) -> None:
    """Of a class folder without images the class is named."""
    draw(tmp_path / "imagenet/images/train" / WNIDS[0] / "other.JPEG", 9)
    row = replace(imagenet, n_images=(4, 0, 2), smallest_class=2)
    assert lines_of(row, tmp_path) == [
        "imagenet: has 3 train images (4 are published); name 2 (1) of at least 2 a class."
        " Unpack the archive again."
    ]


def test_imagenet_elsewhere_is_found(imagenet: DatasetRow, tmp_path: Path) -> None:
    """Both folders are looked for by their class folders and by their names."""
    (tmp_path / "ILSVRC/Data/").mkdir(parents=True)
    (tmp_path / "imagenet/images").rename(tmp_path / "ILSVRC/Data/CLS-LOC")
    assert lines_of(imagenet, tmp_path) == [
        f"imagenet/images/{part}: the folder of the class folders is missing. "
        f"Class folders lie in ILSVRC/Data/CLS-LOC/{part}: if these are the ones, move or link them here."
        for part in ("train", "val")
    ]


def test_class_folders_that_are_still_packed(imagenet: DatasetRow, tmp_path: Path) -> None:
    """An empty folder beside an archive waits for unpacking."""
    shutil.rmtree(tmp_path / "imagenet/images/train")
    (tmp_path / "imagenet/images/train").mkdir()
    (tmp_path / "imagenet/ILSVRC2012_img_train.tar").write_bytes(b"")
    assert lines_of(imagenet, tmp_path)[0] == (
        "imagenet/images/train: holds no class folders. "
        "Still packed in imagenet? Found there: ILSVRC2012_img_train.tar."
    )


def test_class_names_of_another_data_set_are_its_own(imagenet: DatasetRow, tmp_path: Path) -> None:
    """The file of class names may be copied from another data set, whose folder is not taken for this one's."""
    (tmp_path / "sketch").mkdir()
    (tmp_path / "imagenet/classnames.txt").rename(tmp_path / "sketch/classnames.txt")
    assert lines_of(imagenet, tmp_path) == [
        "imagenet/classnames.txt: is missing. It lies in sketch: copy or link it."
    ]
    shutil.rmtree(tmp_path / "imagenet")
    [line] = lines_of(imagenet, tmp_path)
    assert line.startswith(
        "imagenet: the folder of the data set is missing. Unpack the data set there, or link it: "
    )


def test_imagenetv2_under_another_name_is_found(tmp_path: Path) -> None:
    """The archive of ImageNetV2 has changed its folder's name."""
    (tmp_path / "imagenetv2").mkdir()
    (tmp_path / "imagenetv2/classnames.txt").write_text("n00000001 tench\nn00000002 goldfish\n")
    for number in range(2):
        draw(tmp_path / f"imagenetv2/imagenetv2-matched-frequency/{number}/a.jpeg", number)
    row = DatasetRow("v2", ShiftedFolders("imagenetv2", "imagenetv2-format-val"), TEMPLATE, 2, (0, 0, 2), 0)
    assert lines_of(row, tmp_path) == [
        "imagenetv2/imagenetv2-format-val: the folder of the class folders is missing. Class folders lie in "
        "imagenetv2/imagenetv2-matched-frequency: if these are the ones, move or link them here."
    ]
    (tmp_path / "imagenetv2/imagenetv2-matched-frequency").rename(tmp_path / "imagenetv2/imagenetv2-format-val")
    assert audit(row, tmp_path, decode=True, content=True).findings == ()


# --- notes and steps ---------------------------------------------------------------------------------------


def test_pickles_of_other_code_are_a_note(row: DatasetRow, root: Path) -> None:
    """They are counted and never opened."""
    (root / "Pets/split_fewshot").mkdir()
    for name in ("preprocessed.pkl", "split_fewshot/shot_1-seed_1.pkl"):
        (root / "Pets" / name).write_bytes(b"cos\nsystem\n")
    found = audit(row, root, decode=True, content=True)
    assert found.findings == ()
    assert noted(found, root) == ["Pets: 2 pickles of other code (preprocessed.pkl) are never opened."]


def test_images_beside_the_split_are_a_note(row: DatasetRow, root: Path, images: Path) -> None:
    """More images than the split names are no fault."""
    draw(images / "Cat/extra.jpg", 99)
    (images / "Cat/Thumbs.db").write_bytes(b"")
    found = audit(row, root)
    assert (found.findings, noted(found, root)) == ((), ["Pets/images: 1 images are not in the split."])


@pytest.mark.parametrize(("decode", "content"), [(False, False), (True, False), (False, True), (True, True)])
def test_steps_rise_to_the_whole(
    row: DatasetRow, root: Path, images: Path, decode: bool, content: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps that are told rise to their number, also when images are missing."""
    monkeypatch.setattr(image_files, "_STATS", 5)
    monkeypatch.setattr(image_files, "_READS", 5)
    (images / "Cat/0.jpg").unlink()
    told: list[tuple[int, int]] = []
    audit(row, root, decode=decode, content=content, tick=lambda done, total: told.append((done, total)))
    done = [step for step, _ in told]
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1] == 12 + 11 * (decode + content)


def test_audit_ends_when_its_listener_does(row: DatasetRow, root: Path) -> None:
    """Whoever watches can stop it."""

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(row, root, decode=True, tick=stop)
