"""Text features and context of a cell as files that need no harness."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch.nn.functional import normalize

from harness.backbone.clip import Clip
from harness.backbone.spec import BackboneSpec, backbone_spec
from harness.backbone.weights import weights_file
from harness.errors import Fault, PromptError
from harness.files import digest_bytes, parsed_json, write_bytes, write_text
from harness.matrix.cell import Cell
from harness.methods.method import Fit, RunInputs
from harness.methods.text_classifier import TextClassifier
from harness.plan.job import Job
from harness.shapes import Context, TextFeatures
from harness.store.prompts import PromptFacts
from harness.store.record import RunRecord
from harness.worker.known import known_to

ABOUT, TEXTS, CONTEXT = "prompt.json", "text_features.safetensors", "context.safetensors"
_USE = (
    "logits = logit_scale * image_features @ text_features.T, with normalised features of open_clip's "
    "create_model_and_transforms(**open_clip) after add_model_config(this folder); "
    "class_names names the columns. docs/prompts.md of coop-harness has a whole example."
)


def export(job: Job, record: RunRecord, clip: Clip, context: Context | None, out: Path) -> dict[str, Any]:
    """Write the files, the JSON that vouches for the others last; where they are and how large.

    Raises:
        PromptError: the folder holds another export, or the cell's classifier is no set of text features.
    """
    cell = Cell.from_dict(record.cell)
    _check_folder(out, record)
    texts = normalize(_texts(job, record, clip, context).float(), dim=-1).cpu()
    files = {TEXTS: save({"text_features": texts.contiguous()})}
    if context is not None:
        facts = _facts(record, cell)
        files[CONTEXT] = save({"context": context.contiguous()}, metadata=facts.header())
    spec = backbone_spec(cell.backbone)
    about = _about(record, cell, clip, spec, context)
    about["digests"] |= {name: digest_bytes(content) for name, content in files.items()}
    try:
        for name, content in files.items():
            write_bytes(out / name, content)
        if spec.is_shipped:  # open_clip does not know this architecture
            write_text(out / f"{spec.architecture}.json", json.dumps(dict(spec.config), indent=1) + "\n")
        write_text(out / ABOUT, json.dumps(about, indent=1) + "\n")
    except OSError as error:
        raise PromptError(
            Fault(str(out), f"cannot be written: {error.strerror}.", "Name another --out.")
        ) from None
    return {"files": [*files, ABOUT], "shape": list(texts.shape)}


def _check_folder(out: Path, record: RunRecord) -> None:
    """Raise PromptError when the folder holds what another export wrote."""
    there = [name for name in (ABOUT, TEXTS, CONTEXT) if (out / name).exists()]
    try:
        is_own = parsed_json((out / ABOUT).read_text(encoding="utf-8"))["cell_id"] == record.cell_id
    except (OSError, ValueError, KeyError, TypeError):
        is_own = False
    if there and not is_own:
        what = f"holds {', '.join(there)} of something else."
        raise PromptError(Fault(str(out), what, "Name another folder with --out."))


def _texts(job: Job, record: RunRecord, clip: Clip, context: Context | None) -> TextFeatures:
    """The features of the record's classes, by its method: of the context where there is one."""
    cell = Cell.from_dict(record.cell)
    names = tuple(row.name for row in record.per_class)
    inputs, method = RunInputs(cell, clip, names), known_to(job).method(cell.method)
    fit: Fit | Exception | None
    if context is not None:
        fit = method.restore(inputs, context)
    else:
        ((_, fit),) = method.fit([inputs])
    if isinstance(fit, Exception):
        raise fit
    predictor = None if fit is None else fit.predictor(names)
    if not isinstance(predictor, TextClassifier):
        raise PromptError(Fault(record.cell_id, f"{cell.method} does not classify by text features."))
    return predictor.text_features


def _facts(record: RunRecord, cell: Cell) -> PromptFacts:
    epochs = record.history[-1].epoch if record.history else None
    names = tuple(row.name for row in record.per_class)
    return PromptFacts(
        class_token_position=cell.class_token_position,
        ctx_init=cell.ctx_init,
        protocol=cell.protocol,
        epoch=epochs,
        n_classes=len(names),
        class_names=names,
        backbone=cell.backbone,
        weights_digest=None if record.provenance is None else record.provenance.weights_digest,
        cell_id=record.cell_id,
    )


def _about(
    record: RunRecord, cell: Cell, clip: Clip, spec: BackboneSpec, context: Context | None
) -> dict[str, Any]:
    """Everything that a user of the files needs to know."""
    provenance = record.provenance
    assert provenance is not None
    digests = {
        "weights": provenance.weights_digest,
        "split": provenance.split_digest,
        "training_images": provenance.subset_digest,
    }
    return {
        "schema_version": 1,
        "how_to_use": _USE,
        "class_names": [row.name for row in record.per_class],
        "logit_scale": clip.logit_scale,
        "open_clip": _open_clip(clip, spec),
        "image_size_px": clip.image_size_px,
        "backbone": cell.backbone,
        "precision": cell.precision,
        "method": cell.method,
        "template": cell.template,
        "context": None if context is None else _of_context(cell, context),
        "dataset": cell.dataset,
        "classes": cell.classes,
        "evaluate_on": cell.evaluate_on,
        "n_correct": record.n_correct,
        "n_test": record.n_test,
        "cell_id": record.cell_id,
        "harness_version": provenance.harness_version,
        "digests": {name: digest for name, digest in digests.items() if digest is not None},
    }


def _of_context(cell: Cell, context: Context) -> dict[str, Any]:
    return {
        "kind": "class_specific" if context.ndim == 3 else "unified",
        "n_ctx": context.shape[-2],
        "width": context.shape[-1],
        "class_token_position": cell.class_token_position,
        "ctx_init": cell.ctx_init,
        "protocol": cell.protocol,
        "shots": cell.shots,
        "seed": cell.seed,
    }


def _open_clip(clip: Clip, spec: BackboneSpec) -> dict[str, Any]:
    """The arguments with which open_clip makes this backbone; a file stands with its whole path."""
    tag = spec.name.partition(":")[2]
    return {
        "model_name": spec.architecture,
        "pretrained": tag if spec.published is not None else str(weights_file(spec).absolute()),
        "force_quick_gelu": clip.is_quick_gelu,
        "image_mean": list(clip.mean),
        "image_std": list(clip.std),
    }
