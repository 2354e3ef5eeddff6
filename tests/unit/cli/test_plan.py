"""``harness plan``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.store.records import write_record

Harness = Callable[..., Any]


def squeezed(text: str) -> list[str]:
    """The lines of a text, runs of spaces as one, empty lines left out."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_plan_of_smoke(harness: Harness, repository: Path) -> None:
    """Cells by axis, their states and the job: the whole output."""
    answer = harness("plan", "--matrix", repository / "experiments" / "smoke.yaml")
    assert (answer.code, answer.err) == (0, "")
    assert squeezed(answer.out) == [
        "smoke: 86 cells",
        "axis values (cells)",
        "backbone tiny (86)",
        "dataset digits (86)",
        "evaluate_on digits_inverted (10), digits_blurred (10), digits_rotated (10), digits_noisy (10)",
        "method zero_shot (5), linear_probe (27), coop (54)",
        "context unified (27), class_specific (27)",
        "class_token_position end (54)",
        "n_ctx 16 (54)",
        "shots 0 (5), 1 (9), 2 (9), 4 (9), 8 (9), 16 (45)",
        "seed 1 (27), 2 (27), 3 (27)",
        "0 done, 86 pending, 0 failed",
        "jobs: 1, workers: 1",
        "backbone dataset cells",
        "tiny digits 86",
        "time: not known, since no record on this processor tells how long tiny takes; after some cells it is",
        "disk: about 3.8 MB (records 788 kB, contexts 1.5 MB, logits 789 kB, cache 692 kB)",
    ]


def test_plan_of_full_says_what_is_missing(harness: Harness, repository: Path, tmp_path: Path) -> None:
    """What is not on disk is listed with its path, and the plan is good all the same."""
    answer = harness("plan", "--matrix", repository / "experiments" / "full.yaml", "--data", tmp_path / "data")
    lines = squeezed(answer.out)
    assert answer.code == 0
    assert "missing on disk (12):" in lines
    assert (
        f"data set eurosat: missing {tmp_path}/data/eurosat/split_zhou_EuroSAT.json, {tmp_path}/data/eurosat/2750."
        " `harness data fetch` gets it." in lines
    )


def test_long_paths_are_neither_wrapped_nor_cut(
    harness: Harness, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal a path stands whole in one line, however narrow the user's is."""
    monkeypatch.setenv("COLUMNS", "40")
    data = tmp_path / ("d" * 200)
    answer = harness("plan", "--matrix", repository / "experiments" / "full.yaml", "--data", data)
    assert f"missing {data}/imagenet/classnames.txt, {data}/imagenet/images/train, " in answer.out


def test_plan_says_how_cells_stand(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any],
    put_record: Callable[..., Path], tmp_path: Path,
) -> None:  # fmt: skip
    """Done, failed and broken records are told apart, and the plan changes nothing on disk."""
    write_record(tmp_path, make_record(cells[0]))
    write_record(tmp_path, make_record(cells[1], status="failed"))
    broken = put_record(cell_id(cells[2]), "{")
    before = sorted(tmp_path.rglob("*"))
    answer = harness("plan", "--matrix", matrix, "--results", tmp_path)
    lines = squeezed(answer.out)
    assert answer.code == 0
    assert lines[lines.index("1 done, 1 pending, 1 failed") :][:3] == [
        "1 done, 1 pending, 1 failed",
        "1 pending again, its record is not whole",
        f"failed {cell_id(cells[1])}: out of memory",
    ]
    assert (sorted(tmp_path.rglob("*")), broken.read_text()) == (before, "{")


def test_stale_records_are_pending_again(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """A record of another split is not counted as done, and the reason is said."""
    write_record(tmp_path, make_record(cells[0], provenance={"split_digest": "0" * 64}))
    answer = harness("plan", "--matrix", matrix, "--results", tmp_path)
    assert "1 pending again, stale: other split (00000000, today 2ec5fa99)" in squeezed(answer.out)


def test_plan_of_a_selection(harness: Harness, matrix: Path) -> None:
    """Only selected cells are planned."""
    answer = harness("plan", "--matrix", matrix, "--select", "method=coop,seed=2")
    assert squeezed(answer.out)[0] == "mine: 1 cells"


def test_plan_spreads_jobs_over_the_visible_gpus(
    harness: Harness, matrix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker a GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert "jobs: 2, workers: 2" in squeezed(harness("plan", "--matrix", matrix).out)
    assert "jobs: 1, workers: 1" in squeezed(harness("plan", "--matrix", matrix, "--device", "cuda:1").out)


@pytest.mark.parametrize(
    ("section", "arguments", "n_workers"),
    [
        ("{kind: local, workers: 2}", [], 2),
        ("{kind: local, workers: 2}", ["--workers", "3"], 3),
        ("{kind: local, workers_per_gpu: 2}", ["--device", "cuda"], 4),
        ("local", ["--workers-per-gpu", "3", "--device", "cuda:0"], 3),
        ("slurm", [], 16),
        ("{kind: ray, max_concurrent: 5}", [], 5),
        ("{kind: ray, max_concurrent: 5}", ["--max-concurrent", "2", "--device", "cpu"], 2),
        ("{kind: ray, max_concurrent: 5}", ["--launcher", "local", "--device", "cpu"], 1),
    ],
)
def test_plan_counts_the_workers_that_run_will_have(
    harness: Harness, matrix: Path, monkeypatch: pytest.MonkeyPatch,
    section: str, arguments: list[str], n_workers: int,
) -> None:  # fmt: skip
    """By the launcher of the matrix and the flags that go before it; no cluster is asked."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    matrix.write_text(matrix.read_text() + f"launcher: {section}\n")
    if section.startswith("{kind: local, workers: "):
        arguments = [*arguments, "--device", "cpu"]
    answer = harness("plan", "--matrix", matrix, *arguments)
    assert answer.code == 0, answer.err
    assert f"workers: {n_workers}" in answer.out


def test_plan_refuses_what_run_would(harness: Harness, matrix: Path) -> None:
    """A flag of another launcher is bad input."""
    answer = harness("plan", "--matrix", matrix, "--launcher", "slurm", "--workers", "2")
    assert (answer.code, "workers: is no option of slurm" in answer.err) == (2, True)


def test_nothing_pending_needs_no_job(
    harness: Harness, matrix: Path, cells: tuple[Cell, ...], make_record: Callable[..., Any], tmp_path: Path
) -> None:
    """A finished matrix has no jobs."""
    for cell in cells:
        write_record(tmp_path, make_record(cell))
    lines = squeezed(harness("plan", "--matrix", matrix, "--results", tmp_path).out)
    assert lines[-2:] == ["3 done, 0 pending, 0 failed", "jobs: 0, workers: 1"]


def test_backbones_of_open_clip_are_judged_at_reading(harness: Harness, matrix: Path) -> None:
    """Wrong tags, architectures and towers of a matrix are said at once, with the nearest names."""
    names = "['ViT-B-16:laion2b', 'ViT-B-23:openai', 'coca_ViT-B-32:laion2b_s13b_b90k', 'RN50:yfcc15m']"
    matrix.write_text(f"backbones: {names}\ndatasets: digits\nmethods: zero_shot\n")
    answer = harness("plan", "--matrix", matrix)
    assert answer.code == 2
    first, second, third = answer.err.splitlines()
    assert "backbones[0]: backbone 'ViT-B-16:laion2b': unknown weights 'laion2b' of ViT-B-16" in first
    assert "Nearest: ViT-B-32, " in second
    assert "it is a CoCa" in third


def test_plan_knows_where_any_tag_can_be_had(harness: Harness, matrix: Path) -> None:
    """The command that downloads is told for tags that are not listed, too."""
    matrix.write_text("backbones: 'RN50:yfcc15m'\ndatasets: digits\nmethods: zero_shot\n")
    answer = harness("plan", "--matrix", matrix)
    assert answer.code == 0
    assert "`hf download timm/resnet50_clip.yfcc15m open_clip_model.safetensors`" in answer.out


def test_targets_are_an_axis(harness: Harness, tmp_path: Path) -> None:
    """What is evaluated on elsewhere is counted like any other axis; own test images are worth no line."""
    matrix = tmp_path / "m.yaml"
    matrix.write_text("backbones: tiny\ndatasets: digits\nevaluate_on: [digits_noisy, new]\nmethods: zero_shot\n")
    lines = [" ".join(line.split()) for line in harness("plan", "--matrix", matrix).out.splitlines()]
    assert "evaluate_on digits_noisy (1), new (1)" in lines


def test_plan_shows_templates_on_one_line(harness: Harness, matrix: Path) -> None:
    """Ensembles read as they were written, and the data set's own sentence by its name."""
    matrix.write_text(
        "backbones: tiny\ndatasets: [digits, digits_noisy]\n"
        "methods: {method: zero_shot, template: [own, selected+own, 'one {}.', ['a {}.', own]]}\n"
    )
    lines = squeezed(harness("plan", "--matrix", matrix).out)
    assert "template own (2), selected + own (2), one {}. (2), a {}. + own (2)" in lines
