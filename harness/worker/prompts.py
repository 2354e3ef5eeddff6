"""A prompts job: nearest words, an export or an import; what comes of it is its answer."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.released import read_released
from harness.backbone.spec import backbone_spec
from harness.backbone.weights import weights_digest
from harness.backbone.words import nearest_words
from harness.errors import BackboneError, Fault, HarnessError, PromptError, RecordError
from harness.files import digest_bytes, write_bytes, write_text
from harness.matrix.cell import Cell
from harness.methods.prompt import ImportedContext, context_of
from harness.plan.job import ANSWER_FILE, FAULTS_FILE, Job
from harness.plan.request import ExportRequest, ImportRequest, WordsRequest
from harness.store.prompts import PromptFacts, prompt_path
from harness.store.record import RunRecord
from harness.store.records import read_context, read_records
from harness.store.words import spelled_words
from harness.worker.device import open_device
from harness.worker.export import export


def prompts(job: Job, folder: Path) -> None:
    """Write the answer into the job's folder, and with it the faults; an empty list when all is well."""
    faults: list[Fault] = []
    answer: dict[str, Any] = {}
    try:
        answer = _answer(job)
    except HarnessError as error:
        faults += error.faults
    write_text(folder / ANSWER_FILE, json.dumps(answer, indent=1) + "\n")
    content = [{"where": fault.where, "what": fault.what, "mend": fault.mend} for fault in faults]
    write_text(folder / FAULTS_FILE, json.dumps(content, indent=1) + "\n")


def _answer(job: Job) -> dict[str, Any]:
    if isinstance(job.request, WordsRequest):
        return _words(job, job.request)
    if isinstance(job.request, ExportRequest):
        record = _record(job, job.request.cell)
        return export(job, record, _clip(job, record), _context(job, record), job.request.out)
    if isinstance(job.request, ImportRequest):
        return _import(job, job.request)
    raise RecordError(Fault("", "a job of kind prompts needs a request."))


def _words(job: Job, request: WordsRequest) -> dict[str, Any]:
    """The words of all vectors, in the form in which five of them lie beside a record."""
    record = _record(job, request.cell)
    context = _context(job, record)
    if context is None:
        raise RecordError(Fault(record.cell_id, "learned no context."))
    found = nearest_words(context.float(), _clip(job, record), request.top)
    return spelled_words(context.shape[:-1], found)


def _import(job: Job, request: ImportRequest) -> dict[str, Any]:
    """Write the context under its name; what was found in the file.

    Raises:
        PromptError: the file holds no context that can be used, or there is one of that name.
    """
    target = prompt_path(job.results, request.name)
    if target.exists():
        what = "is there already; what was imported is never overwritten."
        raise PromptError(Fault(str(target), what, "Take another --name, or remove it yourself."))
    found = _read(request.file)
    position = found.facts.class_token_position
    if request.class_token_position not in (None, position) and position is not None:
        what = f"was learned with the class name at {position}, not {request.class_token_position}."
        raise PromptError(Fault(str(request.file), what, "Leave --class-token-position away."))
    known = {"class_token_position": request.class_token_position or position or "end"}
    known |= {"source": request.file.name, "source_sha256": found.digest}
    facts = found.facts.model_copy(update=known)
    write_bytes(target, save({"context": found.context.contiguous()}, metadata=facts.header()))
    return {"shape": list(found.context.shape), "facts": facts.model_dump(exclude_none=True), "file": str(target)}


def _read(file: Path) -> ImportedContext:
    """The context in a file of the authors', or in one that an export or an import wrote."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise PromptError(Fault(str(file), f"cannot be read: {error.strerror}.")) from None
    if file.suffix == ".safetensors":
        return context_of(content, str(file))
    released = read_released(file)
    facts = PromptFacts(epoch=released.epoch, n_classes=released.n_classes)
    return ImportedContext(released.context, facts, digest_bytes(content))


def _record(job: Job, identifier: str) -> RunRecord:
    record = read_records(job.results, [identifier]).records.get(identifier)
    if record is None or record.provenance is None:
        raise RecordError(Fault(identifier, "has no whole record."))
    return record


def _context(job: Job, record: RunRecord) -> torch.Tensor | None:
    """The context that a record vouches for; ``None`` for a cell without one.

    Raises:
        RecordError: its file is missing or damaged.
    """
    if record.context is None:
        return None
    content = read_context(job.results, record)
    if content is None:
        what = f"{record.context.file} is missing, or not the file that the record vouches for."
        raise RecordError(Fault(record.cell_id, what, "Remove the record, and `harness run` learns it again."))
    context: torch.Tensor = load(content)["context"]
    return context


def _clip(job: Job, record: RunRecord) -> Clip:
    """The backbone that a record was made with.

    Raises:
        BackboneError: its weights are not on disk, or others are.
    """
    cell = Cell.from_dict(record.cell)
    spec = backbone_spec(cell.backbone)
    made_from = record.provenance
    assert made_from is not None
    today = weights_digest(spec)
    if today != made_from.weights_digest:
        then = made_from.weights_digest[:8]
        what = f"the cell {record.cell_id} was made with the weights {then}, and here are {today[:8]}."
        mend = "Bring the weights back, or run the cell again with these."
        raise BackboneError(Fault(cell.backbone, what, mend))
    # The digest says that it is the file that was vouched for when the record was made.
    return load_clip(spec, cell.precision, open_device(job.device), made_from.weights_trusted)
