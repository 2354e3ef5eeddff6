"""Data sets fetched from a web server on this machine, in archives of the real shapes with a few small files."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.data.catalog import DATASETS, DatasetRow
from harness.data.fetch import images as images_module
from harness.data.fetch import lists as lists_module
from harness.data.fetch.fetch import fetch
from harness.data.fetch.receipt import RECEIPT
from harness.data.fetch.sources import CLASS_NAMES, SOURCES, Drive, Hub, RemoteFile, Source, Web
from harness.data.layout import Layout, ShiftedFolders, SplitFile, TextLists
from harness.data.split import PARTS
from harness.data.split_files import read_split_json
from harness.errors import DataError, Fault
from harness.files import digest_text

Make = Callable[..., bytes]
PATHS = tuple(f"{name}/{name}_{n}.jpg" for name in ("banded", "dotted") for n in range(6))


def picture(path: str) -> bytes:
    """A file of its own for every path."""
    return b"\xff\xd8" + path.encode()


def pictures(before: str, paths: tuple[str, ...] = PATHS) -> dict[str, bytes]:
    """Pictures below a folder."""
    return {f"{before}{path}": picture(path) for path in paths}


def split_json(paths: tuple[str, ...]) -> bytes:
    """A split file: the class is the path's folder; of every three images two train."""
    names = sorted({path.rpartition("/")[0] for path in paths})
    items = [[path, names.index(path.rpartition("/")[0]), path.rpartition("/")[0] or "x"] for path in paths]
    test = items[::3]
    train = [item for item in items if item not in test]
    return json.dumps({"train": train, "val": [], "test": test}).encode()


def remote(name: str, content: bytes, *places: Any) -> RemoteFile:
    """A file with its digest published."""
    return RemoteFile(name, places, len(content), hashlib.sha256(content).hexdigest())


@dataclass
class Mini:
    """A small data set of a known name: its row, its split file, and what was said while it was fetched."""

    row: DatasetRow
    root: Path
    split: bytes
    said: list[str]

    @property
    def folder(self) -> Path:
        """The data set's folder."""
        return self.root / str(self.row.layout.folder)

    def fetch(self, given: Path | None = None, mirror: str | None = None, **how: Any) -> list[Fault]:
        """What is still wrong after a fetch."""
        return fetch(self.row, self.root, given, mirror, say=self.said.append, **how)

    def there(self) -> dict[str, bytes]:
        """What lies in the data set's folder, but for the receipt."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != RECEIPT
        }


MakeMini = Callable[..., Mini]


@pytest.fixture
def make_mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeMini:
    """A maker of small data sets that stand in the catalog and among the sources."""

    def make(
        *ways: tuple[RemoteFile, ...],
        layout: Layout | None = None,
        paths: tuple[str, ...] = PATHS,
        split_files: tuple[RemoteFile, ...] = (),
        dead: str = "",
    ) -> Mini:
        split = split_json(paths)
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "made" / "split.json").write_bytes(split)
        read = read_split_json(tmp_path / "made" / "split.json")
        counts = (len(read.train), len(read.val), len(read.test))
        layout = layout or SplitFile("dtd", "split.json", "images")
        row = DatasetRow("dtd", layout, "{}", len(read.class_names), counts, 1, read.digest)
        source = Source("https://authors.example", "Yours to keep.", 1000, ways, split_files, dead)
        monkeypatch.setitem(DATASETS, "dtd", row)  # type: ignore[misc]
        monkeypatch.setitem(SOURCES, "dtd", source)  # type: ignore[misc]
        return Mini(row, tmp_path / "data", split, [])

    return make


@pytest.fixture
def archive(make_tar: Make) -> bytes:
    """The textures as their authors pack them, with more than is needed."""
    return make_tar({**pictures("dtd/images/"), "dtd/labels/x.txt": b"x", "dtd/images/banded/.x.mat": b"x"})


@pytest.fixture
def mini(make_mini: MakeMini, server: Any, archive: bytes) -> Mini:
    """The textures with their split file and archive on the server."""
    split = split_json(PATHS)
    return make_mini(
        (remote("dtd.tar.gz", archive, Web(server.put("/files/dtd.tar.gz", archive))),),
        split_files=(remote("split.json", split, Web(server.put("/splits/split.json", split))),),
        dead="the old address",
    )


def test_split_and_images_come_into_their_place(mini: Mini, server: Any) -> None:
    """Nothing is wrong afterwards, and nothing else is left."""
    assert mini.fetch() == []
    assert mini.there() == {"split.json": mini.split, **pictures("images/")}
    assert sorted(path.name for path in mini.folder.iterdir()) == [RECEIPT, "images", "split.json"]
    assert next(path for _, path, _ in server.asked) == "/splits/split.json"


def test_receipt_says_where_things_came_from(mini: Mini, server: Any, archive: bytes) -> None:
    """Address, size and digest of each file, and the split's digest."""
    mini.fetch()
    receipt = json.loads((mini.folder / RECEIPT).read_text())
    assert (receipt["dataset"], receipt["split_digest"]) == ("dtd", mini.row.split_digest)
    assert [(file["file"], file["address"]) for file in receipt["files"]] == [
        ("split.json", server.url("/splits/split.json")),
        ("dtd.tar.gz", server.url("/files/dtd.tar.gz")),
    ]
    assert receipt["files"][1]["sha256"] == hashlib.sha256(archive).hexdigest()


def test_second_fetch_asks_for_nothing(mini: Mini, server: Any) -> None:
    """What is there and right is kept, and so is the receipt."""
    mini.fetch()
    receipt = (mini.folder / RECEIPT).read_text()
    server.asked.clear()
    assert (mini.fetch(), server.asked, (mini.folder / RECEIPT).read_text()) == ([], [], receipt)


def test_only_what_is_missing_is_fetched(mini: Mini, server: Any) -> None:
    """A split that is there is kept, images that are there are, too; the receipt remembers the others."""
    mini.fetch()
    (mini.folder / "split.json").unlink()
    server.asked.clear()
    assert mini.fetch() == []
    assert {path for _, path, _ in server.asked} == {"/splits/split.json"}
    assert len(json.loads((mini.folder / RECEIPT).read_text())["files"]) == 2


@pytest.mark.parametrize("before", ["", "images/", "dtd/dtd/images/", "a/b/c/d/"])
def test_images_are_found_at_any_depth(make_mini: MakeMini, server: Any, make_zip: Make, before: str) -> None:
    """The split says which folder it is, however often a name is repeated; its file comes along."""
    content = make_zip({**pictures(before), "dtd/split.json": split_json(PATHS), "dtd/split_fewshot/a.pkl": b"x"})
    mini = make_mini((remote("dtd.zip", content, Web(server.put("/dtd.zip", content))),))
    assert mini.fetch() == []
    found = mini.there()
    assert {"split.json": mini.split, **pictures("images/")}.items() <= found.items()
    assert not [name for name in found if name.endswith(".pkl")]
    assert "dtd.zip: 1 pickles left out, 'dtd/split_fewshot/a.pkl' first" in mini.said


CARS = tuple(f"{folder}/{n:05}.jpg" for folder in ("cars_train", "cars_test") for n in range(1, 7))


@pytest.mark.parametrize("before", ["{top}/", "{top}/{top}/", "stanford_cars/{top}/", "x/{top}/{top}/"])
def test_cars_two_folders_come_apart(make_mini: MakeMini, server: Any, make_zip: Make, before: str) -> None:
    """Both have the same file names, so each is known by its own, doubled or not."""
    files = {before.format(top=path.partition("/")[0]) + path.rpartition("/")[2]: picture(path) for path in CARS}
    content = make_zip(files)
    split = split_json(CARS)
    mini = make_mini(
        (remote("cars.zip", content, Web(server.put("/cars.zip", content))),),
        layout=SplitFile("stanford_cars", "split.json"),
        paths=CARS,
        split_files=(remote("split.json", split, Web(server.put("/split.json", split))),),
    )
    assert mini.fetch() == []
    assert mini.there() == {"split.json": split, **pictures("", CARS)}


def test_a_way_of_two_archives_needs_both(make_mini: MakeMini, server: Any, make_tar: Make) -> None:
    """Cars' original archives, from a mirror, since their places are gone."""
    split = split_json(CARS)
    halves = {name: make_tar(pictures("", paths)) for name, paths in (("train", CARS[:6]), ("test", CARS[6:]))}
    way = tuple(remote(f"cars_{name}.tgz", content) for name, content in halves.items())
    mini = make_mini(
        way,
        layout=SplitFile("stanford_cars", "split.json"),
        paths=CARS,
        split_files=(remote("split.json", split, Web(server.put("/split.json", split))),),
    )
    with pytest.raises(DataError, match=r"get cars_train.tgz with cars_test.tgz elsewhere"):
        mini.fetch()
    for name, content in halves.items():
        server.put(f"/m/cars_{name}.tgz", content)
    assert mini.fetch(mirror=server.url("/m/")) == []
    assert mini.there() == {"split.json": split, **pictures("", CARS)}


def test_tar_within_a_zip(make_mini: MakeMini, server: Any, make_zip: Make, make_tar: Make) -> None:
    """Caltech101's shape: what the split does not list is not unpacked."""
    inner = make_tar({**pictures("101_ObjectCategories/"), "101_ObjectCategories/BACKGROUND_Google/1.jpg": b"x"})
    content = make_zip({"caltech-101/101_ObjectCategories.tar.gz": inner, "__MACOSX/x.jpg": b"x"})
    split = split_json(PATHS)
    mini = make_mini(
        (remote("caltech-101.zip", content, Web(server.put("/caltech-101.zip", content))),),
        layout=SplitFile("caltech-101", "split.json", "101_ObjectCategories"),
        split_files=(remote("split.json", split, Web(server.put("/split.json", split))),),
    )
    assert mini.fetch() == []
    assert mini.there() == {"split.json": split, **pictures("101_ObjectCategories/")}


def test_aircraft_lists_come_from_the_archive(
    make_mini: MakeMini, server: Any, make_tar: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists and images lie side by side in ``fgvc-aircraft-2013b/data``."""
    lists = {"variants.txt": b"707-320\nF-16A/B\n"}
    for number, part in enumerate(PARTS):
        lists[f"images_variant_{part}.txt"] = f"00{number}1 707-320\n00{number}2 F-16A/B\n".encode()
    images = {f"images/00{n}{k}.jpg": picture(f"{n}{k}") for n in range(3) for k in (1, 2)}
    data = {f"fgvc-aircraft-2013b/data/{name}": content for name, content in {**lists, **images}.items()}
    content = make_tar(data)
    mini = make_mini(
        (remote("a.tar.gz", content, Web(server.put("/a.tar.gz", content))),),
        layout=TextLists("fgvc_aircraft", "images"),
    )
    for name, text in lists.items():
        (mini.root / "made").mkdir(parents=True, exist_ok=True)
        (mini.root / "made" / name).write_bytes(text)
    digest = TextLists("made", "images").read_split(mini.root).digest
    mini.row = replace(mini.row, n_images=(2, 2, 2), split_digest=digest)
    assert mini.fetch() == []
    assert mini.there() == {**lists, **images}


def test_next_source_is_tried(make_mini: MakeMini, server: Any, archive: bytes, make_zip: Make) -> None:
    """404, a wrong digest, a web page and a hostile archive are each passed over."""
    split = split_json(PATHS)
    hostile = make_zip({**pictures("images/"), "../../x.jpg": b"x"})
    empty = make_zip({"other/x.jpg": b"x"})
    mini = make_mini(
        (remote("gone.zip", b"x", Web(server.url("/gone.zip"))),),
        (remote("wrong.zip", b"expected", Web(server.put("/wrong.zip", b"found..."))),),
        (remote("page.zip", b"x", Web(server.put("/page.zip", b"<html>", kind="text/html"))),),
        (RemoteFile("hostile.zip", (Web(server.put("/hostile.zip", hostile)),)),),
        (RemoteFile("empty.zip", (Web(server.put("/empty.zip", empty)),)),),
        (remote("right.tar.gz", archive, Web(server.put("/right.tar.gz", archive))),),
        split_files=(
            remote("split.json", split, Web(server.url("/none.json")), Web(server.put("/s.json", split))),
        ),
    )
    assert mini.fetch() == []
    assert mini.there() == {"split.json": split, **pictures("images/")}
    assert not (mini.root / "x.jpg").exists()


def test_all_answers_are_told_when_no_source_works(make_mini: MakeMini, server: Any, make_zip: Make) -> None:
    """One error with every source, why it failed, and what to do; nothing of the images appears."""
    split = split_json(PATHS)
    hostile = make_zip({"../x.jpg": b"x"})
    mini = make_mini(
        (remote("gone.zip", b"x", Web(server.url("/gone.zip"))),),
        (RemoteFile("hostile.zip", (Web(server.put("/hostile.zip", hostile)),)),),
        split_files=(remote("split.json", split, Web(server.put("/s.json", split))),),
        dead="the old address",
    )
    with pytest.raises(DataError) as caught:
        mini.fetch()
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{server.url('/gone.zip')}: answers 404 Not Found."
    assert "hostile.zip: the archive is refused: '../x.jpg' leads out of the folder." in lines[1]
    assert lines[2] == (
        "dtd: no source of its images worked. Try again later; or get gone.zip or hostile.zip elsewhere (the "
        "authors: https://authors.example) and give it with --from PATH; or name the folder of a server that has "
        "it with --mirror URL. Known not to work: the old address."
    )
    assert not (mini.folder / "images").exists()


def test_split_is_never_made_up(make_mini: MakeMini, server: Any, archive: bytes) -> None:
    """Without the published split there is no data set, whatever the images."""
    other = split_json(PATHS[:6])
    mini = make_mini(
        (remote("dtd.tar.gz", archive, Web(server.put("/dtd.tar.gz", archive))),),
        split_files=(RemoteFile("split.json", (Web(server.put("/s.json", other)),)),),
    )
    with pytest.raises(DataError) as caught:
        mini.fetch()
    assert "gave a split.json that is not the published one" in str(caught.value)
    assert f"{server.url('/dtd.tar.gz')}: does not hold the published split (split.json)." in str(caught.value)
    assert {"images", "split.json"} & {path.name for path in mini.folder.iterdir()} == set()


def test_hub_file_and_endpoint(
    make_mini: MakeMini, server: Any, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive on a hub comes from the hub that ``HF_ENDPOINT`` names; the receipt has its commit."""
    monkeypatch.setenv("HF_ENDPOINT", server.url())
    split = split_json(PATHS)
    sha256 = hashlib.sha256(archive).hexdigest()
    server.put("/me/all/resolve/abc/dtd.zip", archive, headers={"X-Repo-Commit": "c" * 40, "ETag": f'"{sha256}"'})
    mini = make_mini(
        (RemoteFile("dtd.zip", (Hub("me/all", "dtd.zip", "abc", "model"),)),),
        split_files=(remote("split.json", split, Web(server.put("/s.json", split))),),
    )
    assert mini.fetch() == []
    file = json.loads((mini.folder / RECEIPT).read_text())["files"][1]
    assert (file["revision"], file["sha256"]) == ("c" * 40, sha256)


def test_mirror_goes_first(mini: Mini, server: Any, archive: bytes) -> None:
    """Split and archive are asked for by their names below the mirror, with the same digests."""
    server.put("/m/split.json", mini.split)
    server.put("/m/dtd.tar.gz", archive)
    assert mini.fetch(mirror=server.url("/m")) == []
    assert {path for _, path, _ in server.asked} == {"/m/split.json", "/m/dtd.tar.gz"}


def test_mirror_without_the_file_is_passed_over(mini: Mini, server: Any) -> None:
    """What a mirror lacks, the other places have."""
    assert mini.fetch(mirror=server.url("/m")) == []


def test_broken_download_is_gone_on_with(
    mini: Mini, server: Any, make_mini: MakeMini, make_tar: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came of an archive stays in ``.fetch``, and the next fetch asks for the rest only."""
    monkeypatch.setattr("harness.data.fetch.download.RETRIES", 0)
    chunk = 512 * 1024
    content = make_tar({**pictures("dtd/images/"), "dtd/images/more.jpg": bytes(2 * chunk)}, "w")
    mini = make_mini(
        (remote("dtd.tar", content, Web(server.put("/dtd.tar", content, at_most=chunk + 1))),),
        split_files=SOURCES["dtd"].split_files,
    )
    with pytest.raises(DataError, match="524,288 bytes are kept"):
        mini.fetch()
    assert [path.stat().st_size for path in mini.folder.rglob("*.part")] == [chunk]
    server.files["/dtd.tar"].at_most = None
    server.asked.clear()
    assert mini.fetch() == []
    assert f"bytes={chunk}-" in server.ranges("/dtd.tar")
    assert not (mini.folder / ".fetch").exists()


def test_archive_is_kept_until_all_is_well(mini: Mini, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed while it unpacks leaves nothing in place, and need not download again."""

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(images_module, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            mini.fetch()
    assert not (mini.folder / "images").exists()
    (mini.folder / ".fetch" / "unpacking-killed").mkdir()
    server.asked.clear()
    assert mini.fetch() == []
    assert (server.asked, (mini.folder / ".fetch").exists()) == ([], False)


@pytest.mark.parametrize("how", ["file", "some", "link"])
def test_nothing_is_overwritten(mini: Mini, server: Any, how: str) -> None:
    """What is in the way is named before anything large is downloaded."""
    images = mini.folder / "images"
    mini.folder.mkdir(parents=True)
    if how == "file":
        images.write_text("mine")
    elif how == "link":
        images.symlink_to("nowhere")
    else:
        (images / "banded").mkdir(parents=True)
        (images / PATHS[0]).write_text("mine")
    with pytest.raises(DataError, match=r"is in the way.*Move it away, and fetch again") as caught:
        mini.fetch()
    assert caught.value.faults[0].where == str(images)
    assert ("lacks 11 images" in str(caught.value)) == (how == "some")
    assert "/files/dtd.tar.gz" not in [path for _, path, _ in server.asked]


def test_other_split_is_not_overwritten(mini: Mini, server: Any) -> None:
    """Somebody's own split stays."""
    mini.folder.mkdir(parents=True)
    (mini.folder / "split.json").write_bytes(b"{}")
    with pytest.raises(DataError, match="not the published one"):
        mini.fetch()
    assert ((mini.folder / "split.json").read_bytes(), server.asked) == (b"{}", [])


def test_empty_folder_is_not_in_the_way(mini: Mini) -> None:
    """A folder that was made in advance is filled."""
    (mini.folder / "images").mkdir(parents=True)
    assert mini.fetch() == []


def test_missing_images_are_told(make_mini: MakeMini, server: Any, make_tar: Make) -> None:
    """A copy that lacks images is put in its place, and the check says which."""
    content = make_tar(pictures("x/", PATHS[:-2]))
    split = split_json(PATHS)
    mini = make_mini(
        (remote("x.tar", content, Web(server.put("/x.tar", content))),),
        split_files=(remote("split.json", split, Web(server.put("/s.json", split))),),
    )
    [fault] = mini.fetch()
    assert fault.where == str(mini.folder / "images")
    assert fault.what.startswith("2 of 12 images are missing: dotted/dotted_")


def test_given_archive_is_unpacked(mini: Mini, server: Any, archive: bytes, tmp_path: Path) -> None:
    """An archive of any name; only the split is downloaded, and the archive stays."""
    given = tmp_path / "Downloads" / "whatever"
    given.parent.mkdir()
    given.write_bytes(archive)
    assert mini.fetch(given) == []
    assert mini.there() == {"split.json": mini.split, **pictures("images/")}
    assert ({path for _, path, _ in server.asked}, given.read_bytes()) == ({"/splits/split.json"}, archive)


def test_given_archive_of_another_digest_is_warned_of(mini: Mini, make_tar: Make, tmp_path: Path) -> None:
    """A copy that was packed anew is good enough when its names are right."""
    given = tmp_path / "dtd.tar.gz"
    given.write_bytes(make_tar(pictures("new/")))
    assert mini.fetch(given) == []
    assert any(line.startswith(f"warning: {given} is not the published one") for line in mini.said)


def test_given_folder_is_linked(mini: Mini, server: Any, tmp_path: Path) -> None:
    """Images are not copied, the split is."""
    given = tmp_path / "mine"
    for name, content in {**pictures("a/images/"), "a/split.json": mini.split}.items():
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_bytes(content)
    assert mini.fetch(given) == []
    assert (mini.folder / "images").readlink() == given / "a" / "images"
    assert not (mini.folder / "split.json").is_symlink()
    assert (server.asked, mini.fetch(given), mini.fetch()) == ([], [], [])


def test_given_folder_of_archives_is_unpacked(mini: Mini, archive: bytes, tmp_path: Path) -> None:
    """A folder of what was downloaded elsewhere, for a machine without a net."""
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "dtd.tar.gz").write_bytes(archive)
    (tmp_path / "usb" / "split.json").write_bytes(mini.split)
    assert mini.fetch(tmp_path / "usb") == []
    assert not (mini.folder / "images").is_symlink()


def test_given_folder_without_the_images_is_said(mini: Mini, tmp_path: Path) -> None:
    """A folder with other files, and a path that is not there."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="does not hold the images of dtd under their original names"):
        mini.fetch(tmp_path / "mine")
    with pytest.raises(DataError, match="is missing"):
        mini.fetch(tmp_path / "none")


def test_split_is_rebuilt_where_it_can_be(mini: Mini, server: Any) -> None:
    """Annotation files in the data set's folder go before a download."""

    def rebuild(name: str, folder: Path) -> bytes:
        if (name, folder) != ("dtd", mini.folder):
            raise DataError("no annotation files")
        return mini.split

    assert mini.fetch(rebuild=rebuild) == []
    assert "/splits/split.json" not in [path for _, path, _ in server.asked]


def test_split_that_cannot_be_rebuilt_is_downloaded(mini: Mini) -> None:
    """Missing annotation files are no fault."""

    def rebuild(name: str, folder: Path) -> bytes:
        raise DataError("no annotation files")

    assert mini.fetch(rebuild=rebuild) == []


def test_one_process_at_a_time(mini: Mini) -> None:
    """Two downloads into one file would spoil it."""
    from filelock import FileLock

    (mini.folder / ".fetch").mkdir(parents=True)
    with FileLock(mini.folder / ".fetch" / "lock"), pytest.raises(DataError, match="is at work here"):
        mini.fetch()


def test_unwritable_root_is_a_fault(mini: Mini, tmp_path: Path) -> None:
    """A root that is a file is the user's mistake."""
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="cannot be read or written"):
        mini.fetch()


# --- ImageNet and its shifts ---

WNIDS = ("n00000001", "n00000002", "n00000003")
NAMES = "n00000001 tench\nn00000002 great white shark\nn00000003 cock\n"


@pytest.fixture
def shift(make_mini: MakeMini, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mini]:
    """A maker of shifted ImageNets of three classes, with these class names published."""
    monkeypatch.setattr(lists_module, "IMAGENET_NAMES", digest_text("tench\ngreat white shark\ncock\n"))
    monkeypatch.setattr(lists_module, "CLASS_NAMES", RemoteFile("classnames.txt"))

    def make(*ways: tuple[RemoteFile, ...]) -> Mini:
        mini = make_mini(*ways, layout=ShiftedFolders("imagenet-sketch", "images"))
        mini.row = replace(mini.row, n_classes=3, n_images=(0, 0, 6), split_digest=None)
        return mini

    return make


def shifted(folders: tuple[str, ...] = WNIDS) -> Mapping[str, bytes]:
    """Two images a class."""
    return {f"{folder}/{n}.JPEG": picture(f"{folder}{n}") for folder in folders for n in range(2)}


@pytest.mark.parametrize("folders", [WNIDS, ("0", "1", "2")], ids=["wnids", "numbers"])
def test_shift_is_found_by_its_class_folders(
    shift: Callable[..., Mini], server: Any, make_zip: Make, folders: tuple[str, ...]
) -> None:
    """Sketch's archive has ``sketch/``, which belongs into ``images/``; class names may come along."""
    files = {f"sketch/{name}": content for name, content in shifted(folders).items()}
    content = make_zip({**files, "x/classnames.txt": NAMES.encode(), "sketch/README.txt": b"x"})
    mini = shift((remote("s.zip", content, Web(server.put("/s.zip", content))),))
    assert mini.fetch() == []
    found = mini.there()
    assert found.pop("images/README.txt") == b"x"
    assert found == {
        "classnames.txt": NAMES.encode(),
        **{f"images/{name}": content for name, content in shifted(folders).items()},
    }


def test_class_names_are_shared(shift: Callable[..., Mini], server: Any, make_zip: Make) -> None:
    """Another ImageNet's class names under the same root are used, if they are right."""
    content = make_zip(shifted())
    mini = shift((remote("s.zip", content, Web(server.put("/s.zip", content))),))
    for folder, names in (("imagenet", NAMES.replace("cock", "rooster")), ("imagenetv2", NAMES)):
        (mini.root / folder).mkdir(parents=True)
        (mini.root / folder / "classnames.txt").write_text(names)
    assert mini.fetch() == []
    assert (mini.folder / "classnames.txt").read_text() == NAMES


def test_missing_class_names_are_a_fault(
    shift: Callable[..., Mini], server: Any, make_zip: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images are put in their place all the same, and it is said how to get the names."""
    import gdown
    from gdown.exceptions import FileURLRetrievalError

    monkeypatch.setattr("requests.head", lambda *_, **__: None)
    real = gdown.download

    def refuse(**how: Any) -> Any:
        if how["id"] is not None:
            raise FileURLRetrievalError("quota")
        return real(**how)

    monkeypatch.setattr(gdown, "download", refuse)
    monkeypatch.setattr(lists_module, "CLASS_NAMES", RemoteFile("classnames.txt", (Drive("abc"),)))
    content = make_zip(shifted())
    mini = shift((remote("s.zip", content, Web(server.put("/s.zip", content))),))
    faults = mini.fetch()
    assert len(mini.there()) == 6
    assert [str(fault) for fault in faults] == [
        f"{mini.folder}/classnames.txt: is missing. It is published and is never made "
        "anew; put the file there, or `harness data fetch` it.",
        "https://drive.google.com/uc?id=abc: Google Drive does not give the file out; often it does so again "
        "after a day. Open it in a browser, and save it as "
        f"{mini.folder}/classnames.txt.",
    ]


@pytest.fixture
def imagenet(tmp_path: Path, shift: Any, monkeypatch: pytest.MonkeyPatch) -> Mini:
    """ImageNet with three classes."""
    row = replace(
        DATASETS["imagenet"],
        n_classes=3,
        n_images=(6, 0, 6),
        class_names_digest=digest_text("tench\ngreat white shark\ncock\n"),
    )
    return Mini(row, tmp_path / "data", b"", [])


def lay(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_imagenet_is_linked(imagenet: Mini, tmp_path: Path) -> None:
    """``train`` and ``val`` are found below the folder, and linked one by one."""
    given = tmp_path / "ILSVRC"
    for part in ("train", "val"):
        lay(given / "Data" / "CLS-LOC" / part, shifted())
    lay(given, {"classnames.txt": NAMES.encode()})
    assert imagenet.fetch(given) == []
    assert (imagenet.folder / "images" / "val").readlink() == given / "Data" / "CLS-LOC" / "val"
    assert imagenet.fetch() == []


def test_flat_val_is_refused(imagenet: Mini, tmp_path: Path) -> None:
    """The archive of validation images has no class folders; nothing is linked."""
    lay(tmp_path / "mine" / "train", shifted())
    lay(tmp_path / "mine" / "val", {"ILSVRC2012_val_00000001.JPEG": b"x"})
    with pytest.raises(DataError, match=r"val: holds images without class folders. Sort them into a folder a"):
        imagenet.fetch(tmp_path / "mine")
    assert not (imagenet.folder / "images").exists()


def test_missing_validation_images_are_counted(imagenet: Mini, tmp_path: Path) -> None:
    """Fewer than 50,000 is a fault."""
    lay(tmp_path / "mine" / "train", shifted())
    lay(tmp_path / "mine" / "val", dict(list(shifted().items())[:5]))
    lay(tmp_path / "mine", {"classnames.txt": NAMES.encode()})
    [fault] = imagenet.fetch(tmp_path / "mine")
    assert fault.what == (
        "has 5 test images (6 are published); tench (2), great white shark (2), cock (2) of at least 732 a class."
    )


def test_imagenet_is_not_downloaded(imagenet: Mini) -> None:
    """It is said how to get it, and no folder is made."""
    with pytest.raises(DataError, match=r"image-net\.org with your own account.*--from DIR"):
        imagenet.fetch()
    assert not imagenet.folder.exists()


# --- the command ---


def test_command_shows_terms_and_fetches(mini: Mini, capsys: pytest.CaptureFixture[str]) -> None:
    """Terms and size come first, then what happens, then where it is."""
    assert main(["data", "fetch", "dtd", "--data", str(mini.root)]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "dtd: https://authors.example",
        "terms: Yours to keep.",
        "download: about 1.0 kB, and as much again to unpack it",
        f"dtd: complete in {mini.folder}",
    ]
    assert shown.err.splitlines()[-1] == "check: looking for every image"


def test_command_says_what_is_missing(
    make_mini: MakeMini, server: Any, make_tar: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 when the data set is there, and not complete."""
    content = make_tar({**pictures("x/", PATHS[:-1]), "split.json": split_json(PATHS)})
    mini = make_mini((remote("x.tar", content, Web(server.put("/x.tar", content))),))
    assert main(["data", "fetch", "dtd", "--data", str(mini.root)]) == 1
    assert "1 of 12 images are missing" in capsys.readouterr().err


def test_command_fails_without_a_source(
    make_mini: MakeMini, server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 when no source works, with each answer on a line."""
    mini = make_mini((remote("x.tar", b"x", Web(server.url("/x.tar"))),))
    assert main(["data", "fetch", "dtd", "--data", str(mini.root), "--mirror", server.url("/m")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("error: http")] == [
        f"error: {server.url('/m/x.tar')}: answers 404 Not Found.",
        f"error: {server.url('/x.tar')}: answers 404 Not Found.",
    ]
    assert not mini.root.exists() or not any(mini.root.iterdir())


def test_command_knows_what_it_can_fetch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Digits need nothing, an unknown name gets a guess, and a folder must be named."""
    assert main(["data", "fetch", "digits"]) == 0
    assert capsys.readouterr().out == "digits comes with scikit-learn; there is nothing to fetch\n"
    assert main(["data", "fetch", "caltech", "--data", str(tmp_path)]) == 2
    assert "Did you mean 'caltech101'?" in capsys.readouterr().err
    assert main(["data", "fetch", "dtd"]) == 2
    assert "give --data DIR or set HARNESS_DATA" in capsys.readouterr().err


# --- the sources themselves ---


def test_every_data_set_has_a_source() -> None:
    """All but the digits, each with terms; ImageNet by hand only."""
    assert list(SOURCES) == [name for name in DATASETS if not name.startswith("digits")]
    assert all(source.terms.endswith(".") for source in SOURCES.values())
    assert [name for name, source in SOURCES.items() if source.by_hand] == ["imagenet"]
    assert all(source.images or source.by_hand for source in SOURCES.values())


def test_sizes_add_up() -> None:
    """What is downloaded is the first way's archives and the split."""
    for source in SOURCES.values():
        sizes = [file.n_bytes for file in (*source.images[0], *source.split_files)] if source.images else [None]
        if None not in sizes:
            assert source.download_bytes == sum(size or 0 for size in sizes)


def test_digests_have_their_form() -> None:
    """64 or 32 hexadecimal digits; pinned revisions are whole."""
    files = [file for source in SOURCES.values() for way in (*source.images, source.split_files) for file in way]
    for file in (*files, CLASS_NAMES):
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32
        assert file.md5 is None or len(bytes.fromhex(file.md5)) == 16
        for place in file.places:
            assert not isinstance(place, Hub) or place.revision == "main" or len(place.revision) == 40
            assert not (isinstance(place, Hub) and place.revision == "main") or file.sha256 is not None


def test_split_files_are_those_of_the_layouts() -> None:
    """What is downloaded has the name under which it is looked for."""
    for name, source in SOURCES.items():
        layout = DATASETS[name].layout
        if isinstance(layout, SplitFile):
            assert [file.name for file in source.split_files] == [layout.file]
