"""The example plug-ins of the documents, run and reported."""

import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.flowers import write_flowers

from harness.cli import main
from harness.plugins.reading import file_plugin
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


def test_a_raised_version_makes_its_records_stale(
    folder: Path, finished: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are pending again, with the reason; an edit alone changes nothing, and other methods' records stay.

    Made anew they have another origin, which a comparison of results tells.
    """
    plugin, matrix = folder / "my_method.py", str(folder / "my_method.yaml")
    plugin.write_text(plugin.read_text().replace("their", "her").replace("Tip-Adapter as", "Tip-Adapter, as"))
    assert "2 done, 0 pending, 0 failed" in command("plan", "--matrix", matrix)[1]
    plugin.write_text(plugin.read_text().replace("version=1", "version=2"))
    said = command("plan", "--matrix", matrix)[1]
    assert "1 done, 1 pending, 0 failed" in said
    assert "1 pending again, stale: other version of tip_adapter (1, today 2)" in said
    assert command("run", "--matrix", matrix, "--device", "cpu")[0] == 0
    assert made_from(records(folder)["tip_adapter"]).method_version == 2
    capsys.readouterr()
    assert main(["compare", str(finished / "results"), str(folder / "results")]) == 0
    assert "plug-in my_method.py" in capsys.readouterr().out


def test_a_plugin_that_changes_under_a_run_is_seen(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for is not there any more, so nothing is computed by something else."""
    from harness.cli.commands import run

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


def run_example(name: str, folder: Path, *arguments: str, **changes: str) -> int:
    """``harness run`` of a copy of an example's plug-in and matrix, some words of which are changed."""
    shutil.copy(EXAMPLES / f"{name}.py", folder)
    text = (EXAMPLES / f"{name}.yaml").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / f"{name}.yaml").write_text(text)
    at = ("--matrix", str(folder / f"{name}.yaml"), "--results", str(folder / "results"))
    return main(["run", *at, *arguments])


def test_jobs_go_through_a_launcher_of_ones_own(finished: Path, tmp_path: Path) -> None:
    """Its command is run once a job; here one that brings a record in the place of a worker, which is slow."""
    (made,) = (
        path for path in (finished / "results" / "records").glob("*.json") if "zero_shot" in path.read_text()
    )
    place = tmp_path / "results" / "records" / made.name
    command = {"nice -n 10 {}": f"cp {made} {place} # {{}}"}
    assert run_example("my_launcher", tmp_path, "--select", "method=zero_shot", "--device", "cpu", **command) == 0
    assert list(records(tmp_path)) == ["zero_shot"]
    jobs = [json.loads(path.read_text()) for path in (tmp_path / "results").rglob("job.json")]
    assert [job["plugins"] for job in jobs] == [[]] * len(jobs)  # a worker needs to know nothing of it


def test_flags_are_checked_by_a_launchers_own_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A flag that is an option of it goes before the section's; another is refused, and so is a wrong value."""
    assert run_example("my_launcher", tmp_path, "--partition", "gpu", "--max-concurrent", "0") == 2
    said = capsys.readouterr().err
    assert "--launcher.partition: is no option of shell." in said
    assert "--launcher.max_concurrent: input should be greater than or equal to 1, not 0." in said
    assert run_example("my_launcher", tmp_path, "--detach") == 2
    assert "--detach: shell has nobody who goes on; it is for slurm." in capsys.readouterr().err


def test_a_tracker_of_ones_own_shows_cells_and_the_matrix(
    in_this_process: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Through the mirror process, while cells are run."""
    assert run_example("my_tracker", tmp_path, "--select", "method=zero_shot", "--device", "cpu") == 0
    with closing(sqlite3.connect(tmp_path / "results" / "my_tracker" / "runs.sqlite")) as connection:
        rows = connection.execute("SELECT dataset, method, accuracy FROM runs ORDER BY id").fetchall()
    (record,) = records(tmp_path).values()
    assert ("digits", "zero_shot", record.accuracy) in rows
    assert (None, None, None) in rows  # the matrix's own


def test_a_data_set_of_ones_own_is_run(
    in_this_process: pytest.MonkeyPatch, tmp_path: Path, paint: Callable[..., None]
) -> None:
    """Its plug-in stands in the records of its cells, of whatever method."""
    write_flowers(tmp_path / "data", paint)
    like = {"my_flowers": f"{{name: mine, like: my_flowers, data: {tmp_path / 'data'}}}"}
    for changes in ({}, like):  # itself, and another one that is like it
        assert (
            run_example("my_dataset", tmp_path, "--data", str(tmp_path / "data"), "--device", "cpu", **changes)
            == 0
        )
        assert {name: [*made_from(record).plugins] for name, record in records(tmp_path).items()} == {
            "zero_shot": ["my_dataset.py"],
            "linear_probe": ["my_dataset.py"],
        }
        shutil.rmtree(tmp_path / "results" / "records")
