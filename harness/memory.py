"""How memory runs out."""

import torch

from harness.errors import TooLargeError

_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, the host's or a device's.

    torch has a type for it on some devices, and words on others.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError, TooLargeError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _WORDS)
