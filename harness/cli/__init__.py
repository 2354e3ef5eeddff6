"""The command line. Every command imports what it needs when it runs, so that ``--help`` is instant."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code: 0 ok, 1 something failed, 2 bad input, 130 interrupted, 143 terminated.

    What commands have in common is imported here, so that Ctrl-C meanwhile is no traceback either.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started the command has closed it
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  # until the process ends
    try:
        from harness.cli.app import answer

        return answer(arguments)
    except KeyboardInterrupt:  # before signals were listened to, or after
        sys.stderr.write("error: interrupted\n")
        return 130


__all__ = ["main"]
