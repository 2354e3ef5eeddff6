"""Launchers of plug-ins beside the harness's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.jobs.launchers import chosen_launcher, devices_of, lent_by, make_launcher, workers_of
from harness.dispatch.devices import Device
from harness.dispatch.table import LAUNCHERS, launchers_with
from harness.errors import MatrixError, PluginError
from harness.matrix.launching import NO_OPTIONS, Launching
from harness.plugins.plugin import Plugin
from harness.plugins.reading import file_plugin

_TEXT = """
from pydantic import BaseModel, Field
from harness.dispatch.table import LauncherRow

class Options(BaseModel):
    queue: str
    gpus: int | None = None
    limit: int = Field(default=1, alias="max_concurrent")

class Mine:
    device = "cpu"
    def __init__(self, options, site):
        self.options, self.site = options, site

LAUNCHERS = {"mine": ROW}
"""
_ROW = "LauncherRow(':Mine', Options)"


def _plugin(folder: Path, row: str = _ROW) -> Plugin:
    path = folder / "mine.py"
    path.write_text(_TEXT.replace("ROW", row))
    return file_plugin(path)


def test_options_are_its_own_and_flags_go_before_them(tmp_path: Path) -> None:
    """By the names that the matrix and the flags have; the launcher gets them as its own model has them."""
    section = Launching(kind="mine", options={"queue": "long", "max_concurrent": 2})
    row, launching = chosen_launcher(section, None, {"max_concurrent": 3, "workers": None}, [_plugin(tmp_path)])
    assert launching == Launching(kind="mine", options={"queue": "long", "max_concurrent": 3})
    launcher = make_launcher(row, launching, [Device("cpu")], tmp_path / "m")
    assert launcher.options.model_dump() == {"queue": "long", "gpus": None, "limit": 3}  # type: ignore[attr-defined]
    assert launcher.site.devices == (Device("cpu"),)  # type: ignore[attr-defined]
    assert len(workers_of(row, launching, [Device("cpu")])) == 3


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ({}, "--launcher.queue: is missing."),
        ({"queue": "a", "cpus": 2}, "--launcher.cpus: is no option of mine. Did you mean 'gpus'? Known: "
                                    "kind, queue, gpus, max_concurrent."),
        ({"queue": 3}, "--launcher.queue: input should be a valid string, not 3."),
    ],
)  # fmt: skip
def test_options_that_it_does_not_take_are_told(tmp_path: Path, flags: dict[str, object], fault: str) -> None:
    """With the nearest one, like those of the harness's own launchers."""
    with pytest.raises(MatrixError) as caught:
        chosen_launcher(NO_OPTIONS, "mine", flags, [_plugin(tmp_path)])
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("row", "options", "option", "kind"),
    [
        ("LauncherRow(':Mine', Options)", {}, "auto", "cuda"),
        ("LauncherRow(':Mine', Options, auto='cpu')", {}, "auto", "cpu"),
        ("LauncherRow(':Mine', Options, auto='auto')", {}, "auto", "auto"),
        ("LauncherRow(':Mine', Options, auto='auto')", {"gpus": 0}, "auto", "cpu"),
        ("LauncherRow(':Mine', Options)", {"gpus": 2}, "auto", "cuda"),
        ("LauncherRow(':Mine', Options)", {}, "cpu", "cpu"),
        ("LauncherRow(':Mine', Options, is_here=True)", {}, "cpu", "cpu"),
    ],
)
def test_what_auto_means_its_row_says(
    tmp_path: Path, row: str, options: dict[str, object], option: str, kind: str
) -> None:
    """Unless the number of GPUs does; where the launcher looks, it tells afterwards."""
    launching = Launching(kind="mine", options={"queue": "a", **options})
    table = launchers_with([_plugin(tmp_path, row)])
    devices = devices_of(table["mine"], launching, option)
    assert [device.kind for device in devices] == [kind]
    launcher = make_launcher(table["mine"], launching, devices, tmp_path)
    assert lent_by(launcher, devices)[0].kind == ("cpu" if kind == "auto" else kind)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("LauncherRow('Mine', Options)", "its target must be `:NAME`, `.FILE:NAME` or `MODULE:NAME`, not 'Mine'."),
        ("LauncherRow(':Mine', 3)", "its options must be a pydantic model, not 3."),
        (
            "LauncherRow(':Mine', type('Other', (Options,), {'__annotations__': {'kind': str}}))",
            "its options must have no field `kind`, which is the launcher's name.",
        ),
        (
            "LauncherRow(':Mine', Options, keeps_jobs=True)",
            "keeps_jobs is for Slurm: how other engines' jobs stand, later commands cannot ask.",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_told(tmp_path: Path, row: str, fault: str) -> None:
    """With the plug-in, the table and the name."""
    with pytest.raises(PluginError) as caught:
        launchers_with([_plugin(tmp_path, row)])
    assert f"mine.py: LAUNCHERS['mine']: {fault}" in [str(each) for each in caught.value.faults]


def test_the_harnesss_own_rows_are_what_the_parser_knows() -> None:
    """The two tables have the same names, so that what can be written can be run."""
    assert {name: row.entry(name).options for name, row in LAUNCHERS.items()}.keys() == LAUNCHERS.keys()
