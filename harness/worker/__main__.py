"""``python -m harness.worker JOB.json``."""

import sys

if __name__ == "__main__":
    # timm, which open_clip imports, imports wandb where it is installed: half a second, and a tracker in a worker.
    sys.modules.setdefault("wandb", None)  # type: ignore[arg-type]  # as Python spells "cannot be imported"

from pathlib import Path

from harness.errors import HarnessError
from harness.plan.job import Job, read_job
from harness.worker.check import check
from harness.worker.prompts import prompts
from harness.worker.run import run

_KINDS = {"run": run, "check": check, "prompts": prompts}


def main(arguments: list[str]) -> int:
    """Do one job; 0 when it was done, failed cells included, and 2 when it could not begin."""
    try:
        path = Path(arguments[0])
        job: Job = read_job(path)
        _KINDS[job.kind](job, path.parent)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
