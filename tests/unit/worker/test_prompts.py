"""Prompts jobs, in this process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file

from harness.backbone.clip import Clip
from harness.backbone.spec import backbone_spec
from harness.backbone.words import nearest_words
from harness.files import digest_bytes, digest_file
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.plan.job import ANSWER_FILE, FAULTS_FILE, JOB_FILE, Job, write_job
from harness.plan.request import ExportRequest, ImportRequest, PromptsRequest, WordsRequest
from harness.store.prompts import prompt_facts, prompt_path
from harness.store.record import RunRecord
from harness.store.records import write_record
from harness.worker.__main__ import main
from harness.worker.export import _open_clip

MakeCell = Callable[..., Cell]
MakeRecord = Callable[..., RunRecord]
Ask = Callable[[PromptsRequest], tuple[dict[str, Any], list[str]]]
CONTEXT = torch.linspace(-0.02, 0.02, 4 * 64).reshape(4, 64)


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What a job answers, and its faults as sentences."""

    def do(request: PromptsRequest) -> tuple[dict[str, Any], list[str]]:
        job = Job(
            kind="prompts", matrix="prompts", cells=(), results=tmp_path, data=None, device="cpu", request=request
        )
        folder = write_job(job, 1)
        assert main([str(folder / JOB_FILE)]) == 0
        faults = json.loads((folder / FAULTS_FILE).read_text())
        said = [f"{fault['where']}: {fault['what']} {fault['mend']}".strip() for fault in faults]
        return json.loads((folder / ANSWER_FILE).read_text()), said

    return do


@pytest.fixture
def keep(tmp_path: Path, make_cell: MakeCell, make_record: MakeRecord) -> Callable[..., str]:
    """A writer of a record with a context; the cell's id."""

    def write(context: torch.Tensor | None = CONTEXT, axes: dict[str, Any] | None = None, **fields: Any) -> str:
        cell = make_cell(**(axes or {"n_ctx": 4}))
        content = None if context is None else save({"context": context})
        if content is not None and context is not None:
            file = {"file": f"{cell_id(cell)}.safetensors", "sha256": digest_bytes(content)}
            fields["context"] = {**file, "shape": tuple(context.shape)}
        write_record(tmp_path, make_record(cell, **fields), content)
        return cell_id(cell)

    return write


def test_more_words_are_read_off_the_context(ask: Ask, keep: Callable[..., str], tiny: Clip) -> None:
    """As many as asked for, in the form of those beside the record."""
    answer, faults = ask(WordsRequest(cell=keep(), top=9))
    assert faults == []
    assert answer["shape"] == [4]
    own = [[(each["word"], each["distance"]) for each in row] for row in answer["nearest"]]
    plain = [[(word, round(distance, 6)) for word, distance in row] for row in nearest_words(CONTEXT, tiny, 9)]
    assert own == plain


def test_words_need_the_records_weights(ask: Ask, keep: Callable[..., str]) -> None:
    """Another vocabulary would be another meaning; both digests are said."""
    request = WordsRequest(cell=keep(provenance={"weights_digest": "0" * 64}), top=9)
    _, (said,) = ask(request)
    assert f"tiny: the cell {request.cell} was made with the weights 00000000, and here are " in said
    assert said.endswith("Bring the weights back, or run the cell again with these.")


@pytest.mark.parametrize("damage", [b"junk", None])
def test_a_context_that_the_record_does_not_vouch_for_is_refused(
    ask: Ask, keep: Callable[..., str], tmp_path: Path, damage: bytes | None
) -> None:
    """Damaged or missing, it is named."""
    identifier = keep()
    path = tmp_path / "records" / f"{identifier}.safetensors"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    for request in (WordsRequest(cell=identifier, top=9), ExportRequest(cell=identifier, out=tmp_path / "out")):
        _, (said,) = ask(request)
        assert f"{identifier}.safetensors is missing, or not the file that the record vouches for." in said
    assert not (tmp_path / "out").exists()


def test_an_export_is_whole(ask: Ask, keep: Callable[..., str], tmp_path: Path) -> None:
    """Text features of the record's classes, the context, and a description that vouches for both."""
    identifier, out = keep(), tmp_path / "out"
    answer, faults = ask(ExportRequest(cell=identifier, out=out))
    assert (faults, answer["shape"]) == ([], [2, 64])
    about = json.loads((out / "prompt.json").read_text())
    texts = load_file(out / "text_features.safetensors")["text_features"]
    torch.testing.assert_close(texts.norm(dim=-1), torch.ones(2))
    assert torch.equal(load_file(out / "context.safetensors")["context"], CONTEXT)
    assert about["class_names"] == ["zero", "one"]
    assert about["cell_id"] == identifier
    assert about["context"]["class_token_position"] == "end"
    assert about["image_size_px"] == 32
    for name in answer["files"][:2]:
        assert about["digests"][name] == digest_file(out / name)
    with safe_open(out / "context.safetensors", "pt") as file:
        assert "zero" in file.metadata()["harness"]


def test_an_export_of_words_is_the_template(
    ask: Ask, keep: Callable[..., str], tmp_path: Path, tiny: Clip
) -> None:
    """A context that is a template's words gives the text features of zero-shot with that template."""
    words = tiny.token_table[list(tiny.tokens("a photo of the digit"))].clone()
    context = keep(words, {"n_ctx": 5})
    plain = keep(None, {"method": "zero_shot"})
    assert ask(ExportRequest(cell=context, out=tmp_path / "a"))[1] == []
    answer, faults = ask(ExportRequest(cell=plain, out=tmp_path / "b"))
    assert (faults, answer["files"]) == ([], ["text_features.safetensors", "prompt.json"])
    one, two = (load_file(tmp_path / each / "text_features.safetensors")["text_features"] for each in "ab")
    torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-5)
    about = json.loads((tmp_path / "b" / "prompt.json").read_text())
    assert (about["template"], about["context"]) == ("a photo of the digit {}.", None)


def test_class_specific_contexts_are_exported(ask: Ask, keep: Callable[..., str], tmp_path: Path) -> None:
    """One context a class, each in its own prompt."""
    context = torch.stack([CONTEXT, -CONTEXT])
    cell = keep(context, {"n_ctx": 4, "context": "class_specific", "class_token_position": "front"})
    assert ask(ExportRequest(cell=cell, out=tmp_path / "out"))[1] == []
    assert load_file(tmp_path / "out" / "context.safetensors")["context"].shape == (2, 4, 64)


def test_an_export_never_mixes_with_another(ask: Ask, keep: Callable[..., str], tmp_path: Path) -> None:
    """The same cell may be exported again; another cell's folder is left as it is."""
    first, second, out = keep(), keep(axes={"n_ctx": 4, "seed": 2}), tmp_path / "out"
    assert ask(ExportRequest(cell=first, out=out))[1] == []
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert ask(ExportRequest(cell=first, out=out))[1] == []
    _, (said,) = ask(ExportRequest(cell=second, out=out))
    assert said.startswith(
        f"{out}: holds prompt.json, text_features.safetensors, context.safetensors of something"
    )
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_export_that_cannot_be_written_is_said(ask: Ask, keep: Callable[..., str], tmp_path: Path) -> None:
    """A file in place of the folder."""
    (tmp_path / "out").write_text("")
    _, (said,) = ask(ExportRequest(cell=keep(), out=tmp_path / "out"))
    assert said.endswith("Name another --out.")


def test_an_export_can_be_imported(ask: Ask, keep: Callable[..., str], tmp_path: Path) -> None:
    """The same numbers, the facts that were known, and where they come from; once imported, never overwritten."""
    identifier = keep(axes={"n_ctx": 4, "class_token_position": "middle"})
    ask(ExportRequest(cell=identifier, out=tmp_path / "out"))
    file = tmp_path / "out" / "context.safetensors"
    _, (said,) = ask(ImportRequest(file=file, name="mine", class_token_position="end"))
    assert "was learned with the class name at middle, not end. Leave --class-token-position away." in said
    answer, faults = ask(ImportRequest(file=file, name="mine", class_token_position=None))
    assert (faults, answer["shape"]) == ([], [4, 64])
    content = prompt_path(tmp_path, "mine").read_bytes()
    facts = prompt_facts(content, "mine")
    assert (facts.class_token_position, facts.cell_id, facts.n_classes) == ("middle", identifier, 2)
    assert (facts.source, facts.source_sha256) == ("context.safetensors", digest_file(file))
    assert torch.equal(load_file(prompt_path(tmp_path, "mine"))["context"], CONTEXT)
    _, (said,) = ask(ImportRequest(file=file, name="mine", class_token_position=None))
    assert "is there already; what was imported is never overwritten." in said
    assert prompt_path(tmp_path, "mine").read_bytes() == content


def test_a_released_file_is_imported(ask: Ask, tmp_path: Path) -> None:
    """Epoch, position and digest of the file are kept; fp16 becomes fp32."""
    file = tmp_path / "model.pth.tar-50"
    state = {"ctx": CONTEXT.half(), "token_prefix": torch.zeros(7, 1, 64)}
    torch.save({"state_dict": state, "epoch": 50}, file)
    answer, faults = ask(ImportRequest(file=file, name="theirs", class_token_position="front"))
    assert faults == []
    wanted = {"class_token_position": "front", "epoch": 50, "n_classes": 7, "source": file.name}
    assert answer["facts"] == {**wanted, "class_names": [], "source_sha256": digest_file(file)}
    assert torch.equal(load_file(prompt_path(tmp_path, "theirs"))["context"], CONTEXT.half().float())


@pytest.mark.parametrize(
    ("name", "write", "what"),
    [
        ("a.safetensors", lambda file: file.write_bytes(b"junk"), "is not a whole safetensors file: "),
        ("a.safetensors", lambda file: save_file({"ctx": CONTEXT}, file), "should hold one tensor, `context`"),
        ("model.pth.tar-1", lambda file: torch.save({"a": print}, file), "names builtins.print; nothing of it"),
        ("model.pth.tar-1", lambda file: file.mkdir(), "cannot be read: "),
    ],
)
def test_what_cannot_be_imported_leaves_nothing(
    ask: Ask, tmp_path: Path, name: str, write: Callable[[Path], object], what: str
) -> None:
    """The file is named with the reason, and nothing lies under the name."""
    write(tmp_path / name)
    _, (said,) = ask(ImportRequest(file=tmp_path / name, name="mine", class_token_position=None))
    assert said.startswith(f"{tmp_path / name}: ")
    assert what in said
    assert not prompt_path(tmp_path, "mine").exists()


@pytest.mark.parametrize(
    ("name", "is_quick", "model_name", "pretrained"),
    [
        ("ViT-B-16:openai", True, "ViT-B-16", "openai"),
        ("ViT-B-16-quickgelu:openai", True, "ViT-B-16-quickgelu", "openai"),
        ("ViT-B-16:./w.pt", False, "ViT-B-16", "{folder}/w.pt"),
    ],
)
def test_open_clip_is_told_what_the_weights_need(
    tiny: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, is_quick: bool, model_name: str, pretrained: str,
) -> None:  # fmt: skip
    """Tag or whole path, and QuickGELU as the weights were trained, whatever the name says."""
    (tmp_path / "w.pt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Clip, "is_quick_gelu", is_quick)
    told = _open_clip(tiny, backbone_spec(name))
    assert told["model_name"] == model_name
    assert told["pretrained"] == pretrained.format(folder=tmp_path)
    assert (told["force_quick_gelu"], told["image_mean"]) == (is_quick, list(tiny.mean))
