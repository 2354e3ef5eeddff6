"""``python -m harness.worker JOB.json [--wait]``, or ``--serve`` for job after job from stdin."""

import argparse
import contextlib
import errno
import faulthandler
import os
import sys
import traceback

if __name__ == "__main__":
    # timm, which open_clip imports, imports wandb where it is installed: half a second, and a tracker in a worker.
    sys.modules.setdefault("wandb", None)  # type: ignore[arg-type]  # as Python spells "cannot be imported"
    os.environ.setdefault("HARNESS_TRACEBACK", "log")  # a plug-in's mistakes in full, where its author looks

from pathlib import Path

from harness.errors import HarnessError, NotWrittenError
from harness.machine_faults import is_out_of_memory
from harness.plan.attempt import begin_attempt, end_attempt
from harness.plan.job import BROKE, DONE, NOT_BEGUN, NOT_WRITTEN, OUT_OF_MEMORY, STOPPED, read_job
from harness.worker.check import check
from harness.worker.keeper import Keeper
from harness.worker.prompts import prompts
from harness.worker.run import run
from harness.worker.serve import serve
from harness.worker.stopping import StoppedError, Stopping

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def main(arguments: list[str]) -> int:
    """Do one job, or those that are sent; the exit status of plan/job.py."""
    parser = argparse.ArgumentParser("python -m harness.worker", description="Do a job.")
    parser.add_argument("job", type=Path, nargs="?", help="the job file")
    parser.add_argument("--serve", action="store_true", help="take job files from lines on stdin instead")
    parser.add_argument("--wait", action="store_true", help="wait for cells that other workers hold")
    options = parser.parse_args(arguments)
    if options.serve == (options.job is not None):
        parser.error("takes a job file, or --serve")
    stopping = Stopping()
    keeper = Keeper(stopping)
    try:
        with stopping.listening(), stopping.last_words(keeper.close):
            if options.serve:
                return serve(lambda path: _do(path, keeper, options.wait), stopping)
            return _do(options.job, keeper, options.wait)
    except StoppedError:
        return STOPPED
    finally:
        keeper.close()


def _do(path: Path, keeper: Keeper, wait: bool) -> int:
    """Do one job and leave its status in its folder; what broke it stands on stderr."""
    if not path.is_file():
        sys.stderr.write(f"{path}: the job file is missing.\n")
        return NOT_BEGUN
    attempt = begin_attempt(path.parent)
    status = STOPPED
    with keeper.stopping.last_words(lambda: end_attempt(path.parent, attempt, STOPPED)):
        try:
            status = _status(path, keeper, wait)
        except Exception as error:
            status = status_of(error)
            _print(error)
        finally:
            end_attempt(path.parent, attempt, status)
    return status


def _status(path: Path, keeper: Keeper, wait: bool) -> int:
    job = read_job(path)
    if job.kind == "run":
        return run(job, path.parent, keeper, wait)
    {"check": check, "prompts": prompts}[job.kind](job, path.parent)
    return DONE


def status_of(error: Exception) -> int:
    """The exit status of a job that an error ended."""
    if isinstance(error, NotWrittenError) or (isinstance(error, OSError) and error.errno in _FULL):
        return NOT_WRITTEN
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    return NOT_BEGUN if isinstance(error, HarnessError) else BROKE


def _print(error: Exception) -> None:
    """Say what ended a job; a full disk may not take even that."""
    with contextlib.suppress(OSError):
        if isinstance(error, HarnessError):
            sys.stderr.write(f"{error}\n")
        else:
            traceback.print_exception(error)


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main(sys.argv[1:]))
