"""The record of a fit: its counts on test images, what it took, what it was made from, and the files beside it."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from safetensors.torch import save

import harness
from harness.backbone.words import nearest_words
from harness.engine.evaluate import Counts, evaluate
from harness.errors import Fault, RecordError, first_line
from harness.files import digest_bytes
from harness.host import cpu_threads
from harness.matrix.cell import Cell
from harness.matrix.identity import cell_id
from harness.methods.method import Fit
from harness.shapes import Labels, Logits
from harness.store.logits import KeptLogits, are_kept, logits_file, packed, shifted
from harness.store.provenance import platform_name, processor_name
from harness.store.record import ClassCount, ContextFile, EpochRow, LogitsFile, Provenance, RunRecord, Spent, now
from harness.store.records import record_text
from harness.store.words import words_text
from harness.worker.desk import Desk, Source
from harness.worker.device import device_name
from harness.worker.ledger import START_S, Ledger
from harness.worker.materials import Materials

_NEAREST = 5  # words kept beside a context, for each of its vectors


def evaluated(
    desk: Desk, source: Source, target: Materials, cell: Cell, fit: Fit, fit_s: float
) -> tuple[RunRecord, tuple[bytes | None, str | None, bytes | None]]:
    """The record of a fit on the test images of ``target``, and the files that it vouches for.

    Raises:
        RecordError: what the method found is nothing that a record can hold.
    """
    identifier, names = cell_id(cell), target.class_names
    trained = cell.trained()
    is_training = cell == trained
    timings = {"fit_s": fit_s}
    with _timed(timings, "test_features_s"):
        images, labels = target.test()
    with _timed(timings, "evaluate_s"), torch.no_grad():
        if not is_training:
            desk.known.method(cell.method).check_transfer(cell, source.materials.class_names, names)
        chunks = _Chunks() if are_kept(desk.job.logits, len(labels), len(names)) else None
        predictor = fit.predictor(names)
        counts = evaluate(predictor.logits, images, labels, len(names), chunks or (lambda _: None))
    timings["total_s"] = sum(timings.values())
    context, context_file = _context_file(identifier, fit) if is_training else (None, None)
    searching: dict[str, float] = {}
    with _timed(searching, "words_s"):
        words = _words(fit, source.materials) if is_training else None
    logits, logits_said = (None, None) if chunks is None else chunks.file(identifier, labels)
    record = RunRecord(
        cell_id=identifier,
        cell=cell.to_dict(),
        status="done",
        n_correct=sum(counts.n_correct),
        n_test=sum(counts.n_test),
        per_class=_per_class(names, counts),
        history=_history(fit) if is_training else (),
        context=context_file,
        logits=logits_said,
        details=dict(fit.details),
        trained_by=None if is_training or source.draw is None else cell_id(trained),
        fewer_shots=() if source.draw is None else source.draw.fewer_shots,
        timings={name: round(seconds, 4) for name, seconds in timings.items()},
        spent=_spent(desk.ledger, source, searching["words_s"]),
        provenance=_provenance(desk, source, target, cell, fit),
        created_at=now(),
    )
    _require_storable(record)
    return record, (context, words, logits)


def _require_storable(record: RunRecord) -> None:
    """Raise RecordError for what JSON cannot hold, such as a tensor among a method's details."""
    try:
        record_text(record)
    except (TypeError, ValueError) as error:
        what = f"its details or its history cannot be written as JSON: {first_line(error)}."
        raise RecordError(Fault(str(record.cell["method"]), what)) from error


def _spent(ledger: Ledger, source: Source, words_s: float) -> Spent:
    """What the cell took, up to now."""
    draw, loaded = source.draw, source.materials.began - ledger.began
    taken = ledger.take()
    return Spent(
        job=ledger.job,
        processor=processor_name(),
        threads=cpu_threads(),
        elapsed_s=round(taken.elapsed_s, 4),
        start_s=round(START_S, 2),
        load_s=round(ledger.once("load", max(0.0, loaded)), 4),
        draw_s=0.0 if draw is None else round(ledger.once(draw.stream_names, draw.seconds), 4),
        words_s=round(words_s, 4),
        image_bytes=None if draw is None else draw.image_bytes,
        peak_host_bytes=taken.peak_host_bytes,
        peak_device_bytes=taken.peak_device_bytes,
    )


def _provenance(desk: Desk, source: Source, target: Materials, cell: Cell, fit: Fit) -> Provenance:
    commit, dirty = desk.git
    materials, draw = source.materials, source.draw
    return Provenance(
        harness_version=harness.__version__,
        git_commit=commit,
        git_dirty=dirty,
        packages=desk.packages,
        python=platform.python_version(),
        platform=platform_name(),
        device=device_name(materials.clip.device),
        precision=cell.precision,
        weights_digest=materials.clip.weights_digest,
        weights_trusted=materials.clip.is_trusted,
        split_digest=materials.split.digest,
        subset_digest=None if draw is None else draw.digest,
        images_digest=None if draw is None else draw.images_digest,
        list_digest=None if draw is None else draw.list_digest,
        target_digest=None if cell.evaluate_on is None else target.split.digest,
        prompt_digest=fit.source_digest,
        plugins=desk.known.plugin_digests(cell),
        method_version=desk.known.version(cell),
        seeds={} if cell.seed is None else {"draw": cell.seed, "batches": cell.seed, "context": cell.seed},
    )


def _context_file(identifier: str, fit: Fit) -> tuple[bytes | None, ContextFile | None]:
    """The learned context as safetensors, and what the record says of it."""
    if fit.context is None:
        return None, None
    content = save({"context": fit.context.cpu().contiguous()})
    return content, ContextFile(
        file=f"{identifier}.safetensors", sha256=digest_bytes(content), shape=tuple(fit.context.shape)
    )


class _Chunks:
    """Collects what is kept of the logits of test images, chunk by chunk."""

    def __init__(self) -> None:
        self._shifted: list[np.ndarray] = []

    def __call__(self, logits: Logits) -> None:
        """Take one chunk."""
        self._shifted.append(shifted(logits.double().numpy(force=True)))

    def file(self, identifier: str, labels: Labels) -> tuple[bytes, LogitsFile]:
        """The file's content, and what the record says of it."""
        kept = KeptLogits(np.concatenate(self._shifted), labels.numpy(force=True))
        content = packed(kept)
        return content, logits_file(identifier, kept, content)


def _words(fit: Fit, materials: Materials) -> str | None:
    """The nearest words of each context vector as JSON, classes outermost; the report has no token table."""
    if fit.context is None:
        return None
    found = nearest_words(fit.context, materials.clip, _NEAREST)
    return words_text(fit.context.shape[:-1], found)


def _per_class(class_names: tuple[str, ...], counts: Counts) -> tuple[ClassCount, ...]:
    rows = zip(class_names, counts.n_test, counts.n_correct, counts.n_predicted, strict=True)
    return tuple(
        ClassCount(name=name, n_test=n_test, n_correct=n_correct, n_predicted=n_predicted)
        for name, n_test, n_correct, n_predicted in rows
    )


def _history(fit: Fit) -> tuple[EpochRow, ...]:
    return tuple(
        EpochRow(epoch=number, lr=epoch.lr, loss=epoch.loss, train_accuracy=epoch.train_accuracy)
        for number, epoch in enumerate(fit.history, start=1)
    )


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds that the block takes to ``timings``."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = timings.get(name, 0.0) + time.perf_counter() - start
