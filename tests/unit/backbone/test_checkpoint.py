"""Weights files of all kinds, hostile ones among them."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from harness.backbone.checkpoint import Checkpoint, read_checkpoint
from harness.errors import BackboneError
from harness.files import digest_file

State = dict[str, Tensor]
TENSORS = {"weight": torch.ones(2, 3), "logit_scale": torch.tensor([4.0])}


class Hostile:
    """An object whose pickle makes a file when it is loaded carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def _read(file: Path, trust: bool = False, digests: tuple[str, ...] = ()) -> Checkpoint:
    return read_checkpoint(file, "mine", digests, trust)


def _fault(file: Path, trust: bool = False) -> str:
    with pytest.raises(BackboneError) as caught:
        _read(file, trust)
    return str(caught.value)


def _dump(content: object, file: Path, form: str) -> None:
    """Write a pickle as torch does, as torch did, or as Python does."""
    if form == "zip":
        torch.save(content, file)
    elif form == "legacy":
        torch.save(content, file, _use_new_zipfile_serialization=False)
    else:
        file.write_bytes(pickle.dumps(content, protocol=int(form)))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.bin", "w.pth"])
def test_tensors_are_read_by_name(tmp_path: Path, name: str) -> None:
    """Every form gives the same tensors; a logit scale that is a vector of one becomes a number."""
    file = tmp_path / name
    (save_file if name.endswith("safetensors") else torch.save)(TENSORS, file)
    state = _read(file).state
    assert torch.equal(state["weight"], TENSORS["weight"])
    assert state["logit_scale"].shape == ()


@pytest.mark.parametrize(
    "content", [{"state_dict": TENSORS, "epoch": 3}, {f"module.{key}": value for key, value in TENSORS.items()}]
)
def test_checkpoints_of_trainings_are_unwrapped(tmp_path: Path, content: dict) -> None:
    """What open_clip's own training writes is read like its weights."""
    torch.save(content, tmp_path / "w.pt")
    assert list(_read(tmp_path / "w.pt").state) == ["weight", "logit_scale"]


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("form", ["zip", "legacy", "0", "2", "4", "5"])
def test_hostile_pickle_is_refused_by_name(tmp_path: Path, form: str, trust: bool) -> None:
    """The function that it calls is named and not called, whatever the user says of the file."""
    file, made = tmp_path / "w.pt", tmp_path / "made"
    _dump({"weight": Hostile(made)}, file, form)
    fault = _fault(file, trust)
    assert f"mine: {file} is a pickle that calls posix.mkdir; nothing of it was run." in fault.replace(
        "nt.", "posix."
    )
    assert not made.exists()


def test_hostile_pickle_behind_a_safetensors_ending_is_refused(tmp_path: Path) -> None:
    """The ending chooses the reader, and that one finds no safetensors."""
    file, made = tmp_path / "w.safetensors", tmp_path / "made"
    _dump({"weight": Hostile(made)}, file, "zip")
    assert "cannot be used" in _fault(file)
    assert not made.exists()


def test_tar_of_an_old_torch_is_refused(tmp_path: Path) -> None:
    """A form whose reader runs code in some versions of torch is never given to it."""
    file, made = tmp_path / "w.pt", tmp_path / "made"
    content = pickle.dumps(Hostile(made))
    with tarfile.open(file, "w") as tar:
        entry = tarfile.TarInfo("pickle")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    assert "it is a tar of torch before version 0.4" in _fault(file)
    assert not made.exists()


@pytest.mark.parametrize("content", [b"", b"junk" * 20, b"PK\x03\x04 and then no zip", b"\x80\x02.", b"\x80\x02M"])
@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    """What is no weights file is an error that names it, not a traceback."""
    file = tmp_path / name
    file.write_bytes(content)
    assert _fault(file).startswith(f"mine: its weights in {file} cannot be used: ")


def test_truncated_file_is_named(tmp_path: Path) -> None:
    """Half a download is an error."""
    file = tmp_path / "w.pt"
    torch.save(TENSORS, file)
    file.write_bytes(file.read_bytes()[:-200])
    assert f"mine: its weights in {file} cannot be used: " in _fault(file)


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_file_that_lies_about_its_size_is_named(
    tmp_path: Path, form: str, lie: Callable[[Path, int, int], None]
) -> None:
    """A tensor that claims more numbers than the file has is an error; memory behind the file is never read."""
    file = tmp_path / "w.pt"
    _dump({"weight": torch.zeros(1 << 17)}, file, form)
    lie(file, 1 << 17, 1 << 29)
    assert f"mine: its weights in {file} cannot be used: " in _fault(file)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ([torch.ones(1)], "holds list, not tensors by name"),
        ({}, "holds nothing, not tensors by name"),
        ({"a": torch.ones(1), "epoch": 3, "name": "x"}, "2 entries of {file} are no tensors: epoch, name."),
    ],
)
def test_other_content_is_named(tmp_path: Path, content: object, what: str) -> None:
    """Harmless things that are no tensors by name are all said."""
    file = tmp_path / "w.pt"
    torch.save(content, file)
    assert what.format(file=file) in _fault(file)


def test_archive_of_unknown_digest_is_refused(archive: Path) -> None:
    """A TorchScript archive that OpenAI did not publish is not opened; the way to open it is said."""
    fault = _fault(archive)
    assert f"{archive} is a TorchScript archive, which holds code, and its SHA-256 {digest_file(archive)}" in fault
    assert "--trust-weights" in fault


def test_archive_is_never_given_to_a_loader(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is recognised before anything that could open it is called."""
    for name in ("torch.load", "torch.jit.load", "open_clip.load_openai_model"):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("opened"))
    _fault(archive)


def test_trusted_archive_is_opened_and_says_so(archive: Path, state: State) -> None:
    """With the user's word its tensors are read, as OpenAI's form."""
    found = _read(archive, trust=True)
    assert (found.is_openai, found.is_trusted) == (True, True)
    assert found.state.keys() == state.keys()
    assert all(torch.equal(found.state[key], tensor.float()) for key, tensor in state.items())


def test_published_archive_is_opened_by_its_digest(archive: Path) -> None:
    """What OpenAI published needs nobody's word, and the word is not recorded where it was not needed."""
    for trust in (False, True):
        found = _read(archive, trust, digests=(digest_file(archive),))
        assert (found.is_openai, found.is_trusted) == (True, False)


def test_changed_archive_is_refused_though_its_digest_is_remembered(
    archive: Path, publish: Callable[[Path], None]
) -> None:
    """The digest that decides is taken of the file as it is."""
    digest = digest_file(archive)
    status = archive.stat()
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(BackboneError, match="none that OpenAI published"):
        _read(archive, digests=(digest,))


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_trusted_archive_of_something_else_is_named(mini: Path, tmp_path: Path) -> None:
    """A TorchScript module that is no CLIP is an error, not a traceback."""
    file = tmp_path / "w.pt"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), file)
    assert f"mine: {file} is no archive of a CLIP: " in _fault(file, trust=True)
