"""Whatever stands in a file: its reader gives a value, or says what is wrong with it.

Every run reads the same few files a reader; ``nox -s fuzz -- EXAMPLES`` reads as many as it is told, others every
time.
"""

from __future__ import annotations

import io
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from scipy.io import savemat
from support.strange_content import damaged, reshaped, reshaped_yaml

from harness.backbone.checkpoint import read_checkpoint
from harness.backbone.released import read_released
from harness.cli.vocabulary import known_names
from harness.data.class_folders import read_class_names
from harness.data.rebuild.rebuild import REBUILDABLE, rebuild_split
from harness.data.split import Item, Split
from harness.data.split_files import read_split_json, read_text_lists, split_json
from harness.data.subset_file import listed_subset
from harness.dispatch.launches import read_launches
from harness.errors import DataError, HarnessError
from harness.files import parsed_json
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id, display_names
from harness.matrix.launching import launching_faults, read_launching
from harness.matrix.matrix import read_matrix
from harness.matrix.select import select
from harness.methods.prompt import context_of
from harness.plan.attempt import read_attempt
from harness.plan.job import Job, flat_cells, read_job, write_job
from harness.store.claims import Claims
from harness.store.frame import to_frame
from harness.store.logits import KeptLogits, logits_file, packed, read_logits
from harness.store.manifest import read_manifests, write_manifest
from harness.store.prompts import PromptFacts
from harness.store.record import ClassCount, EpochRow, Provenance, RunRecord, Spent
from harness.store.records import quarantine, read_records, record_text
from harness.store.survey import survey_records
from harness.tracking.ledger import Ledger, results_identity

N_EXAMPLES = int(os.environ.get("HARNESS_FUZZ_EXAMPLES") or 10)
MOST_S = 60  # for one file

NAMES = known_names()
SMOKE = Path(__file__).parents[2] / "experiments" / "smoke.yaml"
CELL = Cell(
    dataset="digits", backbone="tiny", method="coop", protocol="coop", recipe=(("epochs", 50), ("lr", 0.002)),
    shots=1, seed=1, views="live", context="unified", n_ctx=16, class_token_position="end",
)  # fmt: skip
MATRIX: dict[str, Any] = {
    "name": "mine",
    "description": "all keys",
    "datasets": ["digits", {"name": "own", "folder": "images", "class_names": "names.txt", "template": "a {}."}],
    "backbones": ["tiny", "RN50:weights.pt", {"name": "b", "architecture": "ViT-B-32", "file": "~/b.safetensors"}],
    "methods": ["zero_shot", {"method": "coop", "n_ctx": [4, 16], "ctx_init": None, "recipe": {"lr": 0.1}}],
    "shots": [1, "all"],
    "seeds": [1, 2],
    "classes": ["all", "base"],
    "evaluate_on": "new",
    "precision": ["fp32", "amp"],
    "views": ["live", 0],
    "recipe": {"epochs": 3},
    "fewer_shots": "allow",
    "tracking": {"wandb": {"project": "p", "entity": "e"}},
    "logits": "never",
    "launcher": {"kind": "slurm", "time": "1d12h", "memory": "32G", "gpus": 1, "sbatch": {"exclude": "n1"}},
    "data": "data",
    "include": [{"shots": 2, "method": "zero_shot", "template": ["own", "a {}."]}],
    "exclude": [{"method": "coop", "classes": "base"}],
}
PLUGGED = {"plugins": ["mine.py"], "datasets": "digits", "backbones": "tiny", "methods": "zero_shot"}
MATRICES = [MATRIX, PLUGGED, yaml.safe_load(SMOKE.read_text())]
LAUNCHERS: list[Any] = [
    "local",
    {"kind": "local", "workers": 2, "workers_per_gpu": 3},
    {"kind": "ray", "address": "auto", "gpus": 0.5, "cpus": 4, "memory": "500M", "max_concurrent": 2},
    {
        "kind": "slurm",
        "time": "1-12:00:00",
        "memory": 32,
        "setup": ["module load x"],
        "sbatch": {"mail-type": "END"},
    },
]
SPLIT = Split(
    tuple(Item(f"{name}/{number}.jpg", label, name) for label, name in enumerate("ab") for number in range(3)),
    (Item("a/3.jpg", 0, "a"), Item("b/3.jpg", 1, "b")),
    (Item("a/4.jpg", 0, "a"), Item("b/4.jpg", 1, "b")),
)
RECORD = RunRecord(
    cell_id=cell_id(CELL),
    cell=CELL.to_dict(),
    status="done",
    n_correct=2,
    n_test=3,
    details={"C": 1.0},
    fewer_shots=("a",),
    timings={"fit": 1.5},
    spent=Spent(job="j", processor="p", threads=1, elapsed_s=1.0, start_s=0.0),
    provenance=Provenance(
        harness_version="0", git_commit=None, git_dirty=None, packages={"torch": "2"}, python="3", platform="p",
        device="cpu", precision="fp32", weights_digest="0", split_digest="0", subset_digest=None,
        images_digest=None, seeds={"draw": 1},
    ),
    created_at="2031-01-02T03:04:05Z",
    per_class=(ClassCount(name="a", n_test=3, n_correct=2, n_predicted=2),),
    history=(EpochRow(epoch=1, lr=0.1, loss=2.0, train_accuracy=0.5),),
)  # fmt: skip
OWNER = {"host": "h", "kernel": "k", "process": 1, "started": 2, "lease_s": 1.0, "beat": "000000000001"}
LAUNCH = {
    "schema_version": 1, "engine": "slurm", "token": "t", "user": 0, "host": "h", "process": 1, "created_s": 1.0,
    "jobs": [{"folder": "f", "cells": ["0"], "id": "7"}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads files of one kind.

    Attributes:
        read: given an empty folder, and what the file holds; puts it there, reads it and uses what comes out.
        contents: what the file can hold.
    """

    read: Callable[[Path, bytes], object]
    contents: st.SearchStrategy[bytes]


def _as_json(*wholes: Any) -> st.SearchStrategy[bytes]:
    texts = [json.dumps(whole).encode() for whole in wholes]
    return reshaped(wholes).map(str.encode) | damaged(texts)


def _as_lines(*wholes: Any) -> st.SearchStrategy[bytes]:
    line = reshaped(wholes).map(lambda text: text.encode().replace(b"\n", b" "))
    return st.lists(line | damaged([json.dumps(whole).encode() for whole in wholes]), max_size=3).map(b"\n".join)


# --- readers ---------------------------------------------------------------------------------------------------


def _matrix(folder: Path, content: bytes) -> None:
    """What was read can be named, written down and read again."""
    path = folder / "m.yaml"
    path.write_bytes(content)
    matrix = read_matrix(path, NAMES)
    assert len(set(display_names(matrix.cells).values())) == len(matrix.cells)
    write_manifest(folder, matrix)
    assert [manifest.cells for manifest in read_manifests(folder)] == [matrix.cells]
    job = Job(
        kind="run", matrix=matrix.name, cells=flat_cells(matrix.cells), results=folder, data=None, device="cpu",
        sources=matrix.sources, weights=matrix.weights, tracking=matrix.tracking,
    )  # fmt: skip
    assert read_job(write_job(job, 0) / "job.json") == job


def _selection(folder: Path, content: bytes) -> None:
    assert select(read_matrix(SMOKE, NAMES).cells, content.decode(errors="surrogateescape"))


def _launcher(folder: Path, content: bytes) -> None:
    try:
        section = parsed_json(content)
    except ValueError:
        return  # what cannot be parsed is the YAML reader's
    if not launching_faults(section, "launcher"):
        read_launching(section).model_dump_json()


def _record(folder: Path, content: bytes) -> None:
    """A survey finds what reading finds, and what is broken can be put away."""
    (folder / "records").mkdir()
    (folder / "records" / f"{RECORD.cell_id}.json").write_bytes(content)
    scan, survey = read_records(folder), survey_records(folder)
    assert len(scan.records) + len(scan.broken) + len(scan.other_schemas) == 1
    assert (scan.facts, scan.broken, scan.other_schemas) == (survey.facts, survey.broken, survey.other_schemas)
    assert all(why.encode() for why in scan.broken.values())
    assert len(quarantine(folder, scan)) == len(scan.broken)
    assert len(to_frame(scan.records.values())) == len(scan.records)


def _manifest(folder: Path, content: bytes) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "cells.json").write_bytes(content)
    (manifest,) = read_manifests(folder)
    assert (folder / manifest.name).name
    assert len({cell_id(cell) for cell in manifest.cells}) == len(set(manifest.cells))


def _job(folder: Path, content: bytes) -> None:
    (folder / "job.json").write_bytes(content)
    job = read_job(folder / "job.json")
    assert len({cell_id(cell) for cell in job.cell_values()}) <= len(job.cells)


def _launch(folder: Path, content: bytes) -> None:
    (folder / "mine" / "launches").mkdir(parents=True)
    (folder / "mine" / "launches" / "a.json").write_bytes(content)
    read_launches(folder, "mine")


def _ledger(folder: Path, content: bytes) -> None:
    """Whole lines after the strange ones are known, and a folder always has an identity."""
    (folder / "tracking").mkdir()
    (folder / "tracking" / "sent.jsonl").write_bytes(content + b"\n")
    (folder / "tracking" / "identity").write_bytes(content)
    ledger = Ledger(folder, "here")
    ledger.add("a", "1")
    assert ledger.has("a", "1")
    assert results_identity(folder) == results_identity(folder) != ""


def _claim(folder: Path, content: bytes) -> None:
    """Somebody holds the cell until the lease is over, whatever there is to be read of them."""
    for place in ("cells/c/1", "owners/o"):
        (folder / "claims" / place).parent.mkdir(parents=True)
    (folder / "claims" / "cells" / "c" / "1").write_text("o")
    (folder / "claims" / "owners" / "o").write_bytes(content)
    now = [0.0]
    claims = Claims(folder, lambda: now[0])
    assert str(claims.holder("c")).encode()
    now[0] = float("inf")
    assert claims.holder("c") is None


def _attempt(folder: Path, content: bytes) -> None:
    (folder / "status.json").write_bytes(content)
    read_attempt(folder)


def _split(folder: Path, content: bytes) -> None:
    """A split that was read is the same when it is written and read."""
    (folder / "split.json").write_bytes(content)
    split = read_split_json(folder / "split.json")
    (folder / "split.json").write_bytes(split_json(split))
    assert read_split_json(folder / "split.json").digest == split.digest


_LISTS = {part: f"{part}.txt" for part in ("train", "val", "test")}


def _lists(name: str, folder: Path, content: bytes) -> None:
    whole = {"names.txt": "707-320\nF-16A/B\n"} | {file: f"{part}1 707-320\n" for part, file in _LISTS.items()}
    for file, text in whole.items():
        (folder / file).write_bytes(content if file == name else text.encode())
    assert read_text_lists(folder, "names.txt", _LISTS).digest


def _subset(folder: Path, content: bytes) -> None:
    (folder / "list").write_bytes(content)
    subset = listed_subset(SPLIT, folder / "list", 2, 1)
    assert set(subset.train_items(SPLIT)) <= set(SPLIT.train)


def _class_names(folder: Path, content: bytes) -> None:
    (folder / "names").write_bytes(content)
    assert all(folder and name for folder, name in read_class_names(folder / "names").items())


def _rebuilt(name: str, file: str, folder: Path, content: bytes) -> None:
    """No annotations but the published ones make a split."""
    for path in (folder / each for each in REBUILDABLE[name]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if path == folder / file else ANNOTATIONS.get(path.name, b"a_1 1 1 1\n"))
    with pytest.raises(DataError) as caught:
        rebuild_split(name, folder)
    raise caught.value


def _released(folder: Path, content: bytes) -> None:
    (folder / "model.pth.tar-1").write_bytes(content)
    assert read_released(folder / "model.pth.tar-1").context.numel()


def _checkpoint(suffix: str, folder: Path, content: bytes) -> None:
    file = folder / f"weights{suffix}"
    file.write_bytes(content)
    assert read_checkpoint(file, "b", (), trust=False).state


def _context(folder: Path, content: bytes) -> None:
    assert context_of(content, "prompt p").context.numel()


def _logits(folder: Path, content: bytes) -> None:
    (folder / "records").mkdir()
    said = replace_logits(content)
    (folder / "records" / said.logits.file).write_bytes(content)  # type: ignore[union-attr]
    assert read_logits(folder, said) is not None


def replace_logits(content: bytes) -> RunRecord:
    """The record, made to vouch for a file of that content."""
    said = logits_file(RECORD.cell_id, KEPT, content)
    return RECORD.model_copy(update={"logits": said})


# --- whole files -----------------------------------------------------------------------------------------------

KEPT = KeptLogits(np.array([[0.0], [0.0], [0.0]], dtype=np.float16), np.zeros(3, dtype=np.uint8))


def _saved(content: Any, *, legacy: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def _mat(variable: str, value: Any, *, compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {variable: value}, do_compression=compressed)
    return buffer.getvalue()


LEARNED = {
    "state_dict": {"ctx": torch.ones(2, 3), "token_prefix": torch.ones(2, 1, 3)},
    "epoch": 50,
    "optimizer": None,
}
WEIGHTS = {"state_dict": {"module.a": torch.ones(2), "module.logit_scale": torch.ones(1)}}
CARS = np.array([[(np.uint8(1), "1.jpg"), (np.uint16(2), "2.jpg")]], dtype=[("class", "O"), ("fname", "O")])
NAMES_OF_CARS = np.array([["Audi TTS 2012", "Ram C/V 2012"]], dtype=object)
ANNOTATIONS = {
    "cars_train_annos.mat": _mat("annotations", CARS),
    "cars_test_annos_withlabels.mat": _mat("annotations", CARS),
    "cars_meta.mat": _mat("class_names", NAMES_OF_CARS),
    "imagelabels.mat": _mat("labels", np.array([[1, 2]], dtype=np.uint8)),
    "cat_to_name.json": b'{"1": "pink primrose", "2": "hard-leaved pocket orchid"}',
    "ClassName.txt": b"/a/abbey\n/b/bar/indoor\n",
    "Training_01.txt": b"/a/abbey/1.jpg\n/b/bar/indoor/2.jpg\n",
    "Testing_01.txt": b"/a/abbey/3.jpg\n",
    "classInd.txt": b"1 ApplyEyeMakeup\n2 Archery\n",
    "trainlist01.txt": b"ApplyEyeMakeup/v_1.avi 1\nArchery/v_2.avi 2\n",
    "testlist01.txt": b"Archery/v_3.avi\n",
    "trainval.txt": b"Abyssinian_100 1 1 1\nbeagle_1 2 2 1\n",
}
EXPRESSIONS = [b"shots=1|2,seed!=3", b"method=coop , context=null", b"template=a photo of the digit {}.,shots=16"]
LISTED = [
    {"train": ["a/0.jpg", ["b/1.jpg", 1], {"impath": "x/b/2.jpg"}], "val": {"data": ["a/3.jpg"]}},
    ["a/0.jpg"],
]
CELLS = {"schema_version": 1, "name": "mine", "cells": [CELL.to_dict()], "tracking": {"tracker": "wandb"}}
CELLS |= {
    "sources": [{"name": "o", "folder": "/i"}],
    "weights": [{"name": "b", "architecture": "a", "file": "/f"}],
}
JOB = Job(kind="run", matrix="m", cells=flat_cells([CELL]), results=Path("/r"), data=Path("/d"), device="cpu")
FACTS = PromptFacts(class_token_position="end", ctx_init="a photo", epoch=3, class_names=("a", "b"))

READERS = {
    "matrix": Reader(
        _matrix,
        reshaped_yaml(MATRICES).map(str.encode) | damaged([SMOKE.read_bytes(), yaml.safe_dump(MATRIX).encode()]),
    ),
    "selection": Reader(_selection, damaged(EXPRESSIONS)),
    "launcher": Reader(_launcher, reshaped(LAUNCHERS).map(str.encode)),
    "record": Reader(
        _record,
        _as_json(json.loads(record_text(RECORD)), RECORD.model_dump(mode="json"))
        | damaged([record_text(RECORD).encode()]),
    ),
    "manifest": Reader(_manifest, _as_json(CELLS)),
    "job": Reader(_job, _as_json(json.loads(JOB.model_dump_json()))),
    "launch": Reader(_launch, _as_json(LAUNCH)),
    "ledger": Reader(_ledger, _as_lines({"to": "here", "run": "a", "digest": "1"})),
    "claim": Reader(_claim, _as_json(OWNER)),
    "attempt": Reader(_attempt, _as_json({"attempt": 1, "process": 2, "status": None})),
    "split": Reader(_split, _as_json(json.loads(split_json(SPLIT)))),
    "names of lists": Reader(partial(_lists, "names.txt"), damaged([b"707-320\nF-16A/B\n"])),
    "lists": Reader(partial(_lists, "val.txt"), damaged([b"1025794 707-320\n1340192 F-16A/B\n"])),
    "subset": Reader(_subset, _as_json(*LISTED) | damaged([b"a/0.jpg\ta\nb/1.jpg 1 2\n./a/1.jpg\n"])),
    "class names": Reader(_class_names, damaged([b"n01 tench\nn02\tgreat white shark\n"])),
    "names of flowers": Reader(
        partial(_rebuilt, "oxford_flowers", "cat_to_name.json"), _as_json({"1": "pink primrose", "2": "b"})
    ),
    "released context": Reader(_released, damaged([_saved(LEARNED, legacy=legacy) for legacy in (False, True)])),
    "pickled weights": Reader(
        partial(_checkpoint, ".pt"), damaged([_saved(WEIGHTS, legacy=legacy) for legacy in (False, True)])
    ),
    "weights": Reader(partial(_checkpoint, ".safetensors"), damaged([save({"a": torch.ones(2)})])),
    "context": Reader(_context, damaged([save({"context": torch.ones(2, 3)}, metadata=FACTS.header())])),
    "logits": Reader(_logits, damaged([packed(KEPT)])),
    **{
        f"{name}: {file}": Reader(partial(_rebuilt, name, file), damaged([ANNOTATIONS[Path(file).name]]))
        for name, files in REBUILDABLE.items()
        for file in files
        if Path(file).name in ANNOTATIONS
    },
}


@contextmanager
def _in_time() -> Iterator[None]:
    """Fail instead of waiting for ever."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"reading takes more than {MOST_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(MOST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=N_EXAMPLES)
@given(data=st.data())
def test_a_file_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Nothing else is raised, nothing takes for ever, and what is said of the file can be printed."""
    reader = READERS[name]
    content = data.draw(reader.contents)
    said = "nothing"
    with tempfile.TemporaryDirectory() as folder, _in_time():
        try:
            reader.read(Path(folder), content)
        except HarnessError as error:
            said = str(error)
    assert said.encode()
