"""What the pickles in a file of torch's name, read off step by step; nothing of them is run.

A pickle makes its objects by the names of classes and functions, so the names tell whether it holds more than
tensors.
"""

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import torch

_ZIP_START = b"PK\x03\x04"  # by which torch, too, tells a zip from a plain pickle
_ARCHIVE_MARK = "constants.pkl"  # by which torch tells a TorchScript archive from a zip of tensors
_LEGACY_PICKLES = 5  # of torch before 1.6: magic number, version, system, object, keys


def is_zip(file: Path) -> bool:
    """Whether torch would read a file as a zip."""
    with file.open("rb") as stream:
        return stream.read(len(_ZIP_START)) == _ZIP_START


def is_archive(file: Path) -> bool:
    """Whether a file is a TorchScript archive, which holds code."""
    # The reader that torch.load uses, so that both see the same records: older versions of torch open an archive
    # that they recognise even where weights_only is asked for.
    return is_zip(file) and _ARCHIVE_MARK in torch._C.PyTorchFileReader(str(file)).get_all_records()


def names_by_step(file: Path) -> Iterator[str | None]:
    """For every step of the file's pickles the class or function that it names; ``None`` for most.

    Names are spelled as in Python 3.

    Raises:
        ValueError: a pickle is damaged, which ends it for torch, too.
    """
    if is_zip(file):
        # torch's own reader again: a zip can hold two files of one name.
        yield from _names([torch._C.PyTorchFileReader(str(file)).get_record("data.pkl")])
    else:
        with file.open("rb") as stream:
            yield from _names([stream] * _LEGACY_PICKLES)


def _names(pickles: Iterable[bytes | IO[bytes]]) -> Iterator[str | None]:
    strings: list[str] = []
    for each in pickles:
        for opcode, argument, _ in pickletools.genops(each):
            if opcode.name in ("GLOBAL", "INST"):
                module, _, name = str(argument).partition(" ")
                yield _spelled(module, name)
            elif opcode.name == "STACK_GLOBAL":
                yield ".".join(strings[-2:])
            else:
                if isinstance(argument, str):
                    strings.append(argument)
                yield None


def _spelled(module: str, name: str) -> str:
    """The name as Python 3 has it; pickles of protocol 2 have Python 2's."""
    if (module, name) in NAME_MAPPING:
        return ".".join(NAME_MAPPING[module, name])
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"
