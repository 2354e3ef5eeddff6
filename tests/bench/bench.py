"""Benchmarks: ``python tests/bench/bench.py NAME...``, a JSON line each; without a name all that this machine can.

Names: text, memory, row, imagenet, smoke, gpu; dispatch, report; forecast, forecast-processor, makespan, plan,
scan. The first six have real tower sizes with random weights; both sides in turn in one process on one machine,
ratios of medians with their spread. Timings are never tests.
"""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import foretell
import many
import open_clip
import torch
from dispatching import added_ms
from open_clip.tokenizer import SimpleTokenizer
from plain import PlainCoOp

from harness.backbone.clip import Clip
from harness.backbone.memory import classes_at_once
from harness.backbone.prompts import prompt_layout
from harness.backbone.text import SharedPrompts
from harness.engine.sgd import Ended, Run, train_together
from harness.features.views import to_pixels
from harness.host import cpu_threads
from harness.threads import side_by_side, single_threaded_kernels

KINDS = [("end", False), ("middle", False), ("end", True), ("middle", True)]
# Class names of one to three words, as data sets have them.
_WORDS = [
    "abbey",
    "airplane",
    "cabin",
    "airport",
    "terminal",
    "alley",
    "chamber",
    "apple",
    "pie",
    "baby",
    "ribs",
    "carpaccio",
    "beef",
    "salad",
    "bread",
    "pudding",
    "breakfast",
    "burrito",
    "bruschetta",
    "cannoli",
    "carrot",
    "cake",
    "cheese",
    "plate",
    "chicken",
    "curry",
    "wings",
    "chocolate",
]


def main(wanted: list[str]) -> None:
    """Run the named benchmarks, or all that this machine can."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    benches: dict[str, Callable[[torch.device], dict]] = {
        "text": text_step, "memory": step_memory, "row": dataset_row, "imagenet": imagenet_memory,
        "smoke": smoke, "dispatch": scheduling, "report": report_scale, "gpu": paper_figure,
        "forecast": lambda _: foretell.forecast("wall"),
        "forecast-processor": lambda _: foretell.forecast("processor"),
        "makespan": lambda _: many.in_processes(many.makespan, (1, 2, 4, 8, 16, 32)),
        "plan": lambda _: many.in_processes(many.plan, (1_000, 10_000, 100_000)),
        "scan": lambda _: many.in_processes(many.scan, (1_000, 10_000, 100_000)),
    }  # fmt: skip
    if len(wanted) > 1 and wanted[0] == "--step":  # one side of `memory`, in a process of its own
        _one_step(wanted[1], wanted[2] == "plain")
        return
    for name in wanted or [name for name in benches if name != "gpu" or device.type == "cuda"]:
        found = benches[name](device)
        print(json.dumps({"bench": name, **_machine(device), **found}), flush=True)  # noqa: T201


def _machine(device: torch.device) -> dict:
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": name,
        "cores": cpu_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def random_clip(architecture: str, device: torch.device, precision: str = "fp32") -> Clip:
    """A CLIP of real size with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = open_clip.create_model(f"{architecture}-quickgelu")
    module = module.eval().requires_grad_(requires_grad=False).to(device)
    return Clip(architecture, module, SimpleTokenizer(), "random", precision, 224, (0.5,) * 3, (0.5,) * 3)


def names(n_classes: int) -> list[str]:
    """Class names of one to three words."""
    pick = random.Random(0)
    return [" ".join(pick.sample(_WORDS, pick.choice([1, 1, 2, 2, 3]))) for _ in range(n_classes)]


def in_turn(*sides: Callable[[], object], rounds: int = 3) -> list[list[float]]:
    """Seconds of every side, A B A B, after one turn that is not counted."""
    seconds: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds + 1):
        for side, kept in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                kept.append(time.perf_counter() - start)
    return seconds


def _ratio(plain: list[float], ours: list[float]) -> dict:
    each = [a / b for a, b in zip(plain, ours, strict=True)]
    return {
        "plain_s": round(statistics.median(plain), 3),
        "ours_s": round(statistics.median(ours), 4),
        "ratio": round(statistics.median(plain) / statistics.median(ours), 1),
        "ratio_low_high": [round(min(each), 1), round(max(each), 1)],
    }


def text_step(device: torch.device) -> dict:
    """The text part of one step, forward and backward: 100 classes, 16 context vectors, ViT-B/32's text tower."""
    clip, class_names = random_clip("ViT-B-32", device), names(100)
    found = {}
    for position, per_class in KINDS[:3]:
        plain = PlainCoOp(clip, class_names, 16, position, per_class)
        prompts = _shared(clip, class_names, position, per_class)
        contexts = plain.context.detach()[None].clone()

        def ours(prompts: SharedPrompts = prompts, contexts: torch.Tensor = contexts) -> None:
            prompts.encode(contexts.requires_grad_()).square().sum().backward()

        def baseline(plain: PlainCoOp = plain) -> None:
            plain.text_features().square().sum().backward()

        found[_kind(position, per_class)] = _ratio(*in_turn(baseline, ours))
    return found


def _kind(position: str, per_class: bool) -> str:
    return f"{'class_specific' if per_class else 'unified'}/{position}"


def _shared(clip: Clip, class_names: list[str], position: str, per_class: bool, n_runs: int = 1) -> SharedPrompts:
    layouts = [prompt_layout(name, 16, position, clip.tokens) for name in class_names]
    return SharedPrompts(layouts, clip, per_class, classes_at_once(layouts, clip, per_class, n_runs))


def step_memory(device: torch.device) -> dict:
    """Peak memory of the process during a whole step, and what the step adds to the loaded towers, in GB.

    Each side runs in a process of its own.
    """
    found: dict[str, dict] = {}
    for kind in ("unified/end", "class_specific/end"):
        sides = {}
        for side in ("plain", "ours"):
            command = [sys.executable, __file__, "--step", kind, side]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            sides[side] = json.loads(said)
        found[kind] = {
            f"{side}_{what}_gb": round(value, 2) for side in sides for what, value in sides[side].items()
        }
        for what in ("peak", "added"):
            found[kind][f"{what}_ratio"] = round(sides["plain"][what] / sides["ours"][what], 1)
    return found


def _one_step(kind: str, plain: bool) -> None:
    """Print the peak memory during one step of one side, and what it adds."""
    device = torch.device("cpu")
    clip, class_names = random_clip("ViT-B-32", device), names(100)
    position, per_class = kind.split("/")[1], kind.startswith("class")
    pixels, labels = _images(32), torch.arange(32)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of loading the towers
    before = _status_gb("VmRSS")
    if plain:
        PlainCoOp(clip, class_names, 16, position, per_class).train([[(pixels, labels)]])
    else:
        with torch.no_grad():
            features = clip.encode_images(pixels)
        _train(clip, class_names, [(position, per_class, [[(features, labels)]])])
    peak = _status_gb("VmHWM")
    print(json.dumps({"peak": peak, "added": peak - before}))  # noqa: T201


def _status_gb(name: str) -> float:
    """A figure of /proc/self/status, in GB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e6 for line in lines if line.startswith(f"{name}:"))


def _images(n: int) -> torch.Tensor:
    return torch.randn(n, 3, 224, 224, generator=torch.Generator().manual_seed(n))


def _train(clip: Clip, class_names: list[str], runs: list[tuple]) -> None:
    """Train (position, per_class, epochs of batches) side by side, as the engine does on this device."""

    def one(run: tuple) -> None:
        position, per_class, epochs = run
        width = clip.token_table.shape[1]
        shape = (len(class_names), 16, width) if per_class else (16, width)
        context = 0.02 * torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(clip.device)
        prompts = _shared(clip, class_names, position, per_class)
        planned = [(0.002, batches) for batches in epochs]
        events = train_together([Run(context, planned, 0.9, 5e-4)], prompts.encode, clip.logit_scale)
        assert all(not isinstance(event, Ended) or not isinstance(event.outcome, Exception) for event in events)

    side_by_side(one, runs, clip.device)


def dataset_row(device: torch.device) -> dict:
    """4 variants x 3 seeds over 100 classes, live views, image tower included: two epochs of one batch of 32.

    The baseline runs each variant for one seed; seeds cost it the same, so three times its seconds are counted.
    """
    clip, class_names = random_clip("ViT-B-32", device), names(100)
    labels = torch.arange(32, device=device)
    n_epochs, n_seeds = 2, 3
    views = [[_images(32).to(device) for _ in range(n_epochs)] for _ in range(n_seeds)]

    threads = torch.get_num_threads()
    torch.set_num_threads(cpu_threads())
    plain_s = {}
    for position, per_class in KINDS:
        start = time.perf_counter()
        PlainCoOp(clip, class_names, 16, position, per_class).train([[(pixels, labels)] for pixels in views[0]])
        plain_s[_kind(position, per_class)] = n_seeds * (time.perf_counter() - start)

    if device.type == "cpu":
        single_threaded_kernels()
    start = time.perf_counter()
    image_s = 0.0
    for seed in range(n_seeds):
        begin = time.perf_counter()
        with torch.no_grad():
            parts = [part for pixels in views[seed] for part in pixels.split(16)]
            encoded = torch.cat(side_by_side(clip.encode_images, parts, device)).split(32)
        image_s += time.perf_counter() - begin
        epochs = [[(features, labels)] for features in encoded]
        _train(clip, class_names, [(position, per_class, epochs) for position, per_class in KINDS])
    ours_s = time.perf_counter() - start
    torch.set_num_threads(threads)
    return {
        "plain_s": round(sum(plain_s.values()), 1),
        "plain_s_by_variant": {kind: round(seconds, 1) for kind, seconds in plain_s.items()},
        "ours_s": round(ours_s, 1),
        "ours_images_s": round(image_s, 1),
        "ours_text_s": round(ours_s - image_s, 1),
        "ratio": round(sum(plain_s.values()) / ours_s, 1),
    }


def imagenet_memory(device: torch.device) -> dict:
    """One step with 1,000 classes and a context of 16 vectors for each: seconds and peak memory in GB."""
    clip, class_names = random_clip("ViT-B-32", device), names(1000)
    prompts = _shared(clip, class_names, "end", per_class=True)
    contexts = torch.zeros(1, 1000, 16, 512, device=device).requires_grad_()
    start = time.perf_counter()
    prompts.encode(contexts).square().sum().backward()
    if device.type == "cuda":
        torch.cuda.synchronize()
        peak = torch.cuda.max_memory_allocated() / 1e9
    else:
        peak = _status_gb("VmHWM")
    return {
        "step_s": round(time.perf_counter() - start, 1),
        "peak_gb": round(peak, 1),
        "classes_at_once": prompts.classes_at_once,
    }


def smoke(device: torch.device) -> dict:
    """The smoke matrix end to end, and the plain baseline's seconds for the same runs from measured steps."""
    from harness.backbone.load import load_clip
    from harness.backbone.spec import backbone_spec
    from harness.data.catalog import DATASETS
    from harness.data.digits import CLASS_NAMES, digit_image
    from harness.features.views import apply_view, draw_view

    clip, row = load_clip(backbone_spec("tiny"), "fp32", torch.device("cpu")), DATASETS["digits"]
    generator = torch.Generator().manual_seed(0)

    def batch(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        images = [digit_image(f"digit_{number:04d}") for number in range(n)]
        views = [apply_view(image, draw_view(image.size, row.augmentation, generator), 32) for image in images]
        return to_pixels(views, clip.mean, clip.std), torch.arange(n) % 10

    torch.set_num_threads(cpu_threads())
    plain_s = 0.0
    for shots, n_epochs in ((1, 50), (2, 100), (4, 100), (8, 200), (16, 200)):
        n_images = 10 * shots
        n_steps = max(1, n_images // 32)
        for per_class in (False, True):
            model = PlainCoOp(clip, CLASS_NAMES, 16, "end", per_class)
            measured = 5
            model.train([[batch(min(32, n_images))]])  # not counted
            start = time.perf_counter()
            for _ in range(measured):
                model.train([[batch(min(32, n_images))]])
            plain_s += 3 * n_epochs * n_steps * (time.perf_counter() - start) / measured
    with tempfile.TemporaryDirectory() as folder:
        matrix = Path(__file__).parents[2] / "experiments" / "smoke.yaml"
        command = [sys.executable, "-m", "harness", "run", "--matrix", str(matrix), "--results", folder]
        start = time.perf_counter()
        environment = {**os.environ, "HARNESS_CACHE": f"{folder}/cache"}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        ours_s = time.perf_counter() - start
    return {"plain_s": round(plain_s, 1), "ours_s": round(ours_s, 1), "ratio": round(plain_s / ours_s, 1)}


def scheduling(_: torch.device) -> dict:
    """What is added to a job by sending it to one of eight workers, from 1,000 and from 10,000 jobs."""
    return added_ms()


def report_scale(_: torch.device) -> dict:
    """``harness report`` on the paper's matrices and on ever larger ones, each in a process of its own."""
    script = Path(__file__).with_name("report_scale.py")
    shapes = [f"{axis}:{n}" for axis in ("seeds", "datasets", "rows") for n in (4000, 8000)]
    found = {}
    for case in ("paper", "1000", "10000", "100000", *shapes):
        command = [sys.executable, str(script), case]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[case] = json.loads(done.stdout)
    return found


def paper_figure(device: torch.device) -> dict:
    """Hours for the paper's RN50 figure, from measured steps of every class count; needs a GPU."""
    from harness.data.catalog import DATASETS
    from harness.matrix.protocol import COOP

    clip = random_clip("RN50", device, "amp")
    hours = {}
    for per_class in (False, True):
        seconds = 0.0
        for row in DATASETS.values():
            if row.name == "digits":
                continue
            class_names = names(row.n_classes)
            for position in ("end", "middle"):
                prompts = _shared(clip, class_names, position, per_class, n_runs=3)
                shape = (3, row.n_classes, 16, 512) if per_class else (3, 16, 512)
                contexts = torch.zeros(shape, device=device).requires_grad_()

                def step(prompts: SharedPrompts = prompts, contexts: torch.Tensor = contexts) -> None:
                    prompts.encode(contexts).square().sum().backward()

                (measured,) = in_turn(step, rounds=3)
                for shots in (1, 2, 4, 8, 16):
                    steps = max(1, shots * row.n_classes // 32)
                    epochs = COOP.recipe("coop", row.name, shots)["epochs"]
                    seconds += epochs * steps * statistics.median(measured)
        hours[_kind("end+middle", per_class)] = round(seconds / 3600, 2)
    pixels = _images(256).to(device)
    with torch.no_grad():
        (encode,) = in_turn(lambda: clip.encode_images(pixels), rounds=3)
    n_views = sum(
        3 * shots * row.n_classes * COOP.recipe("coop", row.name, shots)["epochs"]
        for row in DATASETS.values()
        if row.name != "digits"
        for shots in (1, 2, 4, 8, 16)
    )
    hours["images"] = round(n_views / 256 * statistics.median(encode) / 3600, 2)
    return {"hours": hours, "precision": "amp"}


if __name__ == "__main__":
    main(sys.argv[1:])
