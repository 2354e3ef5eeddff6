"""A weights file in, tensors by name out; nothing that a file holds is ever run.

Pickles are read by torch's weights-only reader. A TorchScript archive holds code, so it is opened only when its
SHA-256 is one that OpenAI published or when the user vouches for it.
"""

import pickle
import re
import tarfile
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from harness.backbone.pickles import is_archive, names_by_step
from harness.backbone.torch_file import load_weights_only
from harness.errors import BackboneError, Fault
from harness.files import digest_file

_BESIDE = ("input_resolution", "context_length", "vocab_size")  # what OpenAI's archives hold beside the weights
_GLOBAL = re.compile(r"GLOBAL (\S+)")
_HARMLESS = ("torch.", "collections.", "numpy.", "_codecs.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a weights file holds.

    Attributes:
        state: tensors by name.
        is_openai: whether it is in the form of OpenAI's archives, all of which were trained with QuickGELU.
        is_trusted: whether it was opened because the user vouches for it.
    """

    state: dict[str, Tensor]
    is_openai: bool = False
    is_trusted: bool = False


def read_checkpoint(file: Path, where: str, openai_digests: Collection[str], trust: bool) -> Checkpoint:
    """The tensors of a safetensors file, a torch pickle or a TorchScript archive.

    A checkpoint of a training, with the tensors under ``state_dict`` or names that begin with ``module.``, is
    read like open_clip does.

    Args:
        file: the weights.
        where: what faults are said of.
        openai_digests: the SHA-256 of OpenAI's published files.
        trust: whether the user vouches for a TorchScript archive of another digest.

    Raises:
        BackboneError: the file is damaged, holds something else, or would have to be run.
    """
    try:
        if file.suffix == ".safetensors":
            return Checkpoint(_tensors(load_file(file), file, where))
        if is_archive(file):
            return _read_archive(file, where, openai_digests, trust)
        state = _tensors(_read_pickle(file, where), file, where)
    except BackboneError:
        raise
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:400]
        raise BackboneError(Fault(where, f"its weights in {file} cannot be used: {reason}.")) from None
    return Checkpoint(state, is_openai=all(key in state for key in _BESIDE))


def _read_archive(file: Path, where: str, openai_digests: Collection[str], trust: bool) -> Checkpoint:
    """The state dict of an archive, by open_clip's own loader of OpenAI's archives."""
    digest = digest_file(file)  # read anew: what is remembered of a file must not decide whether it is run
    is_published = digest in openai_digests
    if not is_published and not trust:
        raise BackboneError(
            Fault(
                where,
                f"{file} is a TorchScript archive, which holds code, and its SHA-256 {digest} is none that OpenAI "
                "published.",
                "Give the weights as safetensors, or say `harness run --trust-weights` if you know who made it.",
            )
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch would have its users leave TorchScript; the file is what it is
            module = open_clip.load_openai_model(str(file), precision="fp32", device="cpu")
    except Exception as error:  # an archive of anything at all fails there in its own way
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        raise BackboneError(Fault(where, f"{file} is no archive of a CLIP: {reason}.")) from None
    return Checkpoint(dict(module.state_dict()), is_openai=True, is_trusted=not is_published)


def _read_pickle(file: Path, where: str) -> Any:
    if tarfile.is_tarfile(file):  # torch's form before 0.4, whose reader runs what it holds in older versions
        raise ValueError("it is a tar of torch before version 0.4")
    try:
        return load_weights_only(file)
    except pickle.UnpicklingError as error:
        match = _GLOBAL.search(str(error))
        named = [match[1]] if match else _foreign_globals(file)
        if not named:
            raise ValueError(str(error)) from None
        what = f"{file} is a pickle that calls {', '.join(named)}; nothing of it was run."
        mend = "Weights hold tensors alone: save the state dict, best as safetensors."
        raise BackboneError(Fault(where, what, mend)) from None
    except (OSError, RuntimeError, ValueError):
        raise
    except Exception as error:  # what is no pickle, or is cut off, fails in any way
        raise ValueError(f"torch finds no weights in it ({type(error).__name__})") from None


def _foreign_globals(file: Path) -> list[str]:
    """What a pickle names beyond tensors and plain containers."""
    found: dict[str, None] = {}
    with suppress(ValueError, OSError):  # what follows the pickles is no pickle
        found.update((name, None) for name in names_by_step(file) if name is not None)
    return [name for name in found if not name.startswith(_HARMLESS)]


def _tensors(content: Any, file: Path, where: str) -> dict[str, Tensor]:
    """The named tensors of what a file holds, named as in the model and not in a training's wrapper."""
    if isinstance(content, Mapping) and "state_dict" in content:
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        what = (
            f"{file} holds {'nothing' if content in ({}, None) else type(content).__name__}, not tensors by name."
        )
        raise BackboneError(Fault(where, what))
    if others := [str(key) for key, value in content.items() if not isinstance(value, Tensor)]:
        raise BackboneError(Fault(where, f"{len(others)} entries of {file} are no tensors: {', '.join(others)}."))
    state = {str(key): value for key, value in content.items()}
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    if state.get("logit_scale", torch.ones(0)).numel() == 1:  # some trainings keep it as a vector of one
        state["logit_scale"] = state["logit_scale"].reshape(())
    return state
