"""From a collected table of published figures to ``harness/report/published/published.csv``; run by hand.

``python tests/support/normalise_published.py COLLECTED.csv`` reads a CSV with the columns
``source``, ``backbone``,
``dataset``, ``method``, ``variant``, ``shots``, ``metric``, ``mean``, ``std``, ``seeds``, ``page_or_url`` and
``confidence``, leaves out what nobody read in a document, and says in the project's names what the free words of
``variant`` say.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

VERIFIED = ("read-directly", "secondary-source")
COLUMNS = (
    "set", "source", "backbone", "method", "context", "n_ctx", "class_token_position", "ctx_init", "template",
    "dataset", "evaluate_on", "classes", "shots", "seed", "n_seeds", "metric", "value", "sd", "sd_kind",
    "protocol", "epochs", "obstacle", "note", "where", "confidence",
)  # fmt: skip
UNKNOWN = "unknown"

# The set of a source key: the longest beginning that fits.
SETS = {
    "coop-ijcv2022-": "coop_ijcv2022",
    "coop-issue24-author": "coop_authors",
    "coop-issue8-author": "coop_authors",
    "coop-repo-COOP.md": "coop_authors",
    "coop-issue12": "coop_reports",
    "coop-issue2": "coop_reports",
    "coop-issue24-user": "coop_reports",
    "coop-issue45": "coop_reports",
    "coop-issue55": "coop_reports",
    "coop-issue88": "coop_reports",
    "cross-modal-issue23": "coop_reports",
    "dept-issue2": "coop_reports",
    "upl-issue2": "coop_reports",
    "openai-clip-issue24": "coop_reports",
    "mlpt-logs": "mlpt",
    "tip-adapter-": "tip_adapter_eccv2022",
    "tpt-": "tpt_neurips2022",
    "rmadapter-": "rmadapter_aaai2026",
    "ipo-": "ipo_neurips2024",
    "halora-": "halora_aaai2026",
    "kgcoop-": "kgcoop_cvpr2023",
    "maple-": "maple_cvpr2023",
    "promptsrc-": "promptsrc_iccv2023",
    "qcoop-notes": "qcoop_notes",
    "ape-": "ape_iccv2023",
    "ldc-plot-script": "ldc",
    "laion-clip-benchmark-csv": "clip_benchmark",
    "prompt-adapter-workbook-2023": "prompt_adapter_2023",
}
DATASETS = {
    "ImageNet": "imagenet", "Caltech101": "caltech101", "OxfordPets": "oxford_pets",
    "StanfordCars": "stanford_cars", "Flowers102": "oxford_flowers", "Food101": "food101",
    "FGVCAircraft": "fgvc_aircraft", "SUN397": "sun397", "DTD": "dtd", "EuroSAT": "eurosat", "UCF101": "ucf101",
    "Average-11": "average",
}  # fmt: skip
SHIFTS = {
    "ImageNetV2": "imagenetv2", "ImageNet-Sketch": "imagenet_sketch", "ImageNet-A": "imagenet_a",
    "ImageNet-R": "imagenet_r", "Average-10-targets": "average",
}  # fmt: skip
METHODS = {"zero-shot CLIP": "zero_shot", "linear-probe CLIP": "linear_probe"}
METRICS = {
    "accuracy_pct": "accuracy", "base_accuracy_pct": "accuracy", "new_accuracy_pct": "accuracy",
    "harmonic_mean_pct": "harmonic_mean",
}  # fmt: skip
# Whose recipe the figures of CoOp and of the probe follow, where the source says so or quotes those who do.
_RECIPE_KNOWN = (
    "coop-", "tip-adapter-", "tpt-", "rmadapter-", "ipo-", "kgcoop-", "maple-", "promptsrc-", "ldc-",
    "cross-modal-", "mlpt-",
)  # fmt: skip
# CoOp in the base-to-new and cross-dataset tables (CoCoOp, CVPR 2022, section 4): "a photo of a", four vectors.
_COCOOP_CONTEXT = {
    "context": "unified", "n_ctx": "4", "class_token_position": "end", "ctx_init": "a photo of a",
}  # fmt: skip
# Words of a variant that keep its figure from being compared with a run of the paper's protocol.
_OBSTACLES = (
    (r"pre-2021-10-09 transforms|PREVIOUS transforms|old test transform|old Dassl",
     "made with the transforms from before 9 October 2021, which did not keep the aspect ratio"),
    (r"random_flip\+random_translation", "made with other transforms: random flips and translations"),
    (r"released checkpoint", "the authors' checkpoint evaluated again, not a training"),
    (r"settings and origin not stated|origin and settings not stated", "its source does not state the settings"),
    (r"backbone inferred", "its source does not state the backbone"),
    (r"NOT the CoOp prompts or splits", "made with the templates and splits of CLIP_benchmark"),
    (r"own few-shot sample", "made with a few-shot sample of the reporter's own"),
    (r"printed H differs", "the printed harmonic mean does not follow from base and new"),
    (r"before the official notebook", "made before OpenAI published its prompts"),
)  # fmt: skip
# What the columns say already, and what was only remembered.
_TAKEN = re.compile(
    r"\b(n_ctx|position|csc|init|seed|epochs)=[^;]*|hand-crafted single prompt( per dataset)?| \(recalled:[^)]*\)"
)


def normalise(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The verified rows in the project's names, in the order in which they came."""
    return [_row(row) for row in rows if row["confidence"] in VERIFIED]


def to_csv(rows: Iterable[Mapping[str, str]]) -> str:
    """The rows as the package has them."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _row(row: Mapping[str, str]) -> dict[str, str]:
    variant = row["variant"]
    method = METHODS.get(row["method"], re.sub(r"[^a-z0-9]+", "_", row["method"].lower()).strip("_"))
    said = dict(re.findall(r"\b(n_ctx|position|csc|init|seed|epochs)=([^;]*)", variant))
    place = _place(row, variant)
    found = {
        "set": SETS[max((start for start in SETS if row["source"].startswith(start)), key=len)],
        "source": row["source"],
        "backbone": "" if row["backbone"] == "not stated" else row["backbone"].replace("/", "-"),
        "method": method,
        **(_context(said, place, variant) if method == "coop" else {}),
        "template": _template(row, variant) if method == "zero_shot" else "",
        **place,
        "shots": row["shots"],
        "seed": said.get("seed", ""),
        "n_seeds": row["seeds"],
        "metric": METRICS.get(row["metric"], row["metric"]),
        "value": row["mean"],
        "sd": row["std"],
        "sd_kind": _sd_kind(row, variant),
        "protocol": _protocol(row, method),
        "epochs": said.get("epochs", "").split(" ")[0].replace("n/a", ""),
        "obstacle": "; ".join(text for pattern, text in _OBSTACLES if re.search(pattern, variant)),
        "note": _note(variant),
        "where": _where(row["page_or_url"]),
        "confidence": row["confidence"],
    }
    return {column: found.get(column, "") for column in COLUMNS}


def _place(row: Mapping[str, str], variant: str) -> dict[str, str]:
    """Data set, what is evaluated on, and the classes that are trained on."""
    name = row["dataset"]
    if row["metric"] in ("base_accuracy_pct", "new_accuracy_pct", "harmonic_mean_pct"):
        new = "new" if row["metric"] == "new_accuracy_pct" else ""
        return {"dataset": DATASETS[name], "evaluate_on": new, "classes": "base"}
    if name in SHIFTS:
        return {"dataset": "imagenet", "evaluate_on": SHIFTS[name], "classes": "all"}
    if "cross-dataset transfer" in variant and name != "ImageNet":
        return {"dataset": "imagenet", "evaluate_on": DATASETS[name], "classes": "all"}
    return {"dataset": DATASETS.get(name, re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")), "classes": "all"}


def _context(said: Mapping[str, str], place: Mapping[str, str], variant: str) -> dict[str, str]:
    """The axes of a learned context; ``unknown`` where no source says."""
    if place["classes"] == "base" or "cross-dataset transfer" in variant or "CoCoOp-paper CoOp" in variant:
        return dict(_COCOOP_CONTEXT)
    if "copy of CoOp series" in variant:
        said = {"n_ctx": "16", "position": "end", "csc": "False", "init": "random", **said}
    init = said.get("init", UNKNOWN).strip('")')
    context = {"True": "class_specific", "False": "unified"}.get(said.get("csc", ""), UNKNOWN)
    return {
        "context": context,
        "n_ctx": said.get("n_ctx", UNKNOWN).split(" ")[0],
        "class_token_position": said.get("position", UNKNOWN).replace("mid", "middle"),
        "ctx_init": UNKNOWN if init.startswith("not stated") else init,
    }


def _template(row: Mapping[str, str], variant: str) -> str:
    """What class names stood in: ``own``, ``selected``, another ``ensemble``, or ``unknown``."""
    if "7 templates" in variant:
        return "selected"
    if "ensembl" in variant:
        return "ensemble"
    if re.search(r"single|hand-crafted|manual prompt|base-to-new", variant) or variant == "prompt engineering":
        return "own"
    if variant.startswith("prompt engineering"):
        return "own"
    return "own" if row["source"].startswith("rmadapter-") else UNKNOWN


def _sd_kind(row: Mapping[str, str], variant: str) -> str:
    if not row["std"]:
        return ""
    is_parsed = row["source"].startswith(("mlpt-", "coop-repo"))  # parse_test_res.py prints numpy's std
    return "population" if is_parsed or "population std" in variant else UNKNOWN


def _protocol(row: Mapping[str, str], method: str) -> str:
    if method == "coop" and row["source"].startswith(_RECIPE_KNOWN):
        return "coop_ijcv2022"
    is_paper = row["source"].startswith(("coop-ijcv2022", "ldc-"))
    return "lpclip" if method == "linear_probe" and is_paper else ""


def _note(variant: str) -> str:
    """What the columns do not say."""
    parts = (_TAKEN.sub("", part).strip() for part in variant.split(";"))
    return "; ".join(part.removesuffix(" (") for part in parts if part).replace(
        "not in the stored table", "not stated"
    )


def _where(page: str) -> str:
    """Where a figure was read, without the marks of whoever stored a copy."""
    return re.sub(r",? ?\(?stored file id \d+[;,]? ?", " (", page).replace(" ()", "").strip().removesuffix(" (")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/support/normalise_published.py COLLECTED.csv")
    collected = csv.DictReader(io.StringIO(Path(sys.argv[1]).read_text(encoding="utf-8")))
    target = Path(__file__).parents[2] / "harness" / "report" / "published" / "published.csv"
    target.write_text(to_csv(normalise(collected)), encoding="utf-8")
