"""Faults of the machine, told from those of a program or of data: they may well not come again elsewhere."""

import errno

import torch

from harness.errors import TooLargeError

_WORDS = ("out of memory", "can't allocate memory", "not enough memory")
# What a network file system that is away answers, and a disk that fails, and a machine with too many open files.
_FILE_SYSTEM = (
    errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EREMOTEIO,
    errno.EMFILE, errno.ENFILE,
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, the host's or a device's.

    torch has a type for it on some devices, and words on others.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError, TooLargeError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)


def is_machine_fault(error: BaseException) -> bool:
    """Whether an error, other than of memory, lies in the device or the file system.

    After an error of its device a process can compute nothing more: whatever it tries next fails, too.
    """
    if isinstance(error, OSError):
        return error.errno in _FILE_SYSTEM
    return isinstance(error, RuntimeError) and "CUDA error" in str(error) and not is_out_of_memory(error)
