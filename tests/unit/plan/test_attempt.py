"""How the tries at a job ended."""

from pathlib import Path

import pytest

from harness.plan import attempt
from harness.plan.attempt import STATUS_FILE, begin_attempt, end_attempt, read_attempt


def test_a_try_has_no_status_until_it_ends(tmp_path: Path) -> None:
    """While it runs, and when it was killed, the file says so."""
    assert read_attempt(tmp_path) is None
    first = begin_attempt(tmp_path)
    found = read_attempt(tmp_path)
    assert found is not None
    assert (found.number, found.status) == (1, None)
    end_attempt(tmp_path, first, 3)
    ended = read_attempt(tmp_path)
    assert ended is not None
    assert (ended.number, ended.process, ended.status) == (1, first.process, 3)


def test_tries_are_counted_and_begin_without_a_status(tmp_path: Path) -> None:
    """The status of the try before does not stand for the next one."""
    end_attempt(tmp_path, begin_attempt(tmp_path), 1)
    begin_attempt(tmp_path)
    found = read_attempt(tmp_path)
    assert found is not None
    assert (found.number, found.status) == (2, None)


def test_an_orphan_does_not_speak_for_a_later_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first try that outlives its machine's connection leaves the second one's status alone."""
    orphan = begin_attempt(tmp_path)
    second = begin_attempt(tmp_path)
    end_attempt(tmp_path, orphan, 0)
    assert read_attempt(tmp_path) == second


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"attempt": "x"}',
        '{"attempt": 1, "process": 1, "status": "ended"}',
        '{"attempt": Infinity, "process": 1, "status": 0}',
    ],
)
def test_a_damaged_file_is_none(tmp_path: Path, content: str) -> None:
    """It is a help for engines, not a truth."""
    (tmp_path / STATUS_FILE).write_text(content)
    assert read_attempt(tmp_path) is None
    assert begin_attempt(tmp_path).number == 1


def test_a_full_disk_does_not_end_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is still told."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(attempt, "write_text", refuse)
    end_attempt(tmp_path, begin_attempt(tmp_path), 0)
    assert read_attempt(tmp_path) is None
