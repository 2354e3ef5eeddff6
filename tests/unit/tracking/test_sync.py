"""``harness sync`` against a W&B server on loopback that is well, breaks off, refuses, or is not there."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.cli.vocabulary import known_names
from harness.matrix.matrix import read_matrix
from harness.store.manifest import write_manifest
from harness.store.record import RunRecord
from harness.store.records import write_record

MATRIX = (
    "backbones: tiny\ndatasets: digits\nshots: 1\nseeds: [1, 2, 3]\nmethods: [zero_shot, coop]\ntracking: {}\n"
)


@dataclass(frozen=True)
class Mine:
    """A finished matrix: four cells, of which one failed and two have an epoch each."""

    file: Path
    results: Path
    records: tuple[RunRecord, ...]

    @property
    def ids(self) -> set[str]:
        """Of the cells."""
        return {record.cell_id for record in self.records}


@pytest.fixture
def mine(tmp_path: Path, make_record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch) -> Mine:
    """The matrix, which is tracked by wandb in the project ``trial``."""
    file = tmp_path / "mine.yaml"
    file.write_text(MATRIX.format("{wandb: {project: trial}}"))
    matrix = read_matrix(file, known_names())
    zero_shot, *coop = matrix.cells
    records = (
        make_record(zero_shot, history=[]),
        make_record(coop[0], status="failed", reason="cannot read /home/somebody/x.jpg", history=[]),
        *(make_record(cell, timings={"total_s": 2.0}) for cell in coop[1:]),
    )
    for record in records:
        write_record(tmp_path / "results", record)
    write_manifest(tmp_path / "results", matrix)
    return Mine(file, tmp_path / "results", records)


@pytest.fixture
def sync(
    mine: Mine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """``harness sync`` with these arguments: exit code, output, and what was said on the way."""
    monkeypatch.setattr("harness.cli.output.bar._EVERY_S", 1e9)  # a slow machine says where it stands

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["sync", "--results", str(mine.results), *arguments])
        said = capsys.readouterr()
        return code, said.out.strip(), said.err.strip()

    return call


Sync = Callable[..., tuple[int, str, str]]


def test_what_is_missing_is_sent_once(sync: Sync, mine: Mine, online: Any) -> None:
    """A dry run sends nothing, then all is sent, then nothing; a lost ledger makes no run and no point twice."""
    assert sync("--dry-run") == (0, "mine: 5 of 5 runs would be sent, the matrix's own among them", "")
    assert online.runs == {}
    assert sync("--matrix", str(mine.file)) == (0, "mine: 5 runs sent, 0 were there, 0 not sent", "")
    points = online.n_points()
    assert {key for key in points if not key.startswith("matrix-")} == mine.ids
    assert sorted(points.values()) == [0, 0, 1, 1, 4]
    assert {project for project, _ in online.runs} == {"trial"}
    n_seen, n_artifacts = len(online.seen), len(online.artifacts)
    assert sync() == (0, "mine: 0 runs sent, 5 were there, 0 not sent", "")
    assert len(online.seen) == n_seen
    (mine.results / "tracking" / "sent.jsonl").unlink()
    assert sync() == (0, "mine: 5 runs sent, 0 were there, 0 not sent", "")
    assert (online.n_points(), len(online.artifacts)) == (points, n_artifacts)


def test_a_run_holds_what_its_record_says(sync: Sync, mine: Mine, online: Any) -> None:
    """Group, job type, tags, name, config, history, summary, artifacts, exit code of done and failed."""
    assert sync()[0] == 0
    zero_shot, failed, coop, _ = mine.records
    run = online.run(coop.cell_id, "trial")
    assert {key: run.fields[key] for key in ("displayName", "groupName", "jobType", "tags")} == {
        "displayName": "digits coop unified end 1-shot seed 2",
        "groupName": "mine",
        "jobType": "train",
        "tags": ["digits", "coop", "tiny"],
    }
    assert run.config["recipe"]["lr"] == coop.cell["recipe"]["lr"]
    assert run.config["provenance"]["weights_digest"] == coop.provenance.weights_digest  # type: ignore[union-attr]
    (row,) = run.history
    assert {key: row[key] for key in row if not key.startswith("_")} == {
        "epoch": 1, "train/lr": 1e-5, "train/loss": 2.25, "train/train_accuracy": 0.5,
    }  # fmt: skip
    assert (run.summary["accuracy"], run.summary["n_correct"], run.summary["seconds"]) == (0.75, 3, 2.0)
    assert "train/*" in str(run.added["m"]), "the step of these metrics is the epoch"
    kept = {(each["artifactTypeName"], each["artifactCollectionName"]) for each in online.artifacts.values()}
    assert ("record", f"record-{coop.cell_id}") in kept
    assert not any(failed.cell_id in name for _, name in kept)
    assert [online.run(each.cell_id, "trial").exit_code for each in (zero_shot, failed, coop)] == [0, 1, 0]
    assert online.run(failed.cell_id, "trial").summary["reason"] == "cannot read …/x.jpg"
    assert online.run(zero_shot.cell_id, "trial").fields["jobType"] == "zero_shot"


def test_the_matrix_is_a_run_of_its_own(sync: Sync, mine: Mine, online: Any) -> None:
    """Progress by hours, counts, the aggregated table, and the figures; one run also in the next sync."""
    assert sync()[0] == 0
    ((identifier, run),) = [(key, run) for (_, key), run in online.runs.items() if key.startswith("matrix-mine-")]
    assert len(identifier) <= 64
    assert [row["cells/done"] + row["cells/failed"] for row in run.history] == [1, 2, 3, 4]
    assert (run.summary["cells"], run.summary["done"], run.summary["failed"]) == (4, 3, 1)
    assert (run.summary["tables/digits"]["nrows"], run.summary["figures/gains"]["format"]) == (2, "png")
    png = next(content for name, content in online.uploads.items() if "media/images" in name)
    assert png.startswith(b"\x89PNG")
    assert run.config["methods"] == ["zero_shot", "coop"]


def test_a_record_that_changed_is_sent_again_under_its_id(
    sync: Sync, mine: Mine, online: Any, make_record: Callable[..., RunRecord]
) -> None:
    """New numbers replace the old ones; a cell that failed before gets its points; no other cell is sent.

    W&B keeps the history of a first training: that of a second one comes once, after it.
    """
    assert sync()[0] == 0
    _, retried, trained_anew, _ = mine.records
    row = {"epoch": 1, "lr": 1e-5, "loss": 1.5, "train_accuracy": 0.75}
    cells = {cell.seed: cell for cell in read_matrix(mine.file, known_names()).cells}
    for record in (retried, trained_anew):
        anew = make_record(cells[record.cell["seed"]], timings={"total_s": 9.0}, history=[row])
        write_record(mine.results, anew)
    assert sync() == (0, "mine: 3 runs sent, 2 were there, 0 not sent", "")
    assert sync("--again")[0] == 0
    losses = []
    for record in (retried, trained_anew):
        run = online.run(record.cell_id, "trial")
        assert (run.summary["seconds"], run.summary.get("reason"), run.exit_code) == (9.0, None, 0)
        losses.append([each["train/loss"] for each in run.history])
    assert losses == [[1.5], [2.25, 1.5]]


def test_a_sync_that_broke_off_is_gone_on_with(
    sync: Sync, mine: Mine, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that vanishes half-way is exit code 1 with the reason; the next sync sends the rest, once."""
    monkeypatch.setattr("harness.cli.commands.sync.PATIENCE_S", 4.0)
    online.vanish_after = 14
    code, out, _ = sync()
    assert code == 1
    assert "mine: given up, " in out
    assert "`harness sync` goes on from there; " in out
    online.vanish_after = None
    assert sync()[0] == 0
    assert sorted(online.n_points().values()) == [0, 0, 1, 1, 4]
    assert {run.exit_code for run in online.runs.values()} == {0, 1}


@pytest.mark.parametrize("behaviour", ["hang", "error", "forbid", "refuse"])
def test_a_server_that_takes_nothing_is_given_up(
    behaviour: str, sync: Sync, mine: Mine, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hanging, 500s, 403s and refusing end in exit code 1 and a reason, in the time that the user set."""
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "1")
    if behaviour == "refuse":
        online.stop()
    online.behaviour = behaviour
    code, out, err = sync()
    assert (code, online.runs) == (1, {})
    assert "mine: 0 runs sent, 0 were there, 5 not sent" in out
    assert "mine: given up, " in out
    assert err.count("failed ") >= 1


def test_without_a_login_runs_are_written_offline(
    sync: Sync,
    mine: Mine,
    wandb_home: Path,
    server: Any,
    offline_runs: Callable[[Path], dict[str, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is said once, nothing asks, and wandb's own reader finds every run; a lost folder comes again.

    Once there is a login, everything is sent from the records.
    """
    code, out, err = sync()
    assert (code, out) == (0, "mine: 5 runs sent, 0 were there, 0 not sent")
    assert err.count("\n") == 0
    assert err.startswith("no W&B login here")
    found = offline_runs(mine.results / "mine")
    coop = found[mine.records[2].cell_id]
    assert {key: coop["run"][key] for key in ("project", "run_group", "job_type", "display_name")} == {
        "project": "trial", "run_group": "mine", "job_type": "train",
        "display_name": "digits coop unified end 1-shot seed 2",
    }  # fmt: skip
    assert (len(coop["history"]), coop["summary"]["accuracy"], coop["exit_code"]) == (1, 0.75, 0)
    assert {"glob_name": "train/*", "step_metric": "epoch"}.items() <= coop["metrics"][1].items()
    assert coop["artifacts"] == [f"record-{mine.records[2].cell_id}"]
    assert found[mine.records[1].cell_id]["exit_code"] == 1
    (lost,) = (mine.results / "mine" / "wandb").glob(f"offline-run-*-{mine.records[0].cell_id}")
    shutil.rmtree(lost)
    assert sync()[1] == "mine: 1 runs sent, 4 were there, 0 not sent"
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert sync() == (0, "mine: 5 runs sent, 0 were there, 0 not sent", "")
    assert sorted(server.n_points().values()) == [0, 0, 1, 1, 4]


def test_a_login_that_is_none_is_told(
    sync: Sync, mine: Mine, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that cannot be one is said, without a traceback."""
    monkeypatch.setenv("WANDB_API_KEY", "short")
    code, out, _ = sync()
    assert (code, out.splitlines()[1].startswith("mine: given up, AuthenticationError: WANDB_API_KEY")) == (
        1,
        True,
    )
    assert "Traceback" not in out


def test_disabled_sends_nothing(sync: Sync, mine: Mine, online: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """WANDB_MODE=disabled is followed and said."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    code, _, err = sync()
    assert (code, err) == (0, "wandb is disabled by its own settings (WANDB_MODE): nothing is sent")
    assert (online.seen, list(mine.results.glob("*/wandb"))) == ([], [])


def test_settings_of_the_user_are_followed(
    sync: Sync, mine: Mine, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Project, entity, group, tags and host come from wandb's variables where they are set."""
    for name, value in {
        "PROJECT": "theirs", "ENTITY": "team", "RUN_GROUP": "their group", "TAGS": "red,blue", "HOST": "theirs",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.setenv("WANDB_RUN_ID", "one-for-all")
    code, _, err = sync()
    assert (code, err) == (
        0,
        "WANDB_RUN_ID is left aside: there are many runs, and the id of each is its cell's",
    )
    fields = online.run(mine.records[2].cell_id, "theirs").fields
    assert {key: fields[key] for key in ("entity", "groupName", "host")} == {
        "entity": "team", "groupName": "their group", "host": "theirs",
    }  # fmt: skip
    assert fields["tags"] == ["red", "blue", "digits", "coop", "tiny"]


def test_nothing_leaves_that_was_not_asked_for(
    sync: Sync, mine: Mine, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No host, no path, no list of packages, no console, no code, no git remote, no system metrics."""
    monkeypatch.delenv("WANDB_DATA_DIR")
    assert sync()[0] == 0
    sent = b"\n".join(online.bodies)
    for word in (str(mine.results), str(Path.home()) + "/", sys.prefix, sys.executable, "somebody/x.jpg", ".git"):
        assert word.encode() not in sent, word
    hosts = {run.fields.get("host") for run in online.runs.values()}
    assert hosts <= {None, "-"}
    assert f'"{socket.gethostname()}"'.encode() not in sent
    names = {name.rpartition("/")[2] for name in online.uploads if not name.startswith(("artifact", "manifest"))}
    assert {name for name in names if "_" not in name} <= {"config.yaml", "wandb-summary.json"}
    assert {name for run in online.runs.values() for name in run.files} <= {
        "wandb-history.jsonl", "wandb-summary.json",
    }  # fmt: skip


def test_tensorboard_is_made_whole_too(sync: Sync, mine: Mine) -> None:
    """The other tracker goes through the same door, named on the command line."""
    assert sync("--track", "tensorboard")[1] == "mine: 5 runs sent, 0 were there, 0 not sent"
    folders = {folder.name.rpartition("-")[2] for folder in (mine.results / "mine" / "tensorboard").iterdir()}
    assert mine.ids <= folders


def test_a_matrix_that_is_not_tracked_is_left_alone(sync: Sync, mine: Mine, tmp_path: Path) -> None:
    """Nothing is sent of it unless a tracker is named; among others it is passed over."""
    mine.file.write_text(MATRIX.format("none"))
    assert sync("--matrix", str(mine.file)) == (
        2,
        "",
        "error: mine: nothing is tracked: the matrix names no tracker. "
        "Write `tracking: wandb` into it, or name one with --track wandb.",
    )
    other = tmp_path / "other.yaml"
    other.write_text(MATRIX.format("tensorboard"))
    write_manifest(mine.results, read_matrix(mine.file, known_names()))
    write_manifest(mine.results, read_matrix(other, known_names()))
    assert sync()[:2] == (0, "other: 5 runs sent, 0 were there, 0 not sent")


def test_unknown_words_and_empty_folders_are_bad_input(sync: Sync, mine: Mine, tmp_path: Path) -> None:
    """One line each, with what is allowed or what to do."""
    assert sync("--track", "wand") == (
        2, "", "error: --track: unknown tracker 'wand'. Did you mean 'wandb'? Known: wandb, tensorboard.",
    )  # fmt: skip
    code, out, err = sync("--results", str(tmp_path / "empty"))
    assert (code, out) == (2, "")
    mend = "Run `harness run --matrix FILE` first, or name another with --results DIR."
    assert err == f"error: {tmp_path / 'empty'}: is no folder. {mend}"
