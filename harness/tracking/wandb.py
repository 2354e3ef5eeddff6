"""Weights & Biases: one run a cell, with the cell's id; the only file that names wandb.

W&B's history can be added to, never rewritten. A run that is there is therefore resumed, and only the rows that it
lacks are logged; config, summary and artifacts are replaced.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files import canonical_json, digest_text
from harness.matrix.tracking import Tracking
from harness.tracking.tracker import Opening, TrackedMatrix, TrackedRun

# Crash reports would carry host and paths; wandb reads the variable when it is imported.
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")

import wandb

_PROJECT = "harness"
_STAGING = (
    "WANDB_DATA_DIR"  # tables are staged there, by default in the user's home, and the path is sent with them
)
_AT_ONCE = 4  # a run is mostly waiting for the server
_MIRROR = "mirror"  # the key of the config that says what a run was made from
# What wandb would send by itself, and what it would print; each holds until the user sets the variable.
_QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "save_code": False,
    "disable_code": True,
    "disable_git": True,
    "label_disable": True,
    "host": "-",
    "program": "harness",
}
# Inferred by wandb, so that only the variable says whether the user set them.
_INFERRED = {"host": "WANDB_HOST", "program": "WANDB_PROGRAM", "root_dir": "WANDB_DIR"}
_FINAL = {"reason", "accuracy", "macro_f1", "n_correct", "n_test", "seconds"}  # not all of them are in every run
_FLUSH_S = 0.5  # wandb's 15 s lose everything of a process that is killed earlier


@dataclass(frozen=True, slots=True)
class _MadeFrom:
    """The config of a run, the digest of what it shows, and whether its rows only ever become more."""

    config: Mapping[str, Any]
    digest: str
    grows: bool = False


def open_wandb(choice: Tracking, opening: Opening) -> WandbTracker:
    """A tracker with the project and entity of the choice."""
    return WandbTracker(choice, opening.folder, opening.patience_s, opening.say)


class WandbTracker:
    """Mirrors each cell as one finished W&B run.

    The mode is wandb's own, from WANDB_MODE or its settings files; without a login runs are written offline, so
    that nothing ever waits for one. No setting that the user made is overridden, but for the run's id.
    """

    at_once = _AT_ONCE

    def __init__(self, choice: Tracking, folder: Path, patience_s: float, say: Callable[[str], None]) -> None:
        """Files of offline runs go into ``folder/wandb``, unless WANDB_DIR names another place."""
        self._own = wandb.setup().settings
        self._mode: Any = self._find_mode(folder, say)
        self._choice = choice
        self._scratch = Path(tempfile.mkdtemp(prefix="harness-wandb-"))
        self._folder = folder if self._mode == "offline" else self._scratch
        self._is_staging = _STAGING not in os.environ
        if self._is_staging:
            os.environ[_STAGING] = str(self._folder / "wandb")
        self._patience_s = patience_s
        if os.environ.get("WANDB_RUN_ID"):
            say("WANDB_RUN_ID is left aside: there are many runs, and the id of each is its cell's")

    @property
    def destination(self) -> str:
        """Mode, server, entity and project; offline the folder is part of the results and needs no name.

        Empty when wandb is disabled.
        """
        if self._mode == "disabled":
            return ""
        where = "offline" if self._mode == "offline" else f"{self._mode} {self._own.base_url}"
        entity = self._own.entity or self._choice.entity or ""
        return f"wandb {where} {entity}/{self._project()}"

    def holds(self, identifier: str) -> bool:
        """Online whatever was sent; offline what lies in the folder."""
        return self._mode != "offline" or bool(self._offline_folders(identifier))

    def mirror(self, run: TrackedRun) -> None:
        """Bring one run up to date: config, the epochs that it lacks, the summary, and the files.

        Raises:
            Exception: whatever wandb raises, such as that the server does not answer in time.
        """
        older = self._offline_folders(run.id)
        live = self._init(run.id, run.name, run.group, run.job_type, run.tags)
        live.define_metric("epoch", hidden=True)
        live.define_metric("train/*", step_metric="epoch")
        rows = [
            {key if key == "epoch" else f"train/{key}": value for key, value in row.items()} for row in run.history
        ]
        _log(live, _MadeFrom(run.config, run.digest), rows)
        for key in _FINAL - run.summary.keys() & set(live.summary.keys()):
            del live.summary[key]  # such as the reason of a cell that failed and is done now
        live.summary.update(dict(run.summary))
        for kind, path in run.files.items():
            artifact = wandb.Artifact(f"{kind}-{run.id}", kind)
            name = f"{kind}{path.suffix}"
            artifact.add_file(_relative(path), name=name, skip_cache=True, policy="immutable")
            live.log_artifact(artifact)
        live.finish(exit_code=0 if run.ok else 1)
        _remove(older)

    def summarize(self, matrix: TrackedMatrix) -> None:
        """Bring the run of a whole matrix up to date: progress, tables and figures.

        Raises:
            Exception: see ``mirror``.
        """
        older = self._offline_folders(matrix.id)
        live = self._init(matrix.id, matrix.name, matrix.name, "matrix", ("matrix",))
        live.define_metric("hours", hidden=True)
        live.define_metric("cells/*", step_metric="hours")
        rows = [
            {key if key == "hours" else f"cells/{key}": value for key, value in row.items()}
            for row in matrix.progress
        ]
        _log(live, _MadeFrom(matrix.config, matrix.digest, grows=True), rows)
        tables = {
            f"tables/{title}": wandb.Table(columns=list(grid.columns), data=[list(row) for row in grid.rows])
            for title, grid in matrix.tables.items()
        }
        figures = {f"figures/{title}": wandb.Image(str(path)) for title, path in matrix.figures.items()}
        live.summary.update({**matrix.summary, **tables, **figures})
        live.finish(exit_code=0)
        _remove(older)

    def close(self) -> None:
        """End wandb's service, and remove what online runs left on this disk."""
        wandb.teardown()
        if self._is_staging:
            os.environ.pop(_STAGING, None)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _find_mode(self, folder: Path, say: Callable[[str], None]) -> str:
        """``online``, ``offline``, ``disabled`` or ``shared``, as wandb's settings have it."""
        mode = {"run": "online", "dryrun": "offline"}.get(self._own.mode, self._own.mode)
        if mode == "disabled":
            say("wandb is disabled by its own settings (WANDB_MODE): nothing is sent")
        if mode != "online" or _has_login(self._own):
            return mode  # type: ignore[no-any-return]  # wandb is not followed by mypy
        root = Path(self._own.root_dir) if self._is_users("root_dir") else folder
        say(
            f"no W&B login here (`wandb login` or WANDB_API_KEY makes one): runs are written offline into "
            f"{root / 'wandb'}, and with a login `harness sync` sends them from the records"
        )
        return "offline"

    def _project(self) -> str:
        return self._own.project or self._choice.project or _PROJECT

    def _is_users(self, setting: str) -> bool:
        """Whether the user set it, by a variable or in a settings file of wandb's."""
        if setting in _INFERRED:
            return bool(os.environ.get(_INFERRED[setting]))
        return setting in self._own.model_fields_set

    def _init(self, identifier: str, name: str, group: str, job_type: str, tags: Sequence[str]) -> Any:
        """A live run beside any others."""
        (self._folder / "wandb").mkdir(parents=True, exist_ok=True)  # else wandb takes a temporary folder
        ours = {
            **_QUIET,
            "project": self._choice.project or _PROJECT,
            "entity": self._choice.entity,
            "run_name": name,
            "run_group": group,
            "run_job_type": job_type,
            "root_dir": str(self._folder),
            "init_timeout": self._patience_s / 2,
            "finish_timeout": self._patience_s / 2,
            "finish_timeout_raises": True,
            "x_transaction_log_flush_interval": _FLUSH_S,
            "x_skip_transaction_log": self._mode == "online",  # the records are what it is sent from again
            "resume": "allow" if self._mode == "online" else None,
        }
        settings = {key: value for key, value in ours.items() if value is not None and not self._is_users(key)}
        if self._is_users("host"):  # wandb sends it as part of what it knows of the machine
            settings.pop("x_disable_machine_info", None)
        settings["run_tags"] = tuple(dict.fromkeys((*(self._own.run_tags or ()), *tags)))
        return wandb.init(
            id=identifier,
            mode=self._mode,
            reinit="create_new",
            settings=wandb.Settings(**settings),
        )

    def _offline_folders(self, identifier: str) -> list[Path]:
        """The folders in which an offline run lies; wandb makes a new one every time."""
        if self._mode != "offline":
            return []
        root = Path(self._own.root_dir) if self._is_users("root_dir") else self._folder
        names = (f"wandb/offline-run-*-{identifier}", f"wandb/offline-run-*-{identifier}-*")
        return [path for name in names for path in root.glob(name)]


def _log(live: Any, made_from: _MadeFrom, rows: Sequence[Mapping[str, float]]) -> None:
    """Set the config and log the rows that the run lacks.

    The config says what the run was made from and at which step its rows begin. Where other rows are there
    already, they cannot be taken back, and the new ones follow.
    """
    held = live.config.get(_MIRROR) or {}
    n_there = live.starting_step
    rows_digest = digest_text(canonical_json([*rows])) if rows and not made_from.grows else held.get("rows")
    is_same = held.get("rows") in (None, rows_digest)
    begin = int(held.get("first_step", 0)) if is_same else n_there
    about = {"digest": made_from.digest, "rows": rows_digest, "first_step": begin}
    live.config.update({**made_from.config, _MIRROR: about}, allow_val_change=True)
    for row in rows[max(n_there - begin, 0) :]:
        live.log(dict(row))


def _relative(path: Path) -> str:
    """The path as seen from here, where it lies below; wandb sends it to the server."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _remove(folders: Sequence[Path]) -> None:
    """Remove the folders of what was written anew, so that an offline run is there once."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _has_login(settings: Any) -> bool:
    """Whether a login is at hand; asked without a prompt, and without the network where nothing is printed."""
    if "silent" not in settings.model_fields_set:
        wandb.setup(wandb.Settings(silent=True))
    return bool(wandb.login(prompt=False, verify=False))
