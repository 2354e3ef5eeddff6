"""Scenes: documents whose blocks are done one after the other in one folder, as a reader would do them.

A ``yaml`` block whose first line is ``# NAME.yaml`` is written under that name, a ``python`` block is executed,
and the commands of a ``shell`` block are run; ``exit code N`` in a comment says what one returns if not 0. A
``text`` or ``output`` block (whose lines the site breaks) behind one of these has to have been printed: its lines
in this order, whatever the numbers and blanks, and whatever stands where it has ``…``.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.documents import ROOT, Fence, commands, fences
from support.routes import ELSEWHERE, NOT_RUN, By

from harness.cli import main

# Documents that are played one after the other in one folder, each with the heading before which the default suite
# stops; ``nox -s scenes`` plays all of it.
Scene = Mapping[str, str | None]
SCENES: Sequence[Scene] = (
    {"docs/quickstart.md": "## Read the result", "docs/api.md": "## Matrices and cells", "docs/metrics.md": None},
    {"docs/own.md": "## Your own weights"},
    {"docs/matrix.md": None},
    {"docs/reproduce.md": None},
    {"docs/datasets.md": None},
    {"docs/troubleshooting.md": None},
)
PLAYED = {document for scene in SCENES for document in scene}


def elsewhere(document: str, command: str) -> By | None:
    """What else runs the command, where a document's scene does not."""
    return ELSEWHERE.get(f"{document}: {command}") or ELSEWHERE.get(command)


def runs_here(document: str, command: str) -> bool:
    """Whether the document's scene runs the command."""
    return document in PLAYED and command not in NOT_RUN and elsewhere(document, command) is None


def play(document: str, until: str | None = None) -> None:
    """Do what the document's blocks say, in the current folder; those before a heading, or all of them.

    Raises:
        AssertionError: a command returned another code, or did not print what the document says.
    """
    text = (ROOT / document).read_text(encoding="utf-8")
    last = len(text) if until is None else text.index(f"\n{until}\n")
    names: dict[str, Any] = {}
    printed = ""
    for fence in fences(ROOT / document):
        if fence.line > text[:last].count("\n") + 1:
            break
        where = f"{document}:{fence.line}"
        if fence.language == "yaml" and (named := re.match(r"# (\S+\.yaml)\n", fence.text)):
            Path(named[1]).write_text(fence.text, encoding="utf-8")
        elif fence.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(fence.text, where, "exec"), names)
            printed = out.getvalue()
        elif fence.language == "shell":
            printed = "".join(_run(command, document, where) for command in commands(fence.text, keep=True))
        elif fence.language in ("text", "output") and printed:
            _compare(fence, printed, where)
            printed = ""


def _run(line: str, document: str, where: str) -> str:
    """What a command printed on both streams; nothing of one that is run elsewhere."""
    command, _, comment = line.partition("  # ")
    if not runs_here(document, command.strip()):
        return ""
    code = re.search(r"exit code (\d+)", comment)
    program, *arguments = shlex.split(command)
    assert program == "harness", f"{where}: {command}"
    with _printed() as out:
        found = main(arguments)
    printed = out.buffer.getvalue().decode()
    assert found == int(code[1] if code else 0), f"{where}: {command} returned {found}\n{printed}"
    return printed


@contextlib.contextmanager
def _printed() -> Iterator[Any]:
    """What is printed meanwhile, on both streams, as text and as bytes."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        yield out


def _compare(fence: Fence, printed: str, where: str) -> None:
    rest = iter(map(_masked, printed.splitlines()))
    for line in filter(None, map(_masked, fence.text.splitlines())):
        pattern = ".*".join(map(re.escape, line.split("…")))
        assert any(re.fullmatch(pattern, other) for other in rest), f"{where}: not printed: {line}\n{printed}"


def _masked(line: str) -> str:
    """The line with single blanks, and ``#`` for every digest and number with its unit of time or bytes."""
    numbers = r"\b[0-9a-f]{12,}\b|\d[\d.,]*(?:\s(?:s|min|h|days?|[kMG]?B)\b)?"
    return re.sub(r"\s+", " ", re.sub(numbers, "#", line)).strip()
