"""What records say of the time that is to come, for plan and for progress."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.backbone.spec import backbone_spec
from harness.cli.state.situation import Situation
from harness.data.dataset import Size, known_size
from harness.dispatch.devices import Device
from harness.dispatch.gpu_name import gpu_name
from harness.host import cpu_threads
from harness.plan.experience import Experience, experience
from harness.plan.forecast import Forecast, Forecaster
from harness.plan.machine import Machine
from harness.plan.rates import backbone_of
from harness.plan.space import tower_of
from harness.store.facts import Facts
from harness.store.provenance import processor_name
from harness.store.records import newest_names
from harness.store.survey import survey_records

_ENOUGH = 300  # records of the matrix itself; with fewer, others of the results folder are asked, too
_OTHERS = 1_000


def forecaster(situation: Situation, results: Path, devices: Sequence[Device]) -> Forecaster:
    """Forecasts for the devices, by the records of the matrix and, if these are few, by others of the folder."""
    sizes = _sizes(situation)
    names = dict.fromkeys(standing.cell.backbone for standing in situation.cells)
    towers = {name: tower_of(backbone_spec(name, situation.matrix.weights)) for name in names}
    told = experience(_records(situation, results), sizes, _machine(devices), towers)
    return Forecaster(told, sizes, towers)


def _machine(devices: Sequence[Device]) -> Machine:
    """The device of one worker, and its share of the cores where it has one."""
    if devices[0].kind == "cpu":
        return Machine("cpu", processor_name(), devices[0].threads or cpu_threads())
    return Machine(devices[0].kind, gpu_name(devices[0].visible), cpu_threads())


def _sizes(situation: Situation) -> dict[str, Size]:
    """The sizes of all data sets that records may be of."""
    known = {name: size for name, row in situation.catalog.items() if (size := known_size(row)) is not None}
    return known | dict(situation.today.sizes)


def _records(situation: Situation, results: Path) -> Iterable[Facts]:
    own = situation.scan.facts
    if len(own) >= _ENOUGH:
        return own.values()
    others = [name for name in newest_names(results, _OTHERS) if name not in own]
    return [*own.values(), *survey_records(results, others).facts.values()]


def sentences(said: Forecast, told: Experience, n_workers: int) -> list[str]:
    """The forecast in words: time, how sure it is, memory and disk."""
    return [*_time(said, told, n_workers), *_memory(said), _disk(said)]


def _time(said: Forecast, told: Experience, n_workers: int) -> list[str]:
    n_cells = sum(len(job.cells) for job in said.jobs)
    device = "this processor" if told.machine.kind == "cpu" else told.machine.name or "this GPU"
    lines = []
    if said.plus_minus is not None:
        whole = f"{said.busy_s / 3600 * _cores(told):.2g} {'core' if told.machine.kind == 'cpu' else 'GPU'}-hours"
        of = "" if not said.n_untold else f" for {n_cells - said.n_untold} of {n_cells} cells"
        workers = "one worker" if n_workers == 1 else f"{n_workers} workers"
        lines.append(f"time{of}: about {spell_s(said.wall_s)} with {workers}, {whole}")
        sure = f"  give or take {100 * said.plus_minus:.0f} %, from {told.n_records} records of {device}"
        lines.append(sure + (f"; {said.n_unseen} cells are of kinds without a record" if said.n_unseen else ""))
    if said.n_untold:
        names = ", ".join(_untold(said, told))
        what = f"no record on {device} tells how long {names} takes"
        others = f" ({told.n_others} of other devices or versions do not count)" if told.n_others else ""
        lines.append(
            f"time{' of the rest' if lines else ''}: not known, since {what}{others}; after some cells it is"
        )
    return lines


def _untold(said: Forecast, told: Experience) -> list[str]:
    """Backbones without a record, and methods without one of a backbone that has some."""
    cells = [cell for job in said.jobs for cell in job.untold]
    names = dict.fromkeys(cell.backbone for cell in cells if backbone_of(cell) not in told.rates)
    methods = (f"{cell.method} with {cell.backbone}" for cell in cells if backbone_of(cell) in told.rates)
    return [*names, *dict.fromkeys(methods)]


def _cores(told: Experience) -> int:
    return told.machine.threads if told.machine.kind == "cpu" else 1


def _memory(said: Forecast) -> list[str]:
    host = [job.host_bytes for job in said.jobs if job.host_bytes is not None]
    device = [job.device_bytes for job in said.jobs if job.device_bytes is not None]
    if not host:
        return []
    gpu = f", and {spell_bytes(max(device))} of its GPU" if device else ""
    return [f"memory: up to {spell_bytes(max(host))} a worker{gpu}"]


def _disk(said: Forecast) -> str:
    disk = said.disk
    parts = {"records": disk.records, "contexts": disk.contexts, "logits": disk.logits, "cache": disk.cache}
    each = ", ".join(f"{name} {spell_bytes(n_bytes)}" for name, n_bytes in parts.items() if n_bytes)
    return f"disk: about {spell_bytes(disk.total)} ({each})"


def spell_s(seconds: float) -> str:
    """Seconds, minutes or hours, as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def spell_bytes(n_bytes: float) -> str:
    """Kilobytes to terabytes with two digits."""
    power = max(1, min(4, int(math.log10(max(1.0, n_bytes)) // 3)))
    value = n_bytes / 1000**power
    return f"{value:.1f} {'_kMGT'[power]}B" if value < 9.95 else f"{value:.0f} {'_kMGT'[power]}B"
