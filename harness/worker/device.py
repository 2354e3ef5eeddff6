"""The device that a worker computes on."""

import platform

import torch

from harness.cores import cpu_threads
from harness.errors import Fault, RunError
from harness.threads import single_threaded_kernels


def open_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        RunError: it is a GPU that torch does not see.
    """
    device = torch.device(name)
    if device.type == "cpu":
        single_threaded_kernels()
    if device.type == "cuda" and not torch.cuda.is_available():
        what = f"torch {torch.__version__} sees no GPU here."
        raise RunError(Fault("--device", what, "Take --device cpu, or install a torch for this driver."))
    return device


def device_name(device: torch.device) -> str:
    """What the device is called: the GPU's name, or the processor family with the threads in use."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu ({platform.machine()}, {cpu_threads()} threads)"
