"""The example plug-ins of the documents, run and reported."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.plugins import file_plugin
from harness.store.record import Provenance, RunRecord
from harness.store.records import read_records

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
Command = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def finished(in_this_process: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the method example, cut down to two cells, and their results."""
    folder = tmp_path_factory.mktemp("plugins")
    for name in ("my_method.py", "cache_model.py"):
        shutil.copy(EXAMPLES / name, folder)
    text = (EXAMPLES / "my_method.yaml").read_text()
    for part, smaller in (("[1, 16]", "1"), ("[1, 2, 3]", "1"), ("  - linear_probe\n", "")):
        assert part in text
        text = text.replace(part, smaller)
    (folder / "my_method.yaml").write_text(text)
    in_this_process.setenv("HARNESS_CACHE", str(folder / "cache"))
    at = ("--matrix", str(folder / "my_method.yaml"), "--results", str(folder / "results"))
    assert main(["run", *at, "--device", "cpu"]) == 0
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


@pytest.fixture
def command(folder: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on the copy; exit code and everything it printed."""

    def run(name: str, *arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main([name, "--results", str(folder / "results"), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def records(folder: Path) -> dict[str, RunRecord]:
    """The records by method."""
    return {each.cell["method"]: each for each in read_records(folder / "results").records.values()}


def made_from(record: RunRecord) -> Provenance:
    """Its provenance, which a done record has."""
    assert record.provenance is not None
    return record.provenance


def test_records_name_the_plugin_and_its_digest(finished: Path) -> None:
    """Those of its method alone; others are as if there were no plug-ins."""
    found = records(finished)
    digest = file_plugin(finished / "my_method.py").source.digest
    assert (made_from(found["tip_adapter"]).plugins, made_from(found["tip_adapter"]).method_version) == (
        {"my_method.py": digest},
        1,
    )
    assert "plugins" not in made_from(found["zero_shot"]).model_dump()
    assert found["tip_adapter"].cell["recipe"] == {"alpha": 1.0, "beta": 5.5}


def test_images_that_vote_help(finished: Path) -> None:
    """The example is right: with one image a class it is above zero-shot."""
    found = records(finished)
    assert (found["tip_adapter"].accuracy or 0) > (found["zero_shot"].accuracy or 1)


def test_a_report_needs_neither_plugin_nor_matrix(folder: Path, command: Command) -> None:
    """Tables, states and labels come from the results folder."""
    for name in ("my_method.py", "cache_model.py", "my_method.yaml"):
        (folder / name).unlink()
    code, said = command("report")
    assert (code, "Tip-Adapter" in said) == (0, True)
    written = (folder / "results/my_method/report/digits.csv").read_text()
    rows = [(row["method"], row["label"]) for row in csv.DictReader(io.StringIO(written))]
    assert rows == [("zero_shot", "Zero-shot"), ("tip_adapter", "Tip-Adapter")]
    code, said = command("status")
    assert (code, said.split()[-6:]) == (0, ["my_method", "2", "2", "0", "0", "0"])


def test_a_raised_version_makes_its_records_stale(folder: Path, command: Command) -> None:
    """They are pending again, with the reason; an edit alone changes nothing, and other methods' records stay."""
    plugin, matrix = folder / "my_method.py", str(folder / "my_method.yaml")
    plugin.write_text(plugin.read_text().replace("their", "her").replace("Tip-Adapter as", "Tip-Adapter, as"))
    assert "2 done, 0 pending, 0 failed" in command("plan", "--matrix", matrix)[1]
    plugin.write_text(plugin.read_text().replace("version=1", "version=2"))
    said = command("plan", "--matrix", matrix)[1]
    assert "1 done, 1 pending, 0 failed" in said
    assert "1 pending again, stale: other version of tip_adapter (1, today 2)" in said
    assert command("run", "--matrix", matrix, "--device", "cpu")[0] == 0
    assert made_from(records(folder)["tip_adapter"]).method_version == 2


def test_a_plugin_that_changes_under_a_run_is_seen(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for is not there any more, so nothing is computed by something else."""
    from harness.cli import run

    plugin, write = folder / "cache_model.py", run._job

    def change(*arguments: object) -> object:
        job = write(*arguments)  # type: ignore[arg-type]
        plugin.write_text(plugin.read_text() + "# an afterthought\n")
        return job

    monkeypatch.setattr(run, "_job", change)
    shutil.rmtree(folder / "results" / "records")
    code, said = command("run", "--matrix", str(folder / "my_method.yaml"), "--device", "cpu")
    assert code == 2
    assert "my_method.py: is not what it was when this was asked for: cache_model.py changed." in said


def test_comparing_results_shows_the_plugins(
    folder: Path, finished: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another digest of the plug-in is another origin of the same cells."""
    beside = folder / "cache_model.py"
    beside.write_text(beside.read_text() + "# an afterthought\n")
    shutil.rmtree(folder / "results" / "records")
    at = ("--matrix", str(folder / "my_method.yaml"), "--results", str(folder / "results"))
    assert main(["run", *at, "--device", "cpu"]) == 0
    capsys.readouterr()
    assert main(["compare", str(finished / "results"), str(folder / "results")]) == 0
    assert "plug-in my_method.py" in capsys.readouterr().out
