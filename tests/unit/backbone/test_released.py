"""Files of the authors' code: what is taken from them, and hostile ones."""

import collections
import io
import os
import pickle
import sys
import tarfile
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.backbone import released
from harness.backbone.released import ReleasedContext, read_released
from harness.errors import PromptError

CONTEXT = torch.linspace(-1, 1, 4 * 8).reshape(4, 8)


def _state(context: Tensor = CONTEXT, n_classes: int = 3) -> dict[str, Tensor]:
    """A prompt learner's tensors as the authors' code names them."""
    halves = {"token_prefix": torch.zeros(n_classes, 1, 8), "token_suffix": torch.zeros(n_classes, 72, 8)}
    return collections.OrderedDict(ctx=context, **halves)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the authors' code saves: tensors, a real optimiser and real schedulers, and a number of numpy's."""

    class ConstantWarmupScheduler(torch.optim.lr_scheduler.LRScheduler):
        """A scheduler that holds another, as theirs does."""

        def __init__(self, optimizer: Any, successor: Any) -> None:
            self.successor = successor
            super().__init__(optimizer)

        def get_lr(self) -> list[float]:
            """A constant."""
            return [1e-5 for _ in self.base_lrs]

    ConstantWarmupScheduler.__module__ = "dassl.optim.lr_scheduler"
    ConstantWarmupScheduler.__qualname__ = "ConstantWarmupScheduler"
    module = types.ModuleType("dassl.optim.lr_scheduler")
    module.ConstantWarmupScheduler = ConstantWarmupScheduler  # type: ignore[attr-defined]
    for name in ("dassl", "dassl.optim"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "dassl.optim.lr_scheduler", module)
    parameter = torch.nn.Parameter(CONTEXT.clone())
    optimiser = torch.optim.SGD([parameter], lr=0.002, momentum=0.9, weight_decay=5e-4)
    parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 50.0)
    scheduler = ConstantWarmupScheduler(optimiser, cosine)
    return {
        "state_dict": _state(),
        "epoch": 50,
        "optimizer": optimiser.state_dict(),
        "scheduler": scheduler.state_dict(),
        "val_result": np.float64(71.25),
    }


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A writer of files as torch writes them; what the writer needed is forgotten before they are read."""

    def write(content: object, legacy: bool = False) -> Path:
        file = tmp_path / "model.pth.tar-50"
        torch.save(content, file, _use_new_zipfile_serialization=not legacy)
        for name in ("dassl", "dassl.optim", "dassl.optim.lr_scheduler"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        return file

    return write


def _zip(folder: Path, content: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    """A file of torch's form around a pickle of one's own."""
    file = folder / "model.pth.tar-50"
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, text in (("data.pkl", content), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"archive/{name}", text)
    return file


def _fault(file: Path) -> str:
    with pytest.raises(PromptError) as caught:
        read_released(file)
    return str(caught.value)


class Calls:
    """An object whose pickle calls something."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("legacy", [False, True])
def test_a_trainings_file_gives_its_context(
    training: dict[str, Any], save: Callable[..., Path], legacy: bool
) -> None:
    """Context, epoch and number of classes, from both of torch's forms; nothing of theirs is imported."""
    found = read_released(save(training, legacy))
    assert torch.equal(found.context, CONTEXT)
    assert (found.epoch, found.n_classes) == (50, 3)
    assert not any(name.startswith("dassl") for name in sys.modules)


def test_torch_forgets_the_stand_ins(training: dict[str, Any], save: Callable[..., Path]) -> None:
    """What torch's reader knew before, it knows after, and no more; also when the file was refused."""
    before = set(torch.serialization.get_safe_globals())
    read_released(save(training))
    assert set(torch.serialization.get_safe_globals()) == before
    _fault(save({"state_dict": {}}))
    assert set(torch.serialization.get_safe_globals()) == before


def test_half_precision_becomes_full(save: Callable[..., Path]) -> None:
    """A context in fp16, as amp leaves it, is read as fp32."""
    found = read_released(save({"state_dict": _state(CONTEXT.half()), "epoch": "x"}))
    assert found.context.dtype == torch.float32
    assert torch.equal(found.context, CONTEXT.half().float())
    assert found.epoch is None


def test_class_specific_contexts_are_read(save: Callable[..., Path]) -> None:
    """Three axes: one context a class."""
    found = read_released(save({"state_dict": _state(CONTEXT.expand(3, 4, 8).clone()), "epoch": 1}))
    assert (tuple(found.context.shape), found.n_classes) == ((3, 4, 8), 3)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ([1], "holds no context: a prompt learner has a tensor `ctx` under `state_dict`, and this has nothing."),
        ({"state_dict": {"weight": CONTEXT, "bias": CONTEXT}}, "and this has weight, bias."),
        ({"state_dict": {"ctx": 3}}, "and this has ctx."),
        (
            {"state_dict": {**_state(), "meta_net.w": CONTEXT, "meta_net.b": CONTEXT}},
            "holds more than a context: meta_net.w, meta_net.b. It belongs to another method than CoOp.",
        ),
        (
            {"state_dict": {"ctx": torch.zeros(4)}},
            "its context is 4 of torch.float32; it should be (n_ctx, width)",
        ),
        ({"state_dict": {"ctx": torch.zeros(4, 8, dtype=torch.int64)}}, "its context is 4x8 of torch.int64;"),
        ({"state_dict": {"ctx": torch.zeros(0, 8)}}, "its context claims to be 0x8 and holds fewer numbers."),
        ({"state_dict": {"ctx": CONTEXT / 0}}, "its context holds numbers that are not finite."),
        (
            {"state_dict": _state(torch.zeros(2, 4, 8))},
            "contradicts itself: its tensors are of 2 and 3 classes.",
        ),
    ],
)
def test_what_is_no_context_is_said(save: Callable[..., Path], content: object, what: str) -> None:
    """The file is named, and what it holds instead."""
    file = save(content)
    fault = _fault(file)
    assert fault.startswith(f"{file}: ")
    assert what in fault


@pytest.mark.parametrize("form", ["zip", "legacy", "plain"])
def test_every_foreign_name_is_refused_at_once(tmp_path: Path, form: str) -> None:
    """Functions that a file would call are all named, and none is called."""
    made = tmp_path / "made"
    content = {"state_dict": {"ctx": Calls(os.mkdir, str(made)), "b": Calls(eval, "1"), "c": Calls(print)}}
    file = tmp_path / "model.pth.tar-1"
    if form == "plain":
        file.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=form == "zip")
    fault = _fault(file).replace("nt.", "posix.")
    assert "is a pickle that names posix.mkdir, builtins.eval, builtins.print; nothing of it was run." in fault
    assert not made.exists()


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_newer_pickles_are_refused_by_name_too(tmp_path: Path, protocol: int) -> None:
    """Protocols that torch does not write are looked through all the same."""
    file = _zip(tmp_path, pickle.dumps({"a": Calls(os.mkdir, str(tmp_path / "made"))}, protocol=protocol))
    assert "names posix.mkdir; nothing of it was run." in _fault(file).replace("nt.", "posix.")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "name",
    ["os.system", "torch.hub.load", "torch._utils._rebuild_wrapper_subclass", "torch.optim.lr_scheduler.LambdaLR"],
)
def test_names_that_a_prompt_learner_does_not_need_are_refused(tmp_path: Path, name: str) -> None:
    """Also those of torch's own that its reader would let through."""
    module, _, attribute = name.rpartition(".")
    file = _zip(tmp_path, b"\x80\x02c%s\n%s\n." % (module.encode(), attribute.encode()))
    assert f"is a pickle that names {name}; nothing of it was run." in _fault(file)


def test_what_is_built_into_a_stand_in_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that would change an object of a known class, or its class, changes nothing and is not kept."""
    built: list[object] = []
    plain = released._Inert.__setstate__
    monkeypatch.setattr(
        released._Inert, "__setstate__", lambda each, state: built.append((plain(each, state), each))
    )
    text = (
        b"\x80\x02ctorch.optim.sgd\nSGD\n)\x81}(X\x09\x00\x00\x00__class__ctorch.optim.sgd\nSGD\n"
        b"X\x0c\x00\x00\x00__setstate__K\x01ub."
    )
    assert "holds no context" in _fault(_zip(tmp_path, text))
    ((kept, stand_in),) = built
    assert kept is None
    assert not hasattr(stand_in, "__dict__")
    assert type(stand_in).__mro__[1] is released._Inert


def test_a_stand_in_takes_any_call(tmp_path: Path) -> None:
    """A known name that is called like a function gives an empty object, whatever its arguments are."""
    text = b"\x80\x02cnumpy.core.multiarray\nscalar\n(K\x01K\x02K\x03tR."
    assert "holds no context" in _fault(_zip(tmp_path, text))


def test_only_stand_ins_can_be_called(tmp_path: Path) -> None:
    """What a stand-in returns is no function that a pickle could call next."""
    text = b"\x80\x02cnumpy\ndtype\n)R(X\x01\x00\x00\x00atR."
    assert "is no whole file of torch's: UnpicklingError" in _fault(_zip(tmp_path, text))


@pytest.mark.parametrize("nested", [b"\x85" * 200_000, b"]" * 200_000, b"K\x01" * 20_000])
def test_deep_and_long_pickles_are_refused(tmp_path: Path, nested: bytes) -> None:
    """A hundred thousand tuples in one another would overflow the stack when they are hashed."""
    fault = _fault(_zip(tmp_path, b"\x80\x02})" + nested + b"K\x01s."))
    assert "is a pickle of more than 10,000 steps; a prompt learner's has a few hundred." in fault


def test_nesting_within_the_bound_is_survived(tmp_path: Path) -> None:
    """As deep as a pickle may be, its tuples can be hashed."""
    assert "holds no context" in _fault(_zip(tmp_path, b"\x80\x02})" + b"\x85" * 9_900 + b"K\x01s."))


def test_a_tensor_larger_than_its_storage_is_refused(save: Callable[..., Path]) -> None:
    """A petabyte of the same number takes four bytes in a file, and is never made."""
    huge = torch.zeros(1).expand(1 << 24, 1 << 24)
    assert "its context claims to be 16777216x16777216 and holds fewer numbers." in _fault(
        save({"state_dict": {"ctx": huge}})
    )


@pytest.mark.parametrize("legacy", [False, True])
def test_a_storage_that_lies_about_its_size_is_refused(
    save: Callable[..., Path], lie: Callable[[Path, int, int], None], legacy: bool
) -> None:
    """A file that claims more numbers than it has is not whole, whatever torch would believe."""
    file = save({"state_dict": {"ctx": torch.zeros(1, 1 << 17)}}, legacy)
    lie(file, 1 << 17, 1 << 29)
    assert f"{file}: " in _fault(file)


def test_a_compressed_zip_is_refused(tmp_path: Path) -> None:
    """What would unpack to more than the file is no file of torch's."""
    fault = _fault(_zip(tmp_path, b"\x80\x02}." + b"0" * 1_000_000, zipfile.ZIP_DEFLATED))
    assert "torch does not compress its files." in fault


@pytest.mark.parametrize("cut", [1, 200, 800])
@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_files_are_named(save: Callable[..., Path], cut: int, legacy: bool) -> None:
    """Half a download is an error with the file's name."""
    file = save({"state_dict": _state(), "epoch": 1}, legacy)
    file.write_bytes(file.read_bytes()[:-cut])
    assert _fault(file).startswith(f"{file}: is no whole file of torch's: ")


@pytest.mark.parametrize("content", [b"", b"junk" * 20, b"PK\x03\x04 and then no zip", b"\x80\x02."])
def test_damaged_files_are_named(tmp_path: Path, content: bytes) -> None:
    """What is no file of torch's is an error, not a traceback."""
    file = tmp_path / "model.pth.tar-50"
    file.write_bytes(content)
    assert _fault(file).startswith(f"{file}: is no whole file of torch's: ")


def test_tars_and_archives_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms whose readers have run code in some versions of torch are not given to it."""
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("opened"))
    file = tmp_path / "model.pth.tar-50"
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("pickle"), io.BytesIO())
    assert "is a tar of torch before version 0.4." in _fault(file)
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "version"):
            archive.writestr(f"archive/{name}", b"3\n")
    assert "is a TorchScript archive, which holds code; it was not opened." in _fault(file)


def test_a_context_alone_says_no_more(save: Callable[..., Path]) -> None:
    """Without the class names' embeddings the number of classes is not known."""
    found = read_released(save({"state_dict": {"ctx": torch.nn.Parameter(CONTEXT)}, "epoch": 3}))
    assert isinstance(found, ReleasedContext)
    assert (found.epoch, found.n_classes, found.context.requires_grad) == (3, None, False)
