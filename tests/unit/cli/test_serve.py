"""``harness report --serve``, and the page that ``harness report`` writes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.commands.serve import _mark
from harness.matrix.cell import Cell
from harness.store.manifest import write_manifest
from harness.store.records import write_record

Harness = Callable[..., Any]


@pytest.fixture
def recorded(matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path) -> Path:
    """A results folder with a failed and a done cell of the matrix, and the log of the job that they ran in."""
    failed, done = make_record(cells[1], status="failed"), make_record(cells[2])
    write_record(tmp_path, failed)
    write_record(tmp_path, done)
    job = tmp_path / "mine" / "jobs" / "20260101-000000-1-001-run"
    job.mkdir(parents=True)
    events = [{"event": "failed", "cell": failed.cell_id, "reason": "x"}, {"event": "done", "cell": done.cell_id}]
    (job / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (job / "log.txt").write_text('Traceback (most recent call last):\n  File "a.py"\nout of memory\nbye\n')
    return tmp_path


def test_report_writes_the_page(harness: Harness, matrix: Path, recorded: Path) -> None:
    """The page stands beside the tables, is named, and holds cells, the log and the traceback of a failure."""
    answer = harness("report", "--matrix", matrix, "--results", recorded)
    page = recorded / "mine" / "report" / "index.html"
    assert answer.code == 0
    assert f"{page} opens in a browser" in answer.out
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)[1])  # type: ignore[index]
    assert data["live"] is False
    assert data["logs"][0]["tail"].endswith("out of memory\nbye")
    assert any(value and value.endswith("out of memory") for value in data["cells"]["trace"]["v"])


def test_page_is_the_same_twice(harness: Harness, matrix: Path, recorded: Path) -> None:
    """The same records and logs make the same bytes."""
    page = recorded / "mine" / "report" / "index.html"
    contents = []
    for _ in range(2):
        assert harness("report", "--matrix", matrix, "--results", recorded).code == 0
        contents.append(page.read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "1"], "--port: has no meaning without --serve."),
        (["--serve", "--out", "x"], "--out: has no meaning with --serve"),
        (["--serve"], "none: is no folder."),
    ],
)
def test_bad_input(harness: Harness, tmp_path: Path, arguments: list[str], words: str) -> None:
    """Options that contradict each other, and a folder with nothing to serve, are said with exit code 2."""
    answer = harness("report", "--results", tmp_path / "none", *arguments)
    assert (answer.code, words in answer.err) == (2, True)


def test_mark_follows_everything_that_is_shown(recorded: Path, matrix: Path) -> None:
    """A new record, a told epoch, an edited matrix: each changes the mark, and nothing else does."""
    marks = [_mark(matrix, recorded)]
    assert _mark(matrix, recorded) == marks[0]
    events = recorded / "mine" / "jobs" / "20260101-000000-1-001-run" / "events.jsonl"
    for path in (recorded / "records" / "new.json", events, matrix):
        with path.open("a") as file:
            file.write("\n")
        marks.append(_mark(matrix, recorded))
    assert len(set(marks)) == 4


def test_serves_until_interrupted(
    cells: tuple[Cell, ...], matrix: Path, make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """A matrix without records is served, a record that comes is told, and Ctrl-C ends it without a traceback."""
    from harness.cli.vocabulary import known_names
    from harness.matrix.matrix import read_matrix

    write_manifest(tmp_path, read_matrix(matrix, known_names()))
    server = subprocess.Popen(
        [sys.executable, "-m", "harness", "report", "--serve", "--port", "0", "--results", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        found = re.match(r"mine: (http://127\.0\.0\.1:\d+/) until Ctrl-C", server.stdout.readline())
        assert found is not None
        news = found[1] + "news.json"
        with urllib.request.urlopen(news) as answer:
            tag, first = answer.headers["ETag"], json.load(answer)
        assert "0 of 3 cells done" in first["overview"]
        write_record(tmp_path, make_record(cells[1]))
        second = _changed(news, tag)
        assert "1 of 3 cells done" in second["overview"]
        assert not (tmp_path / "mine" / "report").exists()
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=30)
    finally:
        server.kill()
        server.wait()
    assert (server.returncode, err) == (0, "stopped serving; nothing was written\n")


def _changed(address: str, tag: str) -> dict[str, Any]:
    """The news, once they are others than those of ``tag``."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers={"If-None-Match": tag})) as answer:
                value: dict[str, Any] = json.load(answer)
                return value
        except urllib.error.HTTPError as error:
            if error.code != 304:
                raise
            time.sleep(0.2)
    raise AssertionError("no news came")
