"""Archives from the net."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from harness.data.fetch import archive as archive_module
from harness.data.fetch.archive import archive_kind, members, of_a_data_set, unpacked
from harness.errors import DataError

Make = Callable[..., bytes]
PICTURE = b"\xff\xd8 a picture \xff\xd9"


def contents(archive: Path, **how: Any) -> dict[str, bytes]:
    """What is unpacked, by its path."""
    said = how.pop("said", [])
    wanted = how.pop("wanted", lambda _: True)
    with unpacked([archive], archive.parent, wanted, said.append, lambda *_: None) as folder:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }


def refused(tmp_path: Path, archive: Path, message: str) -> None:
    """The archive is refused with these words, and nothing is left of it."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=message):
        contents(archive)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    """A writer of an archive, under a name that says nothing."""

    def write(content: bytes) -> Path:
        (tmp_path / "in").mkdir(exist_ok=True)
        path = tmp_path / "in" / "archive"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_known_by_its_content(written: Any, make_tar: Make, mode: str) -> None:
    """Compressed or not, whatever the name: ImageNetV2's .tar.gz is a plain tar."""
    path = written(make_tar({"a/1.jpg": PICTURE}, mode))
    assert (archive_kind(path), contents(path)) == ("tar", {"a/1.jpg": PICTURE})


def test_zip_is_known_by_its_content(written: Any, make_zip: Make) -> None:
    """A zip needs no suffix."""
    path = written(make_zip({"a/1.jpg": PICTURE}))
    assert (archive_kind(path), contents(path)) == ("zip", {"a/1.jpg": PICTURE})


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x1f\x8b\x08 no gzip", PICTURE * 100])
def test_no_archive_is_said(tmp_path: Path, written: Any, content: bytes) -> None:
    """Anything else is no archive."""
    path = written(content)
    assert archive_kind(path) is None
    refused(tmp_path, path, "is neither a zip nor a tar archive")


def test_only_what_is_of_a_data_set_is_unpacked(written: Any, make_zip: Make) -> None:
    """A Mac's side files, hidden files, programs and other people's draws stay where they are."""
    junk = ("__MACOSX/a/1.jpg", "a/._1.jpg", ".git/x.txt", "a/run.sh", "split_fewshot/x.json", "a/Thumbs.db")
    kept = ("a/1.jpg", "a/2.JPEG", "a/split.json", "a/classnames.txt", "a/labels.mat")
    path = written(make_zip(dict.fromkeys((*junk, *kept), PICTURE)))
    assert sorted(contents(path)) == sorted(kept)
    assert [name for name in junk if of_a_data_set(PurePosixPath(name))] == []


@pytest.mark.parametrize("name", ["a/preprocessed.pkl", "a/x.PICKLE", "w.pt"])
def test_pickle_is_left_out_and_said(written: Any, make_zip: Make, name: str) -> None:
    """A pickle is never written, since loading one runs code; known mirrors have some."""
    said: list[str] = []
    assert sorted(contents(written(make_zip({name: b"\x80\x04.", "1.jpg": PICTURE})), said=said)) == ["1.jpg"]
    assert said == [f"archive: 1 pickles left out, {name!r} first"]


def test_only_wanted_images_are_unpacked(written: Any, make_tar: Make) -> None:
    """SUN397's 39,700 listed images are unpacked, its other 69,000 are not; lists always are."""
    path = written(make_tar({"S/a/1.jpg": PICTURE, "S/a/2.jpg": PICTURE, "S/x.txt": b"x"}))
    assert sorted(contents(path, wanted=lambda path: path.name == "1.jpg")) == ["S/a/1.jpg", "S/x.txt"]


def test_archive_within_is_unpacked(written: Any, make_zip: Make, make_tar: Make) -> None:
    """Caltech101 is a tar in a zip."""
    inner = make_tar({"101_ObjectCategories/Faces/1.jpg": PICTURE})
    path = written(make_zip({"caltech-101/101_ObjectCategories.tar.gz": inner, "caltech-101/y.gz": b"no"}))
    found = contents(path)
    assert found.pop("caltech-101/y.gz") == b"no"
    assert [(Path(name).name, content) for name, content in found.items()] == [("1.jpg", PICTURE)]


def test_names_beyond_ascii_survive(written: Any, make_zip: Make, make_tar: Make) -> None:
    """Both kinds keep letters of any language."""
    name = "Bäume/樹 é.jpg"
    assert list(contents(written(make_zip({name: PICTURE})))) == [name]
    assert list(contents(written(make_tar({name: PICTURE})))) == [name]


BAD_NAMES = [
    ("/etc/x.jpg", "absolute"),
    ("../x.jpg", "leads out"),
    ("a/../../x.jpg", "leads out"),
    ("a\\..\\..\\x.jpg", "leads out"),
    ("\\\\host\\x.jpg", "absolute"),
    ("C:/x.jpg", "absolute"),
    ("c:x.jpg", "absolute"),
    ("../x.sh", "leads out"),
]


@pytest.mark.parametrize(("name", "message"), BAD_NAMES)
def test_name_that_leads_out_refuses_the_archive(
    tmp_path: Path, written: Any, make_zip: Make, make_tar: Make, name: str, message: str
) -> None:
    """One such member is enough, wanted or not, and nothing is unpacked before it was seen."""
    for make in (make_zip, make_tar):
        refused(tmp_path, written(make({"a/1.jpg": PICTURE, name: PICTURE})), message)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "is neither a file nor a folder"),
        (tarfile.BLKTYPE, "is neither a file nor a folder"),
        (tarfile.FIFOTYPE, "is neither a file nor a folder"),
    ],
)
def test_tar_with_more_than_files_is_refused(tmp_path: Path, written: Any, kind: bytes, message: str) -> None:
    """Links, devices and pipes are no pictures."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("a/1.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    refused(tmp_path, written(buffer.getvalue()), f"'a/1.jpg' {message}")


@pytest.mark.parametrize(("mode", "message"), [(0o120777, "is a link"), (0o020666, "neither a file nor a folder")])
def test_zip_with_more_than_files_is_refused(tmp_path: Path, written: Any, mode: int, message: str) -> None:
    """A zip can hold links and devices, too."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a/1.jpg")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, b"/etc/passwd")
    refused(tmp_path, written(buffer.getvalue()), message)


def test_encrypted_zip_is_refused(tmp_path: Path, written: Any, make_zip: Make) -> None:
    """There is no password to give."""
    content = bytearray(make_zip({"a/1.jpg": PICTURE}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    refused(tmp_path, written(bytes(content)), "is encrypted")


def test_bad_members_are_counted(written: Any, make_tar: Make) -> None:
    """The first five are named."""
    path = written(make_tar({f"../{n}.jpg": PICTURE for n in range(8)}))
    with pytest.raises(DataError) as caught:
        contents(path)
    assert [fault.what for fault in caught.value.faults][4:] == [
        "the archive is refused: '../4.jpg' leads out of the folder.",
        "3 more members must not be unpacked.",
    ]


def test_bomb_is_refused(tmp_path: Path, written: Any, make_tar: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes than the disk has free are not unpacked."""

    class Usage:
        free = 9_999

    monkeypatch.setattr(archive_module.shutil, "disk_usage", lambda _: Usage)
    path = written(make_tar({"a/1.jpg": bytes(10_000)}))
    assert path.stat().st_size < 1000
    refused(tmp_path, path, "has 9,999 bytes free, and archive unpacks to 10,000")


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_truncated_archive_is_damaged(
    tmp_path: Path, written: Any, make_zip: Make, make_tar: Make, cut: float
) -> None:
    """Half an archive leaves nothing behind."""
    files = {f"a/{n}.jpg": os.urandom(5000) for n in range(10)}
    for content in (make_zip(files), make_tar(files, "w:gz"), make_tar(files, "w")):
        refused(tmp_path, written(content[: int(len(content) * cut)]), "damaged|cannot be unpacked|neither")


def test_changed_byte_is_damage(tmp_path: Path, written: Any, make_zip: Make) -> None:
    """A zip's own check sums are looked at."""
    content = bytearray(make_zip({"a/1.jpg": PICTURE}))
    content[content.index(PICTURE) + 5] ^= 1
    refused(tmp_path, written(bytes(content)), "cannot be unpacked: Bad CRC-32")


def test_file_in_a_folders_place_is_damage(tmp_path: Path, written: Any, make_tar: Make) -> None:
    """A member below a file cannot be unpacked."""
    refused(tmp_path, written(make_tar({"a.jpg": PICTURE, "a.jpg/b.jpg": PICTURE})), "cannot be unpacked")


def test_empty_archive_is_refused(tmp_path: Path, written: Any, make_zip: Make, make_tar: Make) -> None:
    """An archive without a file holds no data set."""
    for content in (make_zip({}), make_tar({})):
        refused(tmp_path, written(content), "the archive is empty")


def test_hostile_archive_within_is_refused(tmp_path: Path, written: Any, make_zip: Make, make_tar: Make) -> None:
    """What is unpacked from within is looked through as well."""
    refused(tmp_path, written(make_zip({"a/b.tar": make_tar({"../../x.jpg": PICTURE}, "w")})), "leads out")


def test_folder_goes_away_with_its_user(written: Any, make_zip: Make, tmp_path: Path) -> None:
    """Also when that fails."""
    path = written(make_zip({"1.jpg": PICTURE}))

    def use() -> None:
        with unpacked([path], tmp_path, lambda _: True, print, lambda *_: None) as folder:
            assert (folder / "1.jpg").is_file()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


def test_members_tell_sizes(written: Any, make_tar: Make) -> None:
    """Path, bytes and kind of every entry."""
    found = members(written(make_tar({"./a/1.jpg": PICTURE})))
    assert [(str(member.path), member.n_bytes, member.is_file) for member in found] == [
        ("a/1.jpg", len(PICTURE), True)
    ]
