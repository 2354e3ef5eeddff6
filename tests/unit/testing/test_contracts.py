"""The contracts for authors of plug-ins: the examples keep them, and whatever breaks one is caught by it."""

# ruff: noqa: D102 - what is wrong with a wrong class, its name says

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.flowers import write_flowers
from support.memory_tracker import MemoryTracker

from harness.data.catalog import DATASETS, DatasetRow
from harness.data.digits import digits_split
from harness.data.split import Split
from harness.dispatch.devices import Device
from harness.dispatch.launcher import JobState, Site
from harness.errors import DataError
from harness.matrix.vocabulary import MethodEntry
from harness.methods.method import Fit
from harness.methods.table import METHODS, MethodRow
from harness.testing import datasets, launchers, methods, trackers
from harness.testing.check import Owed
from harness.testing.plugins import launcher_row, plugin_checks, read_plugin, tracker_row

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


# --- the examples keep theirs ----------------------------------------------------------------------------------


def _example_checks(*kinds: str) -> list[Any]:
    """The checks of the examples that need no data."""
    checks: list[Any] = []
    if "method" in kinds:
        checks += plugin_checks(EXAMPLES / "my_method.py")
    if "launcher" in kinds:
        row = launcher_row(EXAMPLES / "my_launcher.py", "shell")
        checks += launchers.launcher_checks("shell", row, {"max_concurrent": 2})
    if "tracker" in kinds:
        row_of_tracker = tracker_row(EXAMPLES / "my_tracker.py", "sqlite")
        read = sys.modules[read_plugin(EXAMPLES / "my_tracker.py").module].read  # type: ignore[attr-defined]
        checks += trackers.tracker_checks("sqlite", row_of_tracker, {}, read)
    return checks


@pytest.mark.parametrize("check", _example_checks("method", "launcher", "tracker"), ids=str)
def test_an_example_keeps_its_contract(check: Callable[[Path], None], tmp_path: Path) -> None:
    """Whoever starts from an example starts from something right."""
    check(tmp_path)


def test_the_data_set_of_the_examples_keeps_its_contract(tmp_path: Path, paint: Callable[..., None]) -> None:
    """Tried on images that are made for it."""
    write_flowers(tmp_path, paint)
    for number, check in enumerate(plugin_checks(EXAMPLES / "my_dataset.py", tmp_path)):
        (tmp_path / str(number)).mkdir()
        check(tmp_path / str(number))


def test_the_package_of_the_examples_keeps_its_contract(
    install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Found by its entry point, as if it were installed."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "package" / "src"))
    install("", "acme_harness.plugin")
    checks = plugin_checks("ours")
    assert [str(check) for check in checks if "finite" in str(check)] == [
        "class_means cosine: has_a_finite_logit_for_every_class",
        "class_means euclidean: has_a_finite_logit_for_every_class",
    ]
    for check in checks[1:]:  # the first one starts a process, which knows nothing of what is installed here
        check(tmp_path)


@pytest.mark.parametrize("owed", datasets.DATASET_CONTRACT, ids=lambda owed: owed.__name__)
def test_the_digits_keep_the_contract_of_data_sets(owed: Owed[datasets.Subject], tmp_path: Path) -> None:
    """As the harness's own methods, launchers and trackers keep theirs, in their rooms."""
    owed(datasets.Subject(DATASETS["digits"], None), tmp_path)


# --- whatever breaks a contract is caught by it ----------------------------------------------------------------


class Right:
    """A method that keeps the contract: class means."""

    def check(self, *_: object) -> None:
        """Nothing is wrong."""

    check_transfer = check

    def restore(self, inputs: Any, context: Any) -> Fit | None:
        """There is none."""
        return None

    def fit(self, runs: Sequence[Any]) -> Any:
        """One by one."""
        return [(run, self.one(run)) for run in runs]

    def one(self, run: Any) -> Any:
        """The fit of a run."""
        means = torch.stack([run.few_shot.centre()[run.few_shot.labels == label].mean(0) for label in range(10)])
        return Fit(lambda names: Means(means[-len(names) :]))


@dataclass
class Means:
    """Scores by means."""

    means: Any

    def logits(self, images: Any) -> Any:
        """Scores."""
        return images @ self.means.T


class FailsItsCheck(Right):
    def check(self, *_: object) -> None:
        raise DataError("no")


class LosesRuns(Right):
    def fit(self, runs: Sequence[Any]) -> Any:
        return []


class Fails(Right):
    def one(self, run: Any) -> Any:
        return ValueError("no")


class Infinite(Right):
    def one(self, run: Any) -> Any:
        return Fit(lambda names: Means(torch.full((len(names), 64), torch.inf)))


class Random(Right):
    def one(self, run: Any) -> Any:
        means = torch.randn(10, 64)
        return Fit(lambda names: Means(means[-len(names) :]))


class MixesRuns(Right):
    def fit(self, runs: Sequence[Any]) -> Any:
        means = torch.full((10, 64), float(len(runs))).cumsum(0)
        return [(run, Fit(lambda names: Means(means[-len(names) :]))) for run in runs]


class TrainsTheBackbone(Right):
    def one(self, run: Any) -> Any:
        with torch.no_grad():
            next(iter(run.clip.module.state_dict().values())).add_(1)
        return super().one(run)


class KnowsTenClasses(Right):
    def one(self, run: Any) -> Any:
        fit = super().one(run)
        return Fit(lambda _: fit.predictor(digits_split().class_names))


class ForgetsItsContext(Right):
    def one(self, run: Any) -> Any:
        return replace(super().one(run), context=torch.zeros(2, 64))


class TellsTensors(Right):
    def one(self, run: Any) -> Any:
        return replace(super().one(run), details={"means": torch.zeros(1)})


WRONG_METHODS = [
    (methods.passes_its_own_check, FailsItsCheck),
    (methods.has_a_finite_logit_for_every_class, LosesRuns),
    (methods.has_a_finite_logit_for_every_class, Fails),
    (methods.has_a_finite_logit_for_every_class, Infinite),
    (methods.is_a_function_of_its_inputs, Random),
    (methods.fits_together_as_alone, MixesRuns),
    (methods.leaves_the_backbone_alone, TrainsTheBackbone),
    (methods.predicts_other_classes_or_says_why_not, KnowsTenClasses),
    (methods.restores_what_it_learned, ForgetsItsContext),
    (methods.tells_details_as_json, TellsTensors),
]


def _method(kind: type[Right], monkeypatch: pytest.MonkeyPatch) -> methods.Subject:
    """A made-up method as a row."""
    monkeypatch.setattr(sys.modules[__name__], "Made", kind, raising=False)
    row = MethodRow(f"{__name__}:Made", MethodEntry(frozenset({"shots", "seed"})))
    monkeypatch.setattr(methods, "load_method", lambda row, results: kind())
    return methods.Subject(row, methods.default_cell("made", row))


def test_everything_that_a_method_owes_is_broken_once() -> None:
    """No part of the contract is without a method that it catches."""
    assert {owed for owed, _ in WRONG_METHODS} == set(methods.METHOD_CONTRACT)


@pytest.mark.parametrize(("owed", "kind"), WRONG_METHODS, ids=lambda each: each.__name__)
def test_a_wrong_method_is_caught(
    owed: Owed[methods.Subject], kind: type[Right], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The right one passes, and the one that breaks this does not."""
    owed(_method(Right, monkeypatch), tmp_path)
    with pytest.raises((AssertionError, DataError)):
        owed(_method(kind, monkeypatch), tmp_path)


@dataclass(frozen=True)
class Laid:
    """A layout that reads what it is told to."""

    read: Callable[[], Split]
    folder: str | None = None
    mode: str = "RGB"
    absent: Exception | None = None

    def needs(self, root: Path) -> list[Path]:
        """What is not there, where there is a folder."""
        return [] if self.folder is None else [root / "nothing"]

    def image_base(self, root: Path) -> Path:
        """The data root."""
        return root

    def read_split(self, root: Path) -> Split:
        """As told."""
        if self.absent is not None:
            raise self.absent
        return self.read()

    def read_image(self, path: str) -> Any:
        """A digit in a mode."""
        return DATASETS["digits"].layout.read_image(path).convert(self.mode)  # type: ignore[attr-defined]


def _row(layout: Any, **counts: Any) -> DatasetRow:
    return DatasetRow("made", layout, "a {}.", **counts)


def _changed(**parts: Any) -> Split:
    return replace(digits_split(), **parts)


_flips: list[None] = []


def _another_every_time() -> Split:
    _flips.append(None)
    return _changed(val=digits_split().val[len(_flips) % 2 :])


WRONG_DATASETS = [
    (datasets.finds_all_that_it_needs, _row(Laid(digits_split, "made"))),
    (datasets.says_what_is_missing, _row(Laid(digits_split, "made"))),
    (datasets.says_what_is_missing, _row(Laid(digits_split, "made", absent=OSError("no")))),
    (datasets.reads_the_same_split_again, _row(Laid(_another_every_time))),
    (
        datasets.numbers_its_classes,
        _row(
            Laid(
                lambda: _changed(train=tuple(item._replace(label=item.label + 1) for item in digits_split().train))
            )
        ),
    ),
    (datasets.keeps_test_images_apart, _row(Laid(lambda: _changed(val=digits_split().test)))),
    (datasets.keeps_test_images_apart, _row(Laid(lambda: _changed(test=())))),
    (datasets.counts_what_there_is, _row(Laid(digits_split), n_classes=9)),
    (datasets.counts_what_there_is, _row(Laid(digits_split), smallest_class=9)),
    (
        datasets.draws_one_image_a_class,
        _row(Laid(lambda: _changed(train=tuple(item for item in digits_split().train if item.label)))),
    ),
    (datasets.reads_its_images, _row(Laid(digits_split, mode="L"))),
]


def test_everything_that_a_data_set_owes_is_broken_once() -> None:
    """No part of the contract is without a data set that it catches."""
    assert {owed for owed, _ in WRONG_DATASETS} == set(datasets.DATASET_CONTRACT)


@pytest.mark.parametrize(("owed", "row"), WRONG_DATASETS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_wrong_data_set_is_caught(owed: Owed[datasets.Subject], row: DatasetRow, tmp_path: Path) -> None:
    """Whichever part it is that is not kept."""
    with pytest.raises((AssertionError, DataError)):
        owed(datasets.Subject(row, tmp_path), tmp_path)


@dataclass
class FakeHandle:
    """A job of a launcher that keeps its states in memory."""

    folder: Path
    now: JobState = field(default_factory=lambda: JobState("running"))

    def state(self) -> JobState:
        """As it is, or as the file says that the test wrote."""
        end = self.folder / "end"
        if self.now.phase != "ended" and end.exists():
            self.now = JobState("ended", int(end.read_text()))
        return self.now


class RightLauncher:
    """A launcher that keeps the contract, without any process."""

    workers = 2

    def __init__(self) -> None:
        self.handles: list[FakeHandle] = []

    @property
    def room(self) -> int:
        """What is left of two."""
        return 2 - sum(handle.state().phase != "ended" for handle in self.handles)

    def submit(self, folders: Sequence[Path]) -> list[FakeHandle]:
        """A handle each."""
        new = [FakeHandle(folder) for folder in folders]
        self.handles += new
        return new

    def stop(self, handles: Sequence[Any]) -> None:
        """End them."""
        for handle in handles:
            handle.now = JobState("ended", 143)

    def close(self) -> None:
        """Hold nothing."""


class Shuffles(RightLauncher):
    def submit(self, folders: Sequence[Path]) -> list[FakeHandle]:
        return super().submit(folders)[::-1]


class ForgetsStatus(RightLauncher):
    def submit(self, folders: Sequence[Path]) -> list[FakeHandle]:
        class Handle(FakeHandle):
            def state(self) -> JobState:
                return dataclasses.replace(super().state(), status=None)

        return [Handle(folder) for folder in folders]


class HasAlwaysRoom(RightLauncher):
    room = 2  # type: ignore[assignment]


class StopsAll(RightLauncher):
    def stop(self, handles: Sequence[Any]) -> None:
        super().stop(self.handles)


class MakesUpJobs(RightLauncher):
    def submit(self, folders: Sequence[Path]) -> list[FakeHandle]:
        return super().submit([*folders, Path("another")])


WRONG_LAUNCHERS = [
    (launchers.gives_a_handle_a_job_in_order, Shuffles),
    (launchers.tells_its_workers_status, ForgetsStatus),
    (launchers.has_room_for_what_it_runs, HasAlwaysRoom),
    (launchers.stops_those_jobs_and_no_others, StopsAll),
    (launchers.takes_nothing_for_nothing, MakesUpJobs),
]


def test_everything_that_a_launcher_owes_is_broken_once() -> None:
    """No part of the contract is without a launcher that it catches."""
    assert {owed for owed, _ in WRONG_LAUNCHERS} == set(launchers.LAUNCHER_CONTRACT)


@pytest.mark.parametrize(("owed", "kind"), WRONG_LAUNCHERS, ids=lambda each: each.__name__)
def test_a_wrong_launcher_is_caught(
    owed: Owed[launchers.Subject], kind: type[RightLauncher], tmp_path: Path
) -> None:
    """The right one passes, and the one that breaks this does not."""
    owed(launchers.Subject(RightLauncher()), tmp_path)
    with pytest.raises(AssertionError):
        owed(launchers.Subject(kind()), tmp_path / "again")


class Doubles(MemoryTracker):
    def mirror(self, run: Any) -> None:
        known = self.shown.get(run.id)
        super().mirror(run if known is None else replace(run, history=[*known.history, *run.history]))


class DropsFailures(MemoryTracker):
    def mirror(self, run: Any) -> None:
        if run.ok:
            super().mirror(run)


class KeepsTheFirstMatrix(MemoryTracker):
    def summarize(self, matrix: Any) -> None:
        self.matrices.setdefault(matrix.id, matrix)


class ShowsNowhere(MemoryTracker):
    def __init__(self) -> None:
        super().__init__(destination="")


WRONG_TRACKERS = [
    (trackers.shows_a_run_once, Doubles),
    (trackers.shows_a_failed_run_that_is_done_later, DropsFailures),
    (trackers.shows_a_matrix_that_grows, KeepsTheFirstMatrix),
    (trackers.can_be_closed_twice, ShowsNowhere),
]


def test_everything_that_a_tracker_owes_is_broken_once() -> None:
    """No part of the contract is without a tracker that it catches."""
    assert {owed for owed, _ in WRONG_TRACKERS} == set(trackers.TRACKER_CONTRACT)


@pytest.mark.parametrize(("owed", "kind"), WRONG_TRACKERS, ids=lambda each: each.__name__)
def test_a_wrong_tracker_is_caught(
    owed: Owed[trackers.Subject], kind: type[MemoryTracker], tmp_path: Path
) -> None:
    """Whichever part it is that is not kept."""
    memory = kind()

    def read() -> trackers.Shown:
        runs = {key: (len(run.history), run.summary) for key, run in memory.shown.items()}
        return runs | {key: (len(each.progress), each.summary) for key, each in memory.matrices.items()}

    with pytest.raises(AssertionError):
        owed(trackers.Subject(lambda: memory, read), tmp_path)


def test_a_plugin_that_imports_torch_is_caught(tmp_path: Path) -> None:
    """Planning would wait for it; the check says what to do."""
    path = tmp_path / "mine.py"
    text = "import sys, types\nsys.modules.setdefault('torch', types.ModuleType('torch'))\nTRACKERS = {'a': 1}\n"
    path.write_text(text)
    check, *_ = plugin_checks(path)
    with pytest.raises(AssertionError, match="its module imports torch: put what needs it into a file beside it"):
        check(tmp_path)


def test_a_launcher_finds_the_command_in_its_site(tmp_path: Path) -> None:
    """Without anybody's saying it is the worker's."""
    (python, *rest) = Site((Device("cpu"),), tmp_path).command(tmp_path / "job")
    assert (python, rest) == (sys.executable, ["-P", "-m", "harness.worker", str(tmp_path / "job" / "job.json")])


def test_default_cells_try_every_word_of_an_axis() -> None:
    """The defaults, and each other word alone."""
    cells = methods.default_cells("coop", METHODS["coop"])
    assert [(cell.context, cell.class_token_position) for cell in cells] == [
        ("unified", "end"),
        ("class_specific", "end"),
        ("unified", "middle"),
        ("unified", "front"),
    ]
