"""Where and how a matrix is run: the ``launcher:`` section of a YAML and the flags that go before it.

Nothing of this belongs to a cell's identity: results do not depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.errors import Fault, MatrixError, did_you_mean

_DURATION = re.compile(r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m(?:in)?)?")
_CLOCK = re.compile(r"(?:(?P<days>\d+)-)?(?P<hours>\d+):(?P<minutes>\d\d)(?::(?P<seconds>\d\d))?")
_MEMORY = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[MGT])i?B?", re.IGNORECASE)
_GIGABYTES = {"M": 1e-3, "G": 1.0, "T": 1e3}
_MOST_GB = 1e9  # more than there is; what is endless cannot be handed to a launcher


def _minutes(value: Any) -> Any:
    """Minutes from ``90``, ``90m``, ``4h``, ``1d12h``, or Slurm's ``1-12:00:00`` and ``4:00:00``."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    text = str(value).strip()
    found = _DURATION.fullmatch(text) or _CLOCK.fullmatch(text)
    if found is not None:
        parts = {name: int(number or 0) for name, number in found.groupdict().items()}
        minutes = parts["days"] * 1440 + parts["hours"] * 60 + parts["minutes"] + (parts.get("seconds", 0) > 0)
        if minutes:
            return minutes
    raise ValueError(f"must be minutes or a duration such as 90m, 4h, 1d12h or 4:00:00, not {value!r}.")


def _gigabytes(value: Any) -> Any:
    """Gigabytes from ``32``, ``32G`` or ``500M``."""
    found = _MEMORY.fullmatch(str(value).strip())
    number: float = 0
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    elif found is not None:
        number = float(found["number"]) * _GIGABYTES[found["unit"].upper()]
    if not 0 < number <= _MOST_GB:
        raise ValueError(f"must be gigabytes or a size such as 32G or 500M, not {value!r}.")
    return float(number)


def _options(value: Any) -> Any:
    """Options of a command: text, numbers, or ``true`` for one that takes no value."""
    if isinstance(value, Mapping) and all(item is True or type(item) in (int, str) for item in value.values()):
        return value
    raise ValueError(f"must be a mapping of sbatch's options to text, whole numbers or true, not {value!r}.")


_Minutes = Annotated[int, BeforeValidator(_minutes)]
_Gigabytes = Annotated[float, BeforeValidator(_gigabytes)]
_Count = Annotated[int, Field(ge=1, strict=True)]
_Word = Annotated[str, Field(min_length=1, strict=True)]


class Launching(BaseModel):
    """The options of the harness's own launchers; ``None`` leaves it to the launcher.

    Attributes:
        kind: ``local``, ``slurm``, ``ray`` or the name of a plug-in's launcher.
        workers: worker processes on this machine's CPU (local).
        workers_per_gpu: worker processes that share one GPU (local).
        gpus: GPUs a job; zero for none, one without a word (slurm, ray). Fractions are Ray's.
        cpus: CPU cores a job (slurm, ray).
        memory_gb: host memory a job (slurm, ray).
        max_concurrent: how many jobs run at a time (slurm, ray).
        time_min: a job's time limit (slurm).
        partition, account, qos, constraint: as sbatch has them (slurm).
        max_submitted: how many jobs wait or run at a time, where a cluster counts them (slurm).
        setup: shell lines that are run before the worker (slurm).
        sbatch: further options of sbatch, by their long names without dashes in front (slurm).
        address: a cluster to join; without it a local one is started (ray).
        options: all those of a plug-in's launcher, as they are written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    kind: str = "local"
    workers: _Count | None = None
    workers_per_gpu: _Count | None = None
    gpus: Annotated[float, Field(ge=0)] | None = None
    cpus: _Count | None = None
    memory_gb: Annotated[_Gigabytes | None, Field(alias="memory")] = None
    max_concurrent: _Count | None = None
    time_min: Annotated[_Minutes | None, Field(alias="time")] = None
    partition: _Word | None = None
    account: _Word | None = None
    qos: _Word | None = None
    constraint: _Word | None = None
    max_submitted: _Count | None = None
    setup: tuple[_Word, ...] = ()
    sbatch: Annotated[Mapping[str, Any], BeforeValidator(_options)] = {}
    address: _Word | None = None
    options: Mapping[str, Any] = {}

    def asked(self, option: str) -> Any:
        """What is asked for, such as ``gpus``, whoever's the launcher is; ``None`` where it does not say."""
        return self.options.get(option) if self.options else getattr(self, option, None)


@dataclass(frozen=True, slots=True)
class LauncherEntry:
    """What the parser needs of a launcher.

    Attributes:
        options: their names, as a matrix writes them.
        model: checks their values.
        judge: what else is wrong with them, each with the option at fault.
    """

    options: tuple[str, ...]
    model: type[BaseModel] = Launching
    judge: Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]] = lambda _: ()


_SBATCH_NAME = re.compile(r"[a-z][a-z-]*[a-z]")
# What this file has a word for, and what the launcher needs in its own hands.
_OWN_WORD: Mapping[str, str] = {
    "partition": "partition", "account": "account", "qos": "qos", "constraint": "constraint", "time": "time",
    "mem": "memory", "cpus-per-task": "cpus", "gpus-per-node": "gpus",
}  # fmt: skip
_NOT_OURS = (
    "array", "chdir", "error", "export", "input", "job-name", "nodes", "no-requeue", "ntasks", "open-mode",
    "output", "parsable", "requeue", "signal", "wait", "wrap",
)  # fmt: skip


def _slurm_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _sbatch_faults(options.get("sbatch"))
    gpus = options.get("gpus")
    if isinstance(gpus, float) and not gpus.is_integer():
        yield "gpus", f"Slurm lends whole GPUs, not {gpus}."


def _sbatch_faults(options: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with the names of further options of sbatch."""
    for name in options if isinstance(options, Mapping) else ():
        if not isinstance(name, str) or not _SBATCH_NAME.fullmatch(name):
            yield f"sbatch.{name}", "is no long option of sbatch, such as exclude or mail-type."
        elif name in _OWN_WORD:
            yield f"sbatch.{name}", f"has a word of its own: `{_OWN_WORD[name]}:`."
        elif name in _NOT_OURS:
            yield f"sbatch.{name}", "is set by harness itself."


def _ray_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    gpus = options.get("gpus")
    if isinstance(gpus, float) and gpus > 1 and not gpus.is_integer():
        yield "gpus", f"Ray lends whole GPUs, or a part of one below 1, not {gpus}."


LauncherNames = Mapping[str, LauncherEntry]

LAUNCHERS: LauncherNames = {
    "local": LauncherEntry(("workers", "workers_per_gpu")),
    "slurm": LauncherEntry(
        (
            "partition", "gpus", "cpus", "memory", "time", "account", "qos", "constraint", "max_concurrent",
            "max_submitted", "setup", "sbatch",
        ),
        judge=_slurm_faults,
    ),
    "ray": LauncherEntry(("address", "gpus", "cpus", "memory", "max_concurrent"), judge=_ray_faults),
}  # fmt: skip


def launching_faults(value: Any, where: str, launchers: LauncherNames = LAUNCHERS) -> list[Fault]:
    """What is wrong with a ``launcher:`` section, or with the flags in its place; ``where`` is its place."""
    content = {"kind": value} if isinstance(value, str) else value
    if not isinstance(content, Mapping):
        return [Fault(where, f"must be a launcher's name or a mapping with `kind: NAME`, not {value!r}.")]
    kind = content.get("kind", "local")
    if not isinstance(kind, str) or kind not in launchers:
        return [Fault(where, f"unknown launcher {kind!r}. {did_you_mean(str(kind), tuple(launchers))}")]
    entry = launchers[kind]
    options = {key: item for key, item in content.items() if key != "kind"}
    faults = [
        Fault(f"{where}.{key}", f"is no option of {kind}. {did_you_mean(str(key), ('kind', *entry.options))}")
        for key in options
        if key not in entry.options
    ]
    try:
        entry.model.model_validate({key: item for key, item in options.items() if key in entry.options})
    except ValidationError as error:
        faults += [_fault(where, detail) for detail in error.errors()]
    return faults + [Fault(f"{where}.{key}", what) for key, what in entry.judge(options)]


def read_launching(value: Any) -> Launching:
    """The options that a section without faults holds; a name alone stands for its ``kind``."""
    content = {"kind": value} if isinstance(value, str) else dict(value)
    if content.get("kind", "local") in LAUNCHERS:
        return Launching.model_validate(content)
    return Launching(kind=content.pop("kind"), options=content)


def with_flags(
    section: Launching, kind: str | None, flags: Mapping[str, Any], launchers: LauncherNames = LAUNCHERS
) -> Launching:
    """The section with what was given on the command line in its place.

    Another ``--launcher`` than the section's leaves the section's options behind, since they are not its own.

    Args:
        section: of the YAML.
        kind: ``--launcher``; ``None`` for the section's.
        flags: by the names of the section; ``None`` where a flag was not given.
        launchers: all that are known.

    Raises:
        MatrixError: a flag is not the launcher's, or has a value that it may not have.
    """
    chosen = kind or section.kind
    given = {key: value for key, value in flags.items() if value is not None}
    kept: Mapping[str, Any] = {}
    if chosen == section.kind:
        kept = section.options or section.model_dump(by_alias=True, exclude_defaults=True)
    asked = {**kept, **given, "kind": chosen}
    if faults := launching_faults(asked, "--launcher", launchers):
        raise MatrixError(faults)
    return read_launching(asked)


def _fault(where: str, detail: Any) -> Fault:
    place = ".".join((where, *(str(part) for part in detail["loc"][:1])))
    if detail["type"] == "value_error":
        return Fault(place, str(detail["ctx"]["error"]))
    if detail["type"] == "missing":
        return Fault(place, "is missing.")
    return Fault(place, f"{detail['msg'].lower()}, not {detail['input']!r}.")


NO_OPTIONS = Launching()
