"""All five journeys with real workers: a small matrix of digits, run, run again, damaged, and reported."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.matrix import packaged

MATRIX = """
name: small
backbones: tiny
datasets: digits
shots: [1, 2]
seeds: 1
recipe: {epochs: 2}
methods: [zero_shot, linear_probe, {method: coop, context: [unified, class_specific], n_ctx: 4}]
"""
Command = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small matrix."""
    path = tmp_path_factory.mktemp("matrix") / "matrix.yaml"
    path.write_text(MATRIX)
    return path


@pytest.fixture(scope="session")
def finished(matrix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder in which the small matrix was run, and tracked."""
    results, tracked = tmp_path_factory.mktemp("finished"), tmp_path_factory.mktemp("tracked") / matrix.name
    tracked.write_text(matrix.read_text() + "tracking: tensorboard\n")
    assert main(["run", "--matrix", str(tracked), "--results", str(results), "--device", "cpu"]) == 0
    return results


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(finished, tmp_path / "results"))


@pytest.fixture
def command(matrix: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on the copy; exit code and everything it printed."""

    def run(name: str, *arguments: str, file: Path = matrix) -> tuple[int, str]:
        capsys.readouterr()
        code = main([name, "--matrix", str(file), "--results", str(results), *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def _bytes(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern)) if path.is_file()}


def _counts(results: Path) -> dict[str, object]:
    kept = ("cell", "status", "n_correct", "per_class", "history", "context", "logits")
    return {
        name: {key: json.loads(content)[key] for key in kept}
        for name, content in _bytes(results / "records", "*.json").items()
        if not name.endswith(".words.json")
    }


def test_every_cell_has_a_done_record(finished: Path) -> None:
    """One zero-shot cell, two probes and four contexts."""
    counts = _counts(finished)
    assert len(counts) == 7
    assert {record["status"] for record in counts.values()} == {"done"}


def test_every_cell_and_the_matrix_are_mirrored(finished: Path) -> None:
    """One run a cell, named for people and ending in its id, and one of the matrix as it stood at the end."""
    names = [folder.name for folder in (finished / "small" / "tensorboard").iterdir()]
    assert {name.rpartition("-")[2] for name in names if not name.startswith("matrix-")} == {
        path.removesuffix(".json") for path in _counts(finished)
    }
    assert len(names) == 8


def test_a_second_run_does_nothing(command: Command, results: Path) -> None:
    """No record is touched, no worker is started, and it says so."""
    before, jobs = _bytes(results / "records"), list((results / "small" / "jobs").iterdir())
    code, said = command("run")
    assert (code, "nothing to do, 7 of 7 cells are done" in said) == (0, True)
    assert _bytes(results / "records") == before
    assert list((results / "small" / "jobs").iterdir()) == jobs


def test_lost_and_broken_records_come_back_the_same(
    command: Command, matrix: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deleted and a truncated record are made again with identical counts; the others are left alone.

    The matrix is named here as those of the package are, and what to type next names it, too.
    """
    monkeypatch.setattr(packaged, "_FOLDERS", (matrix.parent,))
    before, whole = _counts(results), _bytes(results / "records", "*.json")
    cells = [results / "records" / name for name in before]
    coop = [path for path in cells if '"class_specific"' in path.read_text()]
    lost, cut = coop
    lost.unlink()
    cut.write_text(cut.read_text()[:100])
    code, said = command("run", file=Path(matrix.stem))
    assert code == 0
    assert "2 done, 0 failed, 0 unfinished" in said
    assert f"see `harness report --matrix {matrix.stem}`" in said
    assert f"{cut} is not a whole record" in said
    assert [path.name for path in (results / "records" / "quarantine").iterdir()] == [cut.name]
    assert _counts(results) == before
    untouched = {name for name in whole if name not in (lost.name, cut.name)}
    after = _bytes(results / "records", "*.json")
    assert {name: after[name] for name in untouched} == {name: whole[name] for name in untouched}


def test_metrics_of_every_cell_come_from_its_logits(command: Command, results: Path, tmp_path: Path) -> None:
    """Accuracy is the record's in every cell, nothing is found wrong, and no cell lacks NLL or ECE."""
    assert command("metrics", "--out", str(tmp_path / "metrics.csv"))[0] == 0
    rows = {row["cell_id"]: row for row in csv.DictReader(io.StringIO((tmp_path / "metrics.csv").read_text()))}
    assert len(rows) == 7
    for identifier, row in rows.items():
        record = json.loads((results / "records" / f"{identifier}.json").read_text())
        assert float(row["accuracy"]) == record["n_correct"] / record["n_test"]
        assert float(row["nll"]) > 0
        assert 0 < float(row["ece"]) < 1
        assert row["note"] == ""


def test_reports_are_equal_to_the_byte(command: Command, results: Path, tmp_path: Path) -> None:
    """Two reports of the same records are the same files, and name no path, host or time."""
    for name in ("one", "two"):
        assert command("report", "--out", str(tmp_path / name))[0] == 0
    one = _bytes(tmp_path / "one")
    assert one == _bytes(tmp_path / "two")
    assert {"digits.md", "digits.csv", "digits.tex", "curves.png", "curves.svg", "curves.pdf"} <= set(one)
    for name in ("digits.md", "digits.csv", "digits.tex"):
        assert str(tmp_path).encode() not in one[name]


def test_report_without_a_matrix_covers_all(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every matrix that was run into the folder gets its report there."""
    assert main(["report", "--results", str(results)]) == 0
    assert (results / "small" / "report" / "digits.md").is_file()
    assert "Zero-shot" in capsys.readouterr().out


def test_a_missing_cell_is_marked(command: Command, results: Path, tmp_path: Path) -> None:
    """A cell without a record is a hole with a footnote, not a smaller average."""
    for path in (results / "records").glob("*.json"):
        if '"linear_probe"' in path.read_text():
            path.unlink()
    assert command("report", "--out", str(tmp_path / "out"))[0] == 0
    assert "missing" in (tmp_path / "out" / "digits.md").read_text()


def test_divergence_fails_its_cells_and_is_told(
    command: Command, results: Path, tmp_path: Path, without_processes: Callable[[], None]
) -> None:
    """Exit 1, reason and log; a second run leaves failed cells alone, --retry-failed runs them again."""
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        MATRIX.replace("epochs: 2", "epochs: 2, warmup_lr: 1.0e+38").replace("name: small", "name: bad")
    )
    code, said = command("run", "-k", "method=coop,shots=1,context=unified", file=bad)
    assert code == 1
    assert "0 done, 1 failed, 0 unfinished" in said
    assert "the end of" in said
    assert command("status", file=bad)[0] == 1
    code, said = command("run", "-k", "method=coop,shots=1,context=unified", file=bad)
    assert (code, "nothing to do" in said, "--retry-failed" in said) == (1, True, True)
    without_processes()
    code, said = command("run", "-k", "method=coop,shots=1,context=unified", "--retry-failed", file=bad)
    assert (code, "1 failed" in said) == (1, True)


def test_what_would_fail_every_cell_is_found_before_training(
    command: Command, results: Path, tmp_path: Path, without_processes: Callable[[], None]
) -> None:
    """Prompts that do not fit end the run with exit 2, all classes named, and leave no record."""
    without_processes()
    before = _bytes(results / "records")
    long = tmp_path / "long.yaml"
    long.write_text(MATRIX.replace("n_ctx: 4", "n_ctx: 75").replace("name: small", "name: long"))
    code, said = command("run", file=long)
    assert code == 2
    assert said.count("takes 79 tokens") == 10
    assert "Traceback" not in said
    assert _bytes(results / "records") == before


def test_limit_runs_so_many_cells(command: Command, results: Path, without_processes: Callable[[], None]) -> None:
    """With --limit 1 one of the missing cells is done."""
    without_processes()
    for path in [path for path in (results / "records").glob("*.json") if '"zero_shot"' in path.read_text()]:
        path.unlink()
    for path in [path for path in (results / "records").glob("*.json") if '"linear_probe"' in path.read_text()]:
        path.unlink()
    code, said = command("run", "--limit", "1")
    assert (code, "1 done, 0 failed, 0 unfinished" in said) == (0, True)
    assert len(_counts(results)) == 5


def test_stale_records_are_told_and_made_again(command: Command, results: Path) -> None:
    """A record from other weights no longer counts; plan says why."""
    path = next(path for path in (results / "records").glob("*.json") if '"zero_shot"' in path.read_text())
    content = json.loads(path.read_text())
    content["provenance"]["weights_digest"] = "0" * 64
    del content["sha256"]  # of what the worker wrote
    path.write_text(json.dumps(content))
    code, said = command("plan")
    assert code == 0
    assert "6 done, 1 pending, 0 failed" in said
    assert "stale: other weights (00000000, today" in said
