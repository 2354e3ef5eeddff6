"""A prompt learner that the authors' code saved, in; its context, out. Nothing that the file holds is ever run.

The files (``prompt_learner/model.pth.tar-N``) are pickles of a training's whole state: beside tensors they hold
objects of the optimiser and the scheduler, whose classes a reader of weights does not know. These classes have
stand-ins here, which take whatever they are given and keep nothing. What else a file names is refused unread.
"""

import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.backbone.context import usable_context
from harness.backbone.pickles import is_archive, is_zip, names_by_step
from harness.backbone.torch_file import load_weights_only
from harness.errors import Fault, PromptError
from harness.shapes import Context

# A prompt learner takes a few hundred steps. Nesting is at most as deep, and Python's own hash of a nested tuple
# recurses in C without a bound.
_MOST_STEPS = 10_000
_EMBEDDINGS = (
    "token_prefix",
    "token_suffix",
)  # of the class names it was learned with; CoOp's own reader drops them

# What torch's weights-only reader itself knows and a prompt learner has; it knows more, which is refused here.
_TENSORS = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",  # milestones of MultiStepLR
        "_codecs.encode",  # how bytes are spelled in pickles of protocol 2
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        *(f"torch.{kind}Storage" for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Bool")),
    }
)
_INERT = (
    "dassl.optim.lr_scheduler.ConstantWarmupScheduler",
    "dassl.optim.lr_scheduler.LinearWarmupScheduler",
    "dassl.optim.radam.AdamW",
    "dassl.optim.radam.PlainRAdam",
    "dassl.optim.radam.RAdam",
    "torch.optim.adam.Adam",
    "torch.optim.adamw.AdamW",
    "torch.optim.lr_scheduler.CosineAnnealingLR",
    "torch.optim.lr_scheduler.MultiStepLR",
    "torch.optim.lr_scheduler.StepLR",
    "torch.optim.rmsprop.RMSprop",
    "torch.optim.sgd.SGD",
    "builtins.dict",  # what a defaultdict is told to make
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
)


@dataclass(frozen=True, slots=True)
class ReleasedContext:
    """What is taken from a file: the context in fp32, the epoch, and with how many classes it was learned.

    ``epoch`` and ``n_classes`` are ``None`` where the file does not say.
    """

    context: Context
    epoch: int | None
    n_classes: int | None


class _Inert:
    """Stands in for an object of another's class: it takes whatever it is given and keeps nothing."""

    __slots__ = ()

    def __new__(cls, *_: object) -> "_Inert":
        """An empty object."""
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        """Keep nothing."""

    def __setstate__(self, state: object) -> None:
        """Keep nothing."""


def _plain_dict(*_: object) -> dict[object, object]:
    """An empty dict for a defaultdict: what has this type may be filled by torch's reader."""
    return {}


def _named(name: str, stand_in: Any) -> Any:
    """``stand_in`` under another's name, which is how torch's reader finds it."""
    stand_in.__module__, _, stand_in.__name__ = name.rpartition(".")
    stand_in.__qualname__ = stand_in.__name__
    return stand_in


def _stand_ins() -> dict[str, Callable[..., Any]]:
    classes = {name: _named(name, type("_StandIn", (_Inert,), {"__slots__": ()})) for name in _INERT}
    return {**classes, "collections.defaultdict": _named("collections.defaultdict", _plain_dict)}


_STAND_INS = _stand_ins()


def read_released(file: Path) -> ReleasedContext:
    """The context of a file of torch's, zip or legacy.

    Raises:
        PromptError: the file cannot be read, names something that no prompt learner has, or holds no context.
    """
    try:
        named = _names(file)
        if named:
            what = f"is a pickle that names {', '.join(named)}; nothing of it was run."
            raise PromptError(Fault(str(file), what, "Only a prompt learner's file can be imported."))
        with _allowed():
            content = load_weights_only(file)
        return _context(content, file)
    except PromptError:
        raise
    except Exception as error:  # a damaged or hostile file fails in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise PromptError(Fault(str(file), f"is no whole file of torch's: {reason}.")) from None


def _names(file: Path) -> list[str]:
    """What a file's pickles name beyond tensors and stand-ins, read off without running it.

    Raises:
        PromptError: it is no file that may be given to torch at all.
    """
    if tarfile.is_tarfile(file):  # torch's form before 0.4, whose reader runs what it holds in older versions
        raise PromptError(Fault(str(file), "is a tar of torch before version 0.4.", "Save it with a newer torch."))
    if is_archive(file):
        raise PromptError(Fault(str(file), "is a TorchScript archive, which holds code; it was not opened."))
    if is_zip(file):
        _check_sizes(file)
    found: dict[str, None] = {}
    with suppress(ValueError):  # behind a damage there is nothing that torch would read
        for number, name in enumerate(names_by_step(file)):
            if number == _MOST_STEPS:
                what = f"is a pickle of more than {_MOST_STEPS:,} steps; a prompt learner's has a few hundred."
                raise PromptError(Fault(str(file), what))
            if name is not None:
                found[name] = None
    return [name for name in found if name not in _TENSORS and name not in _STAND_INS]


def _check_sizes(file: Path) -> None:
    """Raise PromptError when a zip would unpack to more than the file is: torch compresses nothing."""
    with zipfile.ZipFile(file) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > file.stat().st_size:
        what = f"unpacks to {unpacked:,} bytes from {file.stat().st_size:,}; torch does not compress its files."
        raise PromptError(Fault(str(file), what))


@contextmanager
def _allowed() -> Iterator[None]:
    """Let torch's reader know the stand-ins, and forget them again."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals(list(_STAND_INS.values()))
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _context(content: Any, file: Path) -> ReleasedContext:
    """The context among what was read.

    Raises:
        PromptError: there is none, or it cannot be used; says all that is wrong.
    """
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not isinstance(state.get("ctx"), Tensor):
        held = ", ".join(map(str, state if isinstance(state, Mapping) else ())) or "nothing"
        what = f"holds no context: a prompt learner has a tensor `ctx` under `state_dict`, and this has {held}."
        raise PromptError(Fault(str(file), what))
    if others := [str(key) for key in state if key not in ("ctx", *_EMBEDDINGS)]:
        what = f"holds more than a context: {', '.join(others)}. It belongs to another method than CoOp."
        raise PromptError(Fault(str(file), what))
    context = usable_context(state["ctx"], str(file))
    counts = {
        len(state[key]) for key in _EMBEDDINGS if isinstance(state.get(key), Tensor) and state[key].ndim == 3
    }
    if context.ndim == 3:
        counts.add(len(context))
    if len(counts) > 1:
        what = f"contradicts itself: its tensors are of {' and '.join(map(str, sorted(counts)))} classes."
        raise PromptError(Fault(str(file), what))
    epoch = content.get("epoch")
    return ReleasedContext(context, epoch if type(epoch) is int else None, counts.pop() if counts else None)
