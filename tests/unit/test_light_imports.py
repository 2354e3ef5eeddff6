"""The light half of the harness starts at once: no command but the worker loads a heavy library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
HEAVY = ("torch", "torchvision", "open_clip", "timm", "sklearn", "wandb", "tensorboard")
GUARD = f"""
import sys
from harness.cli import main
code = main(sys.argv[1:])
loaded = [name for name in {HEAVY!r} if name in sys.modules]
print("loaded:", *loaded, file=sys.stderr)
sys.exit(99 if loaded else code)
"""


def guarded(repository: Path, *arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """``harness`` with these arguments in a process of its own; 99 when it loads a heavy library."""
    return subprocess.run(
        [sys.executable, "-c", before + GUARD, *map(str, arguments)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["matrix", "list"], 0),
        (["matrix", "show", "full"], 0),
        (["status", "--matrix", "experiments/smoke.yaml"], 0),
        (["metrics", "--matrix", "experiments/smoke.yaml"], 0),
        (["report", "--matrix", "experiments/smoke.yaml", "--against", "all"], 2),
        (["compare", "no-results", "no-others"], 2),
        (["data", "list"], 0),
        (["backbones"], 0),
        (["backbones", "--all"], 0),
        (["backbones", "fetch", "tiny"], 0),
        (["cache", "show"], 0),
        (["prompts", "show", "0"], 2),
        (["run", "--matrix", "experiments/full.yaml"], 2),
    ],
)
def test_command_loads_nothing_heavy(repository: Path, tmp_path: Path, arguments: list[str], code: int) -> None:
    """The command answers without torch and its like."""
    if arguments[0] in ("plan", "status", "metrics", "report", "run"):
        arguments = [*arguments, "--results", str(tmp_path)]
    ended = guarded(repository, *arguments)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (code, "loaded:")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_study_is_planned_without_anything_heavy(repository: Path, tmp_path: Path, path: Path) -> None:
    """Names of ensembles and of backbones need neither torch nor open_clip."""
    ended = guarded(repository, "plan", "--matrix", path, "--results", tmp_path)
    assert (ended.returncode, ended.stderr.splitlines()) == (0, ["loaded:"])


@pytest.mark.parametrize(
    "room", ["matrix", "data", "store", "plan", "report", "mirror", "dispatch", "tracking", "cli"]
)
def test_room_loads_nothing_heavy(repository: Path, room: str) -> None:
    """Every module of a light room can be imported without torch; a tracker's library only by its own file."""
    code = f"""
import importlib, pkgutil, sys
import harness.{room} as room
names = [each.name for each in pkgutil.walk_packages(room.__path__, "harness.{room}.")]
assert names
for name in names:
    if name not in ("harness.tracking.wandb", "harness.tracking.tensorboard"):
        importlib.import_module(name)
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["wandb", "sklearn"])
def test_guard_can_fail(repository: Path, name: str) -> None:
    """A command that does load a heavy library is caught."""
    ended = guarded(
        repository, "--version", before=f"import types, sys; sys.modules[{name!r}] = types.ModuleType({name!r})"
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (99, f"loaded: {name}")
