"""The licences of everything that harness is installed with: ``python docs/licences.py [--write]``.

Run where the wheel is installed with all its extras (``nox -s licences``). It fails when a package has no licence,
or one that nobody has looked at, and when the table of docs/licences.md does not say what is installed;
``--write`` makes that table anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DOCUMENT = Path(__file__).with_suffix(".md")
PROJECT = "coop-harness"
EXTRAS = ("ray", "slurm", "tensorboard")
# Looked at: all may be used and passed on, in a work of any licence, with their notices.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib",
    "MPL-2.0",  # asks for the sources of its own files when they are changed; they are not
}  # fmt: skip
# NVIDIA's libraries come with torch's builds for CUDA; their makers' terms are not those of open source.
NVIDIA = "NVIDIA"
# How metadata from before SPDX expressions spells a licence. A classifier says "BSD"; free text may say which.
SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "LicenseRef-NVIDIA-Proprietary": NVIDIA,
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": NVIDIA,
    "Other/Proprietary License": NVIDIA,
    "Python Software Foundation License": "PSF-2.0",
}
# Packages whose metadata names no licence, and what was found where.
BY_HAND = {
    "cuda-toolkit": NVIDIA,  # holds no file of its own: it only names NVIDIA's libraries
    "vl-convert-python": "BSD-3-Clause",  # by the licence file in its wheel; newer versions say it themselves
}
_ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| (.*) \|$", re.M)
_HEAD = "| package | licence | needed |\n| --- | --- | --- |\n"


class Need(NamedTuple):
    """A package that is installed, its licence in SPDX's words, and why it is there."""

    name: str
    licence: str
    why: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.licence} | {self.why} |"


def licence_of(package: Distribution) -> str:
    """The licence by a package's metadata, in SPDX's words where they are known; empty without one."""
    metadata = package.metadata
    expressions = metadata.get_all("License-Expression") or []
    classifiers = [text.split(" :: ")[-1] for text in metadata.get_all("Classifier") or () if "License ::" in text]
    named = [text for text in classifiers if text != "OSI Approved"]
    lines = [text.splitlines()[0] for text in metadata.get_all("License") or () if text and text != "UNKNOWN"]
    if named == ["BSD License"] and lines and lines[0] in SPELLINGS:
        named = lines
    found = expressions or named or lines
    by_hand = BY_HAND.get(canonicalize_name(metadata["Name"]), "")
    return " OR ".join(sorted({SPELLINGS.get(text, text) for text in found})) or by_hand


def fault_of(name: str, licence: str) -> str | None:
    """What is wrong with a package's licence, if anything."""
    unknown = [part for part in re.split(r" AND | OR |[()]", licence) if part and part not in ALLOWED]
    if not licence:
        return f"{name}: its metadata names no licence. Find it, and write it into BY_HAND."
    if unknown == [NVIDIA] and name.startswith(("nvidia-", "cuda-")):
        return None
    return f"{name}: {', '.join(unknown)} is not among the licences that were looked at." if unknown else None


def needs() -> list[Need]:
    """Everything that the project needs, direct needs first, each by name."""
    core = set(_reached(PROJECT, ""))
    by_extra = {extra: set(_reached(PROJECT, extra)) - core for extra in EXTRAS}
    direct = {canonicalize_name(need.name) for need in map(Requirement, distribution(PROJECT).requires or ())}
    found = []
    for name in core.union(*by_extra.values()) - {PROJECT}:
        extras = [extra for extra in EXTRAS if name in by_extra[extra]]
        ways = ["directly"] if name in direct else []
        ways += [f"by {', '.join(f'`{extra}`' for extra in extras)}"] if extras else []
        found.append(Need(name, licence_of(distribution(name)), ", ".join(ways)))
    return sorted(found, key=lambda need: (not need.why.startswith("directly"), need.name))


def _reached(name: str, extra: str) -> Iterator[str]:
    """The names of a package, and of all installed ones that it needs with an extra, over any number of steps."""
    todo: list[tuple[str, str]] = [(canonicalize_name(name), extra)]
    seen: set[tuple[str, str]] = set()
    while todo:
        step = todo.pop()
        if step in seen:
            continue
        seen.add(step)
        try:
            requires = distribution(step[0]).requires or ()
        except PackageNotFoundError:
            continue  # for another machine, or an extra that was not asked for
        yield step[0]
        for need in map(Requirement, requires):
            if need.marker is None or any(need.marker.evaluate({"extra": wanted}) for wanted in {"", step[1]}):
                todo += [(canonicalize_name(need.name), wanted) for wanted in ("", *need.extras)]


def listed() -> dict[str, str]:
    """From package to licence, as the document has them."""
    table = DOCUMENT.read_text("utf-8").partition(_HEAD)[2]
    return {name: licence for name, licence, _ in _ROW.findall(table)}


def main(arguments: list[str]) -> int:
    """Compare, or write; 1 when something is wrong."""
    found = needs()
    faults = [fault for need in found if (fault := fault_of(need.name, need.licence)) is not None]
    if "--write" in arguments:
        text = DOCUMENT.read_text("utf-8")
        rows = "".join(f"{need}\n" for need in found)
        DOCUMENT.write_text(text[: text.index(_HEAD)] + _HEAD + rows, "utf-8")
    said = listed()
    wrong = [need.name for need in found if said.get(need.name) != need.licence]
    faults += [f"{name}: docs/licences.md does not say so; `nox -s licences -- --write` does." for name in wrong]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"{len(found)} packages, all with licences\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
