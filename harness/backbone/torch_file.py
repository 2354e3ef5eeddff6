"""What a file of torch's holds, by torch's weights-only reader; nothing of it is run."""

import warnings
from pathlib import Path
from typing import Any

import torch

from harness.backbone.pickles import is_zip


def load_weights_only(file: Path) -> Any:
    """The objects of a zip or of an older file of torch's, on the CPU.

    Raises:
        Exception: the file is damaged or names what torch does not take for weights; any kind, by what is wrong.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pickle protocols, which say nothing to a user of weights
        # A zip is read through a map of the file, which ends where the file does: without, older versions of torch
        # take its word for how many bytes a tensor has, and read on in memory that is not the file's.
        return torch.load(file, map_location="cpu", weights_only=True, mmap=is_zip(file))
