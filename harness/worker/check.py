"""A check job: everything that would fail every cell alike, found before any training."""

import json
from dataclasses import replace
from pathlib import Path

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.spec import backbone_spec
from harness.data.catalog import DATASETS, Bundled, DatasetRow, image_base, read_split
from harness.data.few_shot import few_shot_subset
from harness.data.images import missing_images
from harness.data.split import Split
from harness.errors import Fault, HarnessError
from harness.files import write_text
from harness.matrix.cell import Cell
from harness.methods.table import METHODS, load_method
from harness.plan.job import FAULTS_FILE, Job
from harness.worker.device import open_device


def check(job: Job, folder: Path) -> None:
    """Write all faults that were found to ``faults.json`` in the job's folder; an empty list when all is well."""
    faults = list(dict.fromkeys(_faults(job)))
    content = [{"where": fault.where, "what": fault.what, "mend": fault.mend} for fault in faults]
    write_text(folder / FAULTS_FILE, json.dumps(content, indent=1) + "\n")


def _faults(job: Job) -> list[Fault]:
    """Faults of backbones, then of data sets, then of the cells for which both are usable."""
    faults: list[Fault] = []
    cells = job.cell_values()
    try:
        device = open_device(job.device)
    except HarnessError as error:
        return list(error.faults)
    clips: dict[tuple[str, str], Clip] = {}
    for backbone, precision in dict.fromkeys((cell.backbone, cell.precision) for cell in cells):
        try:
            spec = backbone_spec(backbone)
            clips[backbone, precision] = load_clip(spec, precision, device, job.trust_weights)
        except HarnessError as error:
            faults += error.faults
    splits: dict[str, Split] = {}
    for name in dict.fromkeys(cell.dataset for cell in cells):
        try:
            splits[name] = read_split(DATASETS[name], job.data)
        except HarnessError as error:
            faults += error.faults
    # Prompts do not depend on these axes, and a large matrix has a thousand class names a cell.
    for cell in dict.fromkeys(replace(cell, shots=0, seed=None, recipe=None) for cell in cells):
        clip, split = clips.get((cell.backbone, cell.precision)), splits.get(cell.dataset)
        if clip is not None and split is not None:
            faults += _prompt_faults(cell, clip, split)
    for name, split in splits.items():
        of_dataset = [cell for cell in cells if cell.dataset == name]
        faults += _image_faults(DATASETS[name], split, of_dataset, job)
    return faults


def _prompt_faults(cell: Cell, clip: Clip, split: Split) -> list[Fault]:
    try:
        load_method(cell.method).check(cell, clip, split.class_names)
    except HarnessError as error:
        return [
            Fault(f"{cell.dataset}, {cell.method}: {fault.where}", fault.what, fault.mend)
            for fault in error.faults
        ]
    return []


def _image_faults(row: DatasetRow, split: Split, cells: list[Cell], job: Job) -> list[Fault]:
    """Draws that a class is too small for, and images of draws and test part that are not there."""
    faults: list[Fault] = []
    paths = {item.path: None for item in split.test}
    reading = [cell for cell in cells if "shots" in METHODS[cell.method].entry.reads]
    for shots, seed in dict.fromkeys((cell.shots, cell.seed or 0) for cell in reading):
        subset = few_shot_subset(split, shots, seed)
        if subset.fewer_shots and not job.fewer_shots:
            names = ", ".join(subset.fewer_shots[:5])
            what = f"{len(subset.fewer_shots)} classes hold fewer than {shots} training images: {names}."
            faults.append(Fault(row.name, what, "Write `fewer_shots: allow` to take them whole."))
        paths |= {item.path: None for item in (*subset.train_items(split), *subset.val_items(split))}
        needs_val = any(cell.method == "linear_probe" and cell.shots == shots for cell in reading)
        if needs_val and not subset.val:
            faults.append(
                Fault(row.name, f"has no validation images left at {shots} shots; linear_probe needs them.")
            )
    if not isinstance(row.layout, Bundled):
        base = image_base(row, job.data)
        absent = missing_images(base, paths)
        if absent:
            what = f"{len(absent)} of {len(paths)} images are missing below {base}, {absent[0]} first."
            faults.append(Fault(row.name, what))
    return faults
