"""``harness matrix list`` and ``show``."""

from __future__ import annotations

from harness.cli.output import console
from harness.cli.vocabulary import known_names
from harness.errors import Fault, MatrixError, did_you_mean
from harness.matrix.matrix import read_matrix
from harness.matrix.packaged import packaged_matrices


def list_command() -> int:
    """Print one line a matrix that comes with the package."""
    vocabulary = known_names()
    found = {name: read_matrix(path, vocabulary) for name, path in packaged_matrices().items()}
    rows = ((name, len(matrix.cells), matrix.description) for name, matrix in found.items())
    console.table("", ("matrix", "cells", "what it is"), rows, numbers=("cells",))
    console.say()
    console.say("`--matrix NAME` takes one; `harness matrix show NAME > mine.yaml` gives a copy to change")
    return 0


def show_command(name: str) -> int:
    """Print the file of a matrix as it is, comments and all.

    Raises:
        MatrixError: no such matrix comes with the package.
    """
    known = packaged_matrices()
    if name not in known:
        what = "no matrix of that name comes with harness."
        raise MatrixError(Fault(name, what, did_you_mean(name, tuple(known))))
    console.raw(known[name].read_bytes())
    return 0
