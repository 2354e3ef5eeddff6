"""``harness prompts``, as far as no worker is needed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.commands import prompts
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.record import RunRecord
from harness.store.records import record_path, write_record

Harness = Callable[..., Any]
MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]
WORDS = ("harry", "proc", "surfing", "liet", "bos")
Keep = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here asks a worker."""
    monkeypatch.setattr(prompts, "ask_worker", lambda *_: pytest.fail("a worker was asked"))


@pytest.fixture
def keep(make_cell: MakeCell, make_record: MakeRecord) -> Keep:
    """A writer of a record with a context and its words; the cell's id."""

    def write(*shape: int, **axes: Any) -> str:
        cell = make_cell(**axes)
        context = {"file": f"{cell_id(cell)}.safetensors", "sha256": "0" * 64, "shape": (*shape, 8)}
        rows = [[(f"{word}{row}", row + place / 8) for place, word in enumerate(WORDS)] for row in range(4)]
        nearest = [[{"word": word, "distance": distance} for word, distance in row] for row in rows]
        words = json.dumps({"shape": shape, "nearest": nearest})
        write_record(Path("results"), make_record(cell, context=context), words=words)
        return cell_id(cell)

    return write


def _table(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()[1:]]


def test_the_words_of_a_unified_context_are_a_table(harness: Harness, keep: Keep) -> None:
    """A row a vector, a word with its distance a column, nearest first; the cell and its result stand above."""
    identifier = keep(4)
    answer = harness("prompts", "show", identifier[:7], "--top", "2")
    assert (answer.code, answer.err) == (0, "")
    head = answer.out.splitlines()[0]
    assert head.startswith(f"{identifier}: tiny, digits, coop, unified, end, 1-shot, seed 1, a unified context, ")
    assert head.endswith("4 vectors of width 8, accuracy 0.7500")
    assert _table(answer.out)[:2] == [
        ["vector", "nearest", "1", "nearest", "2"],
        ["1", "harry0", "0.0000", "proc0", "0.1250"],
    ]
    assert len(_table(answer.out)) == 5


def test_the_words_of_class_specific_contexts_go_class_by_class(harness: Harness, keep: Keep) -> None:
    """Every row says its class, and --class picks one."""
    identifier = keep(2, 2, context="class_specific")
    whole = _table(harness("prompts", "show", identifier).out)
    assert whole[0][:2] == ["class", "vector"]
    assert [row[:3] for row in whole[1:]] == [
        ["zero", "1", "harry0"],
        ["zero", "2", "harry1"],
        ["one", "1", "harry2"],
        ["one", "2", "harry3"],
    ]
    assert _table(harness("prompts", "show", identifier, "--class", "one").out)[1:] == whole[3:]


def _error(answer: Any) -> str:
    assert (answer.code, answer.out) == (2, "")
    assert "Traceback" not in answer.err
    return str(answer.err)


def test_a_class_that_is_not_there_is_said(harness: Harness, keep: Keep) -> None:
    """Near names for an unknown one; a unified context has no classes."""
    unified, specific = keep(4), keep(2, 2, context="class_specific")
    assert _error(harness("prompts", "show", specific, "--class", "won")) == (
        "error: --class: unknown class 'won'. Such as one; without --class all 2 are shown.\n"
    )
    assert f"the cell {unified} has one context for all classes." in _error(
        harness("prompts", "show", unified, "--class", "one")
    )


def test_candidates_are_listed(harness: Harness, keep: Keep) -> None:
    """For a beginning of several ids or of none, ids with what differs among their cells."""
    ids = sorted(keep(4, seed=seed) for seed in range(12))
    several = _error(harness("prompts", "show", ""))
    assert several.startswith("error: '': is the beginning of 12 cell ids in results/records. Cells:\n")
    assert [line.split()[0] for line in several.splitlines()[1:11]] == ids[:10]
    assert all(" coop seed=" in line for line in several.splitlines()[1:11])
    assert several.splitlines()[11] == "  and 2 more"
    none = _error(harness("prompts", "export", "zz", "--out", "x"))
    assert none.startswith("error: 'zz': is no cell in results/records. Cells:\n")


def test_an_empty_results_folder_says_what_fills_it(harness: Harness) -> None:
    """No cell at all."""
    assert "is no cell in elsewhere/records. `harness run --matrix FILE` fills it" in _error(
        harness("prompts", "show", "1", "--results", "elsewhere")
    )


@pytest.mark.parametrize("command", [["show"], ["export", "--out", "x"]])
def test_cells_without_a_context_say_why(
    harness: Harness, make_cell: MakeCell, make_record: MakeRecord, command: list[str]
) -> None:
    """A probe has none, a failed cell neither, and an evaluation names the cell that learned it."""

    def said(cell: Cell, **fields: Any) -> str:
        write_record(Path("results"), make_record(cell, **fields))
        return _error(harness("prompts", command[0], cell_id(cell), *command[1:]))

    assert "linear_probe learns no context." in said(make_cell(method="linear_probe"))
    assert "this cell failed: out of memory" in said(make_cell(), status="failed")
    trained = cell_id(make_cell(seed=3))
    elsewhere = said(make_cell(seed=3, evaluate_on="dtd"), trained_by=trained)
    assert f"this cell evaluates on dtd what the cell {trained} holds. Name {trained}." in elsewhere
    prompt = {"method": "prompt", "prompt": "mine", "shots": 0, "seed": None, "class_token_position": "end"}
    own = cell_id(make_cell(**prompt))
    assert f"what the cell {own} holds. Name {own}." in said(make_cell(**prompt, evaluate_on="dtd"))


def test_zero_shot_has_no_words(harness: Harness, make_cell: MakeCell, make_record: MakeRecord) -> None:
    """It can be exported, but not shown."""
    cell = make_cell(method="zero_shot")
    write_record(Path("results"), make_record(cell))
    assert "zero_shot learns no context." in _error(harness("prompts", "show", cell_id(cell)))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "is missing. Remove the record, and `harness run` makes both again."),
        ("{", "is damaged: "),
        ("[]", "is damaged: "),
        ('{"shape": [4], "nearest": []}', "is damaged: its shape is not 4."),
        ('{"shape": [4], "nearest": [[{}], [], [], []]}', "is damaged: 'word'."),
    ],
)
def test_damaged_words_are_named(harness: Harness, keep: Keep, content: str | None, what: str) -> None:
    """The file, and how to get it anew."""
    identifier = keep(4)
    path = record_path(Path("results"), identifier).with_suffix(".words.json")
    path.unlink()
    if content is not None:
        path.write_text(content)
    said = _error(harness("prompts", "show", identifier))
    assert f"error: {path}: " in said
    assert what in said


def test_damaged_records_are_named(harness: Harness, keep: Keep) -> None:
    """A record that is not whole, and one of another version's schema."""
    path = record_path(Path("results"), keep(4))
    whole = path.read_text()
    path.write_text(whole[:50])
    assert f"error: {path}: is not a whole record: " in _error(harness("prompts", "show", path.stem))
    path.write_text(whole.replace('"schema_version": 1', '"schema_version": 9'))
    assert f"error: {path}: is of schema 9, which" in _error(harness("prompts", "show", path.stem))


def test_everything_wrong_with_an_import_is_said_together(harness: Harness) -> None:
    """Name, position and file are looked at before a worker is asked."""
    said = _error(harness("prompts", "import", "x.pth", "--name", "a/b", "--class-token-position", "top"))
    assert said.splitlines() == [
        "error: --name: must be a name of letters, digits, '.', '_' and '-', not 'a/b'.",
        "error: --class-token-position: unknown position 'top'. Known: end, middle, front.",
        "error: x.pth: no such file.",
    ]


def test_an_import_is_never_overwritten(harness: Harness, tmp_path: Path) -> None:
    """What is there stays, and the message says where."""
    path = tmp_path / "results" / "prompts" / "mine.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"y")
    said = _error(harness("prompts", "import", "file", "--name", "mine"))
    assert "--name: 'mine' is there already; what was imported is never overwritten. Take another, or" in said
    assert path.read_bytes() == b"x"
