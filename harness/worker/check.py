"""A check job: everything that would fail every cell alike, found before any training."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.backbone.clip import Clip
from harness.backbone.load import load_clip
from harness.backbone.spec import backbone_spec
from harness.data.catalog import DatasetRow
from harness.data.dataset import image_base, read_split
from harness.data.draw import draw_subset, kept_classes
from harness.data.images import missing_images
from harness.data.split import Split
from harness.errors import DataError, Fault, HarnessError
from harness.files import write_text
from harness.matrix.cell import Cell
from harness.matrix.protocol import draw_rule
from harness.plan.job import FAULTS_FILE, Job
from harness.worker.device import open_device
from harness.worker.known import Known, known_to


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
        known = known_to(job)
        device = open_device(job.device)
    except HarnessError as error:
        return list(error.faults)
    clips: dict[tuple[str, str], Clip] = {}
    for backbone, precision in dict.fromkeys((cell.backbone, cell.precision) for cell in cells):
        try:
            spec = backbone_spec(backbone, job.weights)
            clips[backbone, precision] = load_clip(spec, precision, device, job.trust_weights)
        except HarnessError as error:
            faults += error.faults
    splits: dict[str, Split] = {}
    for name in dict.fromkeys(name for cell in cells for name in (cell.dataset, cell.target()[0])):
        try:
            splits[name] = read_split(known.catalog[name], job.data)
        except HarnessError as error:
            faults += error.faults
    # Prompts do not depend on these axes, and a large matrix has a thousand class names a cell.
    for cell in dict.fromkeys(replace(cell, shots=0, seed=None, recipe=None) for cell in cells):
        clip, target = clips.get((cell.backbone, cell.precision)), cell.target()
        if clip is not None and cell.dataset in splits and target[0] in splits:
            faults += _cell_faults(cell, clip, splits[cell.dataset], splits[target[0]], known)
    for name, split in splits.items():
        faults += _image_faults(known.catalog[name], split, cells, job, known)
    return faults


def _cell_faults(cell: Cell, clip: Clip, source: Split, target: Split, known: Known) -> list[Fault]:
    """Prompts that do not fit the text tower, and targets that what is learned cannot be used for."""
    place = f"{cell.dataset}, {cell.method}" + (f" on {cell.evaluate_on}" if cell.evaluate_on else "")
    try:
        method = known.method(cell.method)
        learned = _names(source, cell.classes, cell.dataset)
        names = _names(target, cell.target()[1], cell.target()[0])
        if cell.evaluate_on is not None:
            method.check_transfer(cell, learned, names)
        method.check(cell, clip, names)
    except HarnessError as error:
        return [
            Fault(f"{place}: {fault.where}".removesuffix(": "), fault.what, fault.mend) for fault in error.faults
        ]
    return []


def _names(split: Split, classes: str, dataset: str) -> tuple[str, ...]:
    return tuple(split.class_names[label] for label in kept_classes(split, classes, dataset))


def _image_faults(row: DatasetRow, split: Split, cells: Sequence[Cell], job: Job, known: Known) -> list[Fault]:
    """Draws that a class is too small for, lists that do not go with the split, and images that are not there."""
    faults: list[Fault] = []
    is_target = any(cell.target()[0] == row.name for cell in cells)
    paths = {item.path: None for item in split.test} if is_target else {}
    of_dataset = [cell for cell in cells if cell.dataset == row.name]
    reading = [cell for cell in of_dataset if known.reads_shots(cell)]
    for shots, seed, rule in dict.fromkeys((cell.shots, cell.seed or 0, draw_rule(cell)) for cell in reading):
        try:
            subset = draw_subset(split, row, shots, seed, rule)
        except DataError as error:
            faults += error.faults
            continue
        if subset.fewer_shots and not job.fewer_shots:
            names = ", ".join(subset.fewer_shots[:5])
            what = f"{len(subset.fewer_shots)} classes hold fewer than {shots} training images: {names}."
            faults.append(Fault(row.name, what, "Write `fewer_shots: allow` to take them whole."))
        paths |= {item.path: None for item in (*subset.train_items(split), *subset.val_items(split))}
        needing = {
            cell.method: None for cell in reading if cell.shots == shots and known.methods[cell.method].needs_val
        }
        if needing and not subset.val:
            what = f"has no validation images left at {shots} shots; {', '.join(needing)} needs them."
            faults.append(Fault(row.name, what))
    if row.layout.folder is not None:
        base = image_base(row, job.data)
        absent = missing_images(base, paths)
        if absent:
            what = f"{len(absent)} of {len(paths)} images are missing below {base}, {absent[0]} first."
            mend = f"`harness data check {row.name}` looks at all of them."
            faults.append(Fault(row.name, what, mend))
    return faults
