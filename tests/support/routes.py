"""By what each command of the documents is run, where ``test_scenes.py`` does not run it as it stands.

Beside each stands a file that runs it, or the same with other options, and words that occur there. What only one
document's scene leaves out has the document's name in front.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class By:
    """What runs a command: a file of the checkout, and words that stand in it."""

    file: str
    words: str


SETUP = By(".ci/run", 'python3 -m venv "$work/venv"')
SMOKE_RUN = By("noxfile.py", 'session.run("harness", "run", "--matrix", "smoke"')
SMOKE_REPORT = By("noxfile.py", 'session.run("harness", "report", "--matrix", "smoke"')
MINIATURES = By(
    "tests/e2e/test_datasets.py", 'main(["run", "--matrix", str(mini)'
)  # every layout, with its images
AGAINST = By("tests/unit/cli/test_report.py", '"--against", "coop_ijcv2022"')
SLURM = By("tests/slurm/test_real_slurm.py", 'place.run("run", "--partition", partition')
RAY = By("tests/e2e/test_ray.py", '"--launcher", "ray", "--ray-address", two_nodes.address, "--gpus", "0"')
FAKE_SLURM = By("tests/unit/cli/test_detach.py", '"--launcher", "slurm"')
EXTRAS = By("noxfile.py", "*((extra,) for extra in _EXTRAS)")
CLUSTER = By("tests/e2e/test_ray.py", "from ray.cluster_utils import Cluster")
SYNC = "tests/unit/tracking/test_sync.py"

ELSEWHERE: dict[str, By] = {
    # Setting up, and the smoke matrix.
    "python3 -m venv .venv && . .venv/bin/activate": SETUP,
    "pip install -e .": By("noxfile.py", '("-e", f".{extras}")'),
    "pip install -e . && harness run --matrix smoke": SMOKE_RUN,
    "harness run --matrix smoke": SMOKE_RUN,
    "harness report --matrix smoke": SMOKE_REPORT,
    "README.md: harness report": SMOKE_REPORT,
    "pip install -e . nox && pip install --group dev": By("noxfile.py", "nox.project.dependency_groups"),
    "pip install nox && nox -s tests": By(".ci/run", "pip install nox && nox -s tests"),
    "nox -s tests": By(".ci/run", "nox -s tests"),
    # Plug-ins.
    "harness run --matrix docs/examples/my_method.yaml": By("tests/e2e/test_plugins.py", 'main(["run", *at'),
    "harness report --matrix docs/examples/my_method.yaml": By("tests/e2e/test_plugins.py", 'command("report")'),
    # What needs published images and weights.
    "harness backbones fetch RN50:openai": By("tests/unit/cli/test_backbones.py", '"fetch", "RN50:openai"'),
    "harness data fetch eurosat --data data": By("tests/unit/data/fetch/test_fetch.py", '"data", "fetch", "dtd"'),
    "for name in caltech101 oxford_pets stanford_cars oxford_flowers food101 fgvc_aircraft sun397 dtd ucf101; "
    "do harness data fetch $name --data data; done": By(
        "tests/unit/data/fetch/test_fetch.py", '"data", "fetch", "dtd"'
    ),
    "harness data fetch imagenet --from /datasets/imagenet --data data": By(
        "tests/unit/data/fetch/test_fetch.py", "imagenet.fetch(given)"
    ),
    "harness data check eurosat --decode --data data": By(
        "tests/unit/cli/test_data_check.py", '"data", "check", "eurosat", "--data", eurosat, "--decode"'
    ),
    'harness run --matrix full --data data -k "method=zero_shot"': MINIATURES,
    'harness run --matrix full --data data -k "dataset=eurosat,seed=1"': MINIATURES,
    "harness run --matrix full --data data": MINIATURES,
    "harness status --data data": By("tests/unit/cli/test_status.py", '"status"'),
    "harness report --matrix full --against coop_ijcv2022": AGAINST,
    # What needs an engine, a server, or a reader who ends it.
    "harness run --matrix full --data data --launcher slurm --partition gpu --time 12h": SLURM,
    "harness run --matrix mine.yaml --launcher slurm --partition gpu --time 4h": SLURM,
    "harness run --matrix mine.yaml --launcher slurm --detach": By("tests/unit/cli/test_detach.py", '"--detach"'),
    "harness run --matrix mine.yaml --launcher slurm": By(
        "tests/unit/cli/test_detach.py", '"--launcher", "slurm"'
    ),
    "docs/slurm.md: harness status": By("tests/unit/cli/test_launches.py", '"status", "--results"'),
    "pip install -e '.[ray]'": EXTRAS,
    "pip install -e '.[slurm]'": EXTRAS,
    "harness run --matrix smoke --launcher ray": RAY,
    "harness run --matrix smoke --launcher ray --gpus 0.5": By("tests/e2e/test_ray.py", "launch(gpus=0.5"),
    "harness run --matrix mine.yaml --launcher ray --ray-address 10.0.0.1:6379": RAY,
    "ray start --head --port=6379": CLUSTER,
    "ray start --address=10.0.0.1:6379": CLUSTER,
    "harness report --serve": By("tests/unit/cli/test_serve.py", '"report", "--serve", "--port", "0"'),
    "harness sync --dry-run": By(SYNC, 'sync("--dry-run")'),
    "harness sync": By(SYNC, '"sync", "--results"'),
    "harness sync --matrix mine.yaml --track tensorboard": By(SYNC, 'sync("--track", "tensorboard")'),
    "export WANDB_BASE_URL=https://wandb.example.org": By(SYNC, 'setenv("WANDB_BASE_URL", server.url)'),
    "harness run --matrix mine.yaml --track wandb": By("tests/unit/tracking/test_job.py", "tracking: wandb"),
}

# Nothing runs these: they need what no test may have. Options of harness's own commands are read all the same.
NOT_RUN: dict[str, str] = {
    "wandb login": "needs an account",
    'wandb login --host "$WANDB_BASE_URL"': "needs an account",
}
