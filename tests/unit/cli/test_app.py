"""Exit codes, and how the command line answers bad input."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness as package
from harness.backbone.spec import WELL_KNOWN
from harness.cli import main
from harness.cli.output import console
from harness.cli.vocabulary import known_names
from harness.data.catalog import DATASETS

Harness = Callable[..., Any]


def test_version_is_the_packages(harness: Harness) -> None:
    """``--version`` prints name and version."""
    answer = harness("--version")
    assert (answer.code, answer.out) == (0, f"harness {package.__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["plan", "--help"], ["cache", "-h"]])
def test_help_is_given(harness: Harness, arguments: list[str]) -> None:
    """Help is an answer, not a failure."""
    answer = harness(*arguments)
    assert answer.code == 0
    assert "Usage:" in answer.out


def test_help_names_all_commands(harness: Harness) -> None:
    """The commands of the issue are there."""
    words = harness("--help").out.split()
    assert [
        name
        for name in ("plan", "run", "status", "report", "data", "backbones", "prompts", "cache")
        if name not in words
    ] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plann"], "No such command 'plann'"),
        (["plan"], "Missing option '--matrix'"),
        (["plan", "--matrix", "x.yaml", "--bogus"], "No such option"),
        (["run", "--matrix", "x.yaml", "--limit", "0"], "Invalid value for '--limit'"),
        (["run", "--matrix", "x.yaml", "--limit", "some"], "Invalid value for '--limit'"),
        (["plan", "--matrix", "none.yaml"], "none.yaml: no such matrix file."),
        (["status", "--matrix", "none.yaml"], "none.yaml: no such matrix file."),
        (["run", "--matrix", "none.yaml"], "none.yaml: no such matrix file."),
        (["report", "--matrix", "none.yaml"], "none.yaml: no such matrix file."),
        (["report"], "results: is no folder. Run `harness run"),
        (
            ["plan", "--matrix", "none.yaml", "--device", "tpu"],
            "--device: must be auto, cpu, cuda or cuda:N, not 'tpu'.",
        ),
    ],
)
def test_bad_input_exits_2_without_a_traceback(harness: Harness, arguments: list[str], message: str) -> None:
    """What the user can mend is said on stderr, and nothing on stdout."""
    answer = harness(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert message in " ".join(answer.err.replace("│", " ").split())


@pytest.mark.parametrize("command", ["plan", "run"])
def test_unknown_select_key_is_bad_input(harness: Harness, matrix: Path, command: str) -> None:
    """A selection that cannot be used names the keys that can."""
    answer = harness(command, "--matrix", matrix, "-k", "shot=1")
    assert answer.code == 2
    assert answer.err.startswith("error: --select 'shot=1': unknown key 'shot'. Did you mean 'shots'? Known: ")


def test_every_fault_of_a_matrix_is_a_line(harness: Harness, matrix: Path) -> None:
    """All faults of a file are printed, one line each, with brackets as they are."""
    matrix.write_text("backbones: tinny\ndatasets: digitz\nmethods: zero_shot\n")
    answer = harness("plan", "--matrix", matrix)
    assert (answer.code, [line[: len(str(matrix)) + 25] for line in answer.err.splitlines()]) == (
        2,
        [f"error: {matrix}:1: backbones[0]: ", f"error: {matrix}:2: datasets[0]: u"],
    )


def test_interrupt_exits_130(harness: Harness, matrix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's interrupt is no failure and no traceback, and is answered in a line."""

    def interrupt(*_: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    monkeypatch.setattr("harness.cli.commands.plan.plan_command", interrupt)
    answer = harness("plan", "--matrix", matrix)
    assert answer.code == 130
    assert answer.err == "error: interrupted; what was finished is kept, and the next run goes on from there\n"


def test_defect_keeps_its_traceback(harness: Harness, matrix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user cannot mend is not dressed up as bad input."""
    monkeypatch.setattr("harness.cli.commands.plan.plan_command", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        harness("plan", "--matrix", matrix)


def test_a_file_that_may_not_be_touched_is_one_line(
    harness: Harness, matrix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever file it is and whoever meets it; an error that tells of no file is a defect."""
    errors = [PermissionError(13, "Permission denied", "results/tracking"), OSError(22, "Invalid argument", "x")]

    def refuse(*_: object) -> int:
        raise errors.pop(0)

    monkeypatch.setattr("harness.cli.commands.plan.plan_command", refuse)
    answer = harness("plan", "--matrix", matrix)
    said = "error: results/tracking: permission denied. Mend that, or name another place.\n"
    assert (answer.code, answer.err) == (2, said)
    with pytest.raises(OSError, match="Invalid argument"):
        harness("plan", "--matrix", matrix)


def test_ctrl_c_while_python_imports_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens to signals yet; that is no reason for a traceback."""

    class Interrupted:
        """A module whose import takes so long that the user gives up."""

        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "harness.cli.app", Interrupted())  # type: ignore[arg-type]
    assert main(["--help"]) == 130
    assert capsys.readouterr() == ("", "error: interrupted\n")


@pytest.mark.parametrize("command", [["--version"], ["matrix", "show", "smoke"]])
def test_a_full_disk_behind_stdout_is_one_line(repository: Path, command: list[str]) -> None:
    """``harness matrix show smoke > mine.yaml`` says what is the matter, whichever way the result is written."""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "harness", *command],
            cwd=repository, stdout=full, stderr=subprocess.PIPE, check=False, text=True,
        )  # fmt: skip
    said = "error: the result cannot be written to standard output: No space left on device.\n"
    assert (ended.returncode, ended.stderr) == (2, said)


def test_without_any_output_a_command_does_its_work(repository: Path) -> None:
    """Whoever starts it may have closed both, as ``harness ... >&- 2>&-`` does."""
    code = (
        "import sys; from harness.cli import main; sys.stdout = sys.stderr = None; "
        "sys.exit(main(['data', 'list']))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=repository, check=False).returncode == 0


@pytest.mark.parametrize("command", [["data", "list"], ["matrix", "show", "smoke"]])
def test_reader_that_went_away_is_no_failure(repository: Path, command: list[str]) -> None:
    """``harness data list | head -1`` ends in silence."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "harness", *command],
        cwd=repository, stdout=write, stderr=subprocess.PIPE, check=False, text=True,
    )  # fmt: skip
    os.close(write)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_vocabulary_is_gathered_from_its_rooms() -> None:
    """The parser is given the names of all data sets, backbones and methods."""
    names = known_names()
    assert list(names.datasets) == list(DATASETS)
    assert names.backbones.well_known == tuple(WELL_KNOWN)
    assert list(names.methods) == ["zero_shot", "linear_probe", "coop", "prompt"]


def test_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets in names and paths are no colours, and colons are no pictures."""
    console.say("[red]x[/red]")
    console.note("[bold]y :zzz: z")
    assert capsys.readouterr() == ("[red]x[/red]\n", "[bold]y :zzz: z\n")


def test_tables_print_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A path with brackets stands whole in a table."""
    console.table("", ("place",), [["/data/[red]/x"]])
    assert "/data/[red]/x" in capsys.readouterr().out
