"""Which devices are chosen."""

import subprocess

import pytest

from harness.dispatch import devices
from harness.dispatch.devices import Device, choose_devices, one_a_worker
from harness.errors import MatrixError

CPU = (Device("cpu"),)
LISTING = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-c1)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-d4)
  MIG 1g.5gb      Device  0: (UUID: MIG-a1)
  MIG 1g.5gb      Device  1: (UUID: MIG-b2)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-e5)
"""


def gpus(*names: str) -> tuple[Device, ...]:
    """The devices of those names."""
    return tuple(Device("cuda", name) for name in names)


@pytest.mark.parametrize(
    ("visible", "option", "chosen"),
    [
        ("", "auto", CPU),
        ("-1", "auto", CPU),
        ("NoDevFiles", "auto", CPU),
        ("0,1", "auto", gpus("0", "1")),
        ("0,1", "cuda", gpus("0", "1")),
        ("0,1", "cpu", CPU),
        ("3, 5", "cuda:0", gpus("3")),
        ("3,5", "cuda:1", gpus("5")),
        ("GPU-8932f937,MIG-a0b1", "auto", gpus("GPU-8932f937", "MIG-a0b1")),
        ("GPU-8932f937,MIG-a0b1", "cuda:1", gpus("MIG-a0b1")),
        ("1,-1,0", "auto", gpus("1")),
    ],
)
def test_visible_devices_are_a_pool(
    monkeypatch: pytest.MonkeyPatch, visible: str, option: str, chosen: tuple[Device, ...]
) -> None:
    """CUDA_VISIBLE_DEVICES is obeyed as CUDA reads it, and numbers count within it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert choose_devices(option) == chosen


@pytest.mark.parametrize(
    ("visible", "option", "fault"),
    [
        ("", "cuda", "--device: 'cuda' is not here: 0 GPUs are visible. Take cpu."),
        ("", "cuda:0", "--device: 'cuda:0' is not here: 0 GPUs are visible. Take cpu."),
        ("0,1", "cuda:2", "--device: 'cuda:2' is not here: 2 GPUs are visible. Take cpu."),
        ("0,1", "gpu", "--device: must be auto, cpu, cuda or cuda:N, not 'gpu'."),
        ("0,1", "", "--device: must be auto, cpu, cuda or cuda:N, not ''."),
        ("0,1", "1", "--device: must be auto, cpu, cuda or cuda:N, not '1'."),
        ("0,1", "cuda:", "--device: must be auto, cpu, cuda or cuda:N, not 'cuda:'."),
        ("0,1", "cuda:-1", "--device: must be auto, cpu, cuda or cuda:N, not 'cuda:-1'."),
        ("0,1", "cuda:²", "--device: must be auto, cpu, cuda or cuda:N, not 'cuda:²'."),
        ("0,1", "CPU", "--device: must be auto, cpu, cuda or cuda:N, not 'CPU'."),
    ],
)
def test_bad_options_are_faults(monkeypatch: pytest.MonkeyPatch, visible: str, option: str, fault: str) -> None:
    """A GPU that is not there, and an option of another form, are said with what is allowed."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(MatrixError) as caught:
        choose_devices(option)
    assert str(caught.value) == fault


def test_driver_is_asked_without_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where CUDA_VISIBLE_DEVICES is not set all GPUs of the machine count."""
    listed = subprocess.CompletedProcess([], 0, stdout=LISTING, stderr="")
    monkeypatch.setattr(devices.subprocess, "run", lambda *_, **__: listed)
    assert choose_devices("auto") == gpus("GPU-c1", "MIG-a1", "MIG-b2", "GPU-e5")


def test_workers_share_devices_and_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every GPU gets a worker before one gets two, and no core is given away twice while there are enough."""
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    shared = one_a_worker(gpus("0", "1"), workers_per_gpu=2)
    assert [(device.visible, device.threads) for device in shared] == [("0", 2), ("1", 1), ("0", 1), ("1", 1)]
    assert [device.threads for device in one_a_worker(CPU, workers=3, workers_per_gpu=9)] == [2, 2, 1]
    assert [device.threads for device in one_a_worker(CPU)] == [5]
    assert [device.threads for device in one_a_worker(CPU, workers=7)] == [1] * 7


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("nvidia-smi"),
        subprocess.CalledProcessError(9, "nvidia-smi"),
        subprocess.TimeoutExpired("x", 20),
    ],
)
def test_machine_without_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A missing, failing or hanging driver means the CPU."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(devices.subprocess, "run", fail)
    assert choose_devices("auto") == CPU
