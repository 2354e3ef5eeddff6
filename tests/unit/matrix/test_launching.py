"""The ``launcher:`` section."""

from typing import Any

import pytest

from harness.errors import MatrixError
from harness.matrix.launching import Launching, launching_faults, read_launching, with_flags


@pytest.mark.parametrize(
    ("value", "options"),
    [
        ("slurm", {"kind": "slurm"}),
        ({"kind": "ray", "gpus": 0.25, "address": "auto"}, {"kind": "ray", "gpus": 0.25, "address": "auto"}),
        ({"kind": "slurm", "memory": "500M"}, {"kind": "slurm", "memory_gb": 0.5}),
        ({"kind": "slurm", "memory": 8}, {"kind": "slurm", "memory_gb": 8.0}),
        ({"kind": "slurm", "memory": 0.5}, {"kind": "slurm", "memory_gb": 0.5}),
        *(
            ({"kind": "slurm", "time": text}, {"kind": "slurm", "time_min": minutes})
            for text, minutes in [
                (1, 1), (90, 90), ("90m", 90), ("4h", 240), ("1d12h", 2160), ("4:00:00", 240), ("1-12:00", 2160),
                ("0:00:30", 1), ("0:00:01", 1), ("45min", 45),
            ]
        ),
    ],
)  # fmt: skip
def test_sections_are_read(value: Any, options: dict[str, Any]) -> None:
    """A name or a mapping is read; durations become minutes and sizes gigabytes."""
    assert launching_faults(value, "launcher") == []
    assert read_launching(value).model_dump(exclude_defaults=True) == {
        key: item for key, item in options.items() if (key, item) != ("kind", "local")
    }


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (3, "must be a launcher's name or a mapping with `kind: NAME`, not 3."),
        ("slrm", "unknown launcher 'slrm'. Did you mean 'slurm'? Known: local, slurm, ray."),
        ({"kind": ["slurm"]}, "unknown launcher ['slurm']."),
        ({"kind": "slurm", "gpus": 0.5}, "Slurm lends whole GPUs, not 0.5."),
        ({"kind": "ray", "gpus": 1.5}, "Ray lends whole GPUs, or a part of one below 1, not 1.5."),
        ({"kind": "slurm", "time": "soon"}, "must be minutes or a duration"),
        ({"kind": "slurm", "time": 0}, "must be minutes or a duration"),
        ({"kind": "slurm", "memory": "0G"}, "must be gigabytes or a size"),
        ({"kind": "slurm", "memory": 0}, "must be gigabytes or a size"),
        ({"kind": "slurm", "memory": "lots"}, "must be gigabytes or a size"),
        ({"kind": "slurm", "memory": float("inf")}, "must be gigabytes or a size"),
        ({"kind": "slurm", "memory": 10**400}, "must be gigabytes or a size"),
        ({"kind": "slurm", "memory": "9" * 400 + "G"}, "must be gigabytes or a size"),
        ({"kind": "ray", "gpus": float("inf")}, "Ray lends whole GPUs"),
        ({"kind": "ray", "partition": "gpu"}, "is no option of ray."),
        ({"kind": "ray", "cpu": 3}, "is no option of ray. Did you mean 'cpus'?"),
        ({"workers": 0}, "greater than or equal to 1"),
        ({"kind": "slurm", "sbatch": {"--exclude": "n1"}}, "is no long option of sbatch, such as exclude"),
        ({"kind": "slurm", "sbatch": {"time": 5}}, "has a word of its own: `time:`."),
        ({"kind": "slurm", "sbatch": {"array": "0-3"}}, "is set by harness itself."),
        (
            {"kind": "slurm", "sbatch": "--exclude=n1"},
            "must be a mapping of sbatch's options to text, whole numbers or true",
        ),
        ({"kind": "slurm", "sbatch": {"exclude": ["n1"]}}, "must be a mapping of sbatch's options"),
    ],
)
def test_mistakes_are_told(value: Any, what: str) -> None:
    """A section that cannot be used says what is wrong with it."""
    (fault,) = launching_faults(value, "launcher")
    assert fault.where.startswith("launcher")
    assert what in f"{fault.what} {fault.mend}"


def test_any_option_of_sbatch_can_be_given() -> None:
    """What has no word here is handed on by sbatch's own name."""
    section = read_launching({"kind": "slurm", "sbatch": {"mail-type": "FAIL", "nice": 100, "exclusive": True}})
    assert section.sbatch == {"mail-type": "FAIL", "nice": 100, "exclusive": True}
    assert with_flags(section, None, {"gpus": 1}).sbatch == section.sbatch


def test_mistake_in_a_list_is_told_of_its_option() -> None:
    """A line of ``setup`` that cannot be used is the section's word ``setup``."""
    (fault,) = launching_faults({"kind": "slurm", "setup": ["module load x", ""]}, "launcher")
    assert fault.where == "launcher.setup"


def test_all_mistakes_are_told_at_once() -> None:
    """Every option that is at fault has its own line."""
    faults = launching_faults({"kind": "slurm", "partitio": "x", "time": "soon", "cpus": 0}, "launcher")
    assert {fault.where for fault in faults} == {"launcher.partitio", "launcher.time", "launcher.cpus"}


def test_flags_go_before_the_section() -> None:
    """What the command line gives replaces the section's, and the rest stays."""
    section = read_launching({"kind": "slurm", "partition": "gpu", "time": "4h"})
    found = with_flags(section, None, {"time": "8h", "gpus": None})
    assert found == Launching(kind="slurm", partition="gpu", time_min=480)


def test_another_launcher_leaves_the_section_behind() -> None:
    """Options of a launcher that is not used are not taken over."""
    section = read_launching({"kind": "slurm", "partition": "gpu", "gpus": 2})
    assert with_flags(section, "local", {"workers": 2}) == Launching(kind="local", workers=2)


def test_flags_of_another_launcher_are_refused() -> None:
    """A flag that the launcher does not read is a fault, not ignored."""
    with pytest.raises(MatrixError, match=r"^--launcher\.partition: is no option of local"):
        with_flags(Launching(), None, {"partition": "gpu"})
