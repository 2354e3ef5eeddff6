"""What an installed harness has to answer: ``python tests/e2e/installed_claims.py EXTRA...`` in its environment.

It is run in an empty folder outside of the checkout.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import harness

MODULES = {"ray": "ray", "slurm": "submitit", "tensorboard": "tensorboard"}
ONE_CELL = ("--matrix", "smoke", "--select", "method=zero_shot,evaluate_on=digits_noisy", "--device", "cpu")


def main(extras: set[str]) -> None:
    """Raise AssertionError when a claim does not hold."""
    package, checkout = Path(harness.__file__).parent, Path(__file__).parents[2]
    assert "site-packages" in package.parts
    assert not {checkout, checkout / "harness"} & {Path(entry).resolve() for entry in sys.path}
    assert (package / "py.typed").is_file()
    assert {extra for extra, module in MODULES.items() if importlib.util.find_spec(module)} == extras

    assert _answer("--version")[1] == f"harness {harness.__version__}\n"
    code, listed = _answer("matrix", "list")
    assert code == 0
    assert all(f"\n{name} " in listed for name in ("full", "smoke"))
    assert _answer("matrix", "show", "smoke")[1] == (checkout / "experiments" / "smoke.yaml").read_text("utf-8")

    # A part that is not there is asked for by its name; one that is there does its work.
    code, said = _answer("run", *ONE_CELL, "--results", "tracked", "--track", "tensorboard")
    assert (code, "coop-harness[tensorboard]" in said) == (0, "tensorboard" not in extras), (
        said
    )  # training goes on
    assert any(Path("tracked").rglob("events.out.*")) == ("tensorboard" in extras)
    code, said = _answer("run", *ONE_CELL, "--results", "launched", "--launcher", "ray")
    assert (code, "coop-harness[ray]" in said) == ((0, False) if "ray" in extras else (2, True)), said
    code, said = _answer("run", *ONE_CELL, "--launcher", "slurm", PATH=str(Path(sys.executable).parent))
    assert (code, "Slurm is not on this machine" in said) == (2, True), said
    assert ("coop-harness[slurm]" in said) == ("slurm" not in extras), said


def _answer(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code, and everything that ``harness`` said."""
    command = [str(Path(sys.executable).with_name("harness")), *arguments]
    ended = subprocess.run(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return ended.returncode, ended.stdout


if __name__ == "__main__":
    main(set(sys.argv[1:]))
