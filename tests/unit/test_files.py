"""Files written whole or not at all, canonical JSON, and digests."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from harness import files


def test_written_bytes_read_back(tmp_path: Path) -> None:
    """A file holds what was written, and its folders are made."""
    path = tmp_path / "a" / "b" / "file.bin"
    files.write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"


def test_text_is_utf8(tmp_path: Path) -> None:
    """Text is written as UTF-8 whatever the locale."""
    files.write_text(tmp_path / "file.txt", "ä\n")
    assert (tmp_path / "file.txt").read_bytes() == b"\xc3\xa4\n"


def test_old_file_is_replaced(tmp_path: Path) -> None:
    """Writing again leaves the new content and nothing else in the folder."""
    path = tmp_path / "file.txt"
    files.write_text(path, "old and long")
    files.write_text(path, "new")
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"file.txt": "new"}


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """When writing fails, by a full disk or an interrupt, the old file stays and nothing else lies about."""
    path = tmp_path / "file.txt"
    files.write_text(path, "old")

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        files.write_text(path, "new")
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"file.txt": "old"}


def test_write_onto_a_folder_leaves_no_part_file(tmp_path: Path) -> None:
    """A folder in the file's place is an error that leaves nothing behind."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        files.write_text(tmp_path / "taken", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_leavings_of_killed_writers_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day later, and nothing else goes: neither what is being written nor what was."""

    def die(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # who is killed tidies nothing up
        with pytest.raises(KeyboardInterrupt):
            files.write_text(tmp_path / "record.json", "half")
    (left,) = tmp_path.iterdir()
    for name in (".hidden", "whole.part", ".of.today.part"):
        (tmp_path / name).touch()
    a_day_ago = left.stat().st_mtime - 86_401
    assert files.remove_leavings(tmp_path) == 0
    for path in (left, tmp_path / ".hidden", tmp_path / "whole.part"):
        os.utime(path, (a_day_ago, a_day_ago))
    assert files.remove_leavings(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", ".of.today.part", "whole.part"]
    assert files.remove_leavings(tmp_path / "nowhere") == 0


def test_written_file_can_be_read_by_colleagues(tmp_path: Path) -> None:
    """The mode of a file is the one that ``open`` would give it."""
    (tmp_path / "opened").write_text("")
    files.write_text(tmp_path / "written", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("opened", "written")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, None, True]}, '{"a":[1.0,null,true],"b":1}'),
        ("ä", '"\\u00e4"'),
        (1e-05, "1e-05"),
    ],
)
def test_canonical_json_has_one_spelling(value: object, text: str) -> None:
    """Keys are sorted, spaces left out, and characters escaped."""
    assert files.canonical_json(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_json_does_not_have(value: float) -> None:
    """A number that is none cannot be part of an identity."""
    with pytest.raises(ValueError, match="Out of range float values"):
        files.canonical_json(value)


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000, '{"a":' * 100_000, r'["\ud800"]'])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    """Readers catch one kind of error, whatever was done to their file."""
    with pytest.raises(ValueError, match=r".+"):
        files.parsed_json(text)


def test_a_character_of_two_halves_is_read() -> None:
    """Python's writer spells what lies beyond 16 bits by two escapes."""
    assert files.parsed_json(r'["\ud83d\ude00", "\\ud"]') == ["\U0001f600", "\\ud"]


def test_digests_agree(tmp_path: Path) -> None:
    """Text, its bytes and a file of them have the same SHA-256."""
    (tmp_path / "file").write_bytes("ä".encode())
    found = [files.digest_text("ä"), files.digest_bytes("ä".encode()), files.digest_file(tmp_path / "file")]
    assert found == [hashlib.sha256(b"\xc3\xa4").hexdigest()] * 3


def test_cache_folder_is_the_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """``HARNESS_CACHE`` names it, a tilde included."""
    monkeypatch.setenv("HARNESS_CACHE", "~/somewhere")
    assert files.cache_folder() == Path.home() / "somewhere"


def test_cache_folder_is_the_users_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without ``HARNESS_CACHE`` it is a folder of this project in the user's cache."""
    monkeypatch.delenv("HARNESS_CACHE")
    monkeypatch.setattr(files.platformdirs, "user_cache_dir", lambda name, appauthor: str(tmp_path / name))
    assert files.cache_folder() == tmp_path / "coop-harness"


@pytest.mark.parametrize(
    ("name", "is_plain"),
    [("a", True), ("RN50.v2_x-1", True), ("9", True), ("", False), (".a", False), ("-a", False), ("a b", False),
     ("a/b", False), ("ä", False), ("a\n", False), (5, False), (None, False)],
)  # fmt: skip
def test_plain_names(name: object, is_plain: bool) -> None:
    """A name that people give holds nothing that a shell or a file system could take otherwise."""
    assert files.is_plain_name(name) == is_plain
