"""Faults of the machine."""

import errno

import pytest
import torch

from harness.errors import RunError, TooLargeError
from harness.machine_faults import is_machine_fault, is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        TooLargeError("memory does not hold one class of one run."),
    ],
)
def test_memory_that_ran_out_is_known(error: Exception) -> None:
    """By the types that say so, and by the words of torch where it has no type."""
    assert is_out_of_memory(error)
    assert not is_machine_fault(error)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error: device-side assert triggered"), RunError("out of memory"), OSError(28, "x")],
)
def test_other_errors_are_others(error: Exception) -> None:
    """A cell that fails with other words, and a system call that does, are no reason to try a smaller piece."""
    assert not is_out_of_memory(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (OSError(errno.EIO, "Input/output error"), True),
        (OSError(errno.ESTALE, "Stale file handle"), True),
        (FileNotFoundError(errno.ENOENT, "no such image"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error"), False),
    ],
)
def test_a_fault_of_device_or_file_system_is_the_machines(error: Exception, expected: bool) -> None:
    """A missing image or a wrong shape is not."""
    assert is_machine_fault(error) is expected
