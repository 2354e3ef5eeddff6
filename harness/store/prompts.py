"""Contexts by name: files that were imported into a results folder, and what their headers say."""

from __future__ import annotations

import struct
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import Fault, PromptError
from harness.files import canonical_json, digest_bytes, parsed_json

FOLDER = "prompts"
POSITIONS = ("end", "middle", "front")
_KEY = "harness"  # one entry, since safetensors writes several in any order and a digest is taken of the file
_LENGTH = struct.Struct("<Q")


class PromptFacts(BaseModel):
    """What is known of a context beside its numbers; ``None`` where it is not.

    Attributes:
        class_token_position: where the class name stands among the vectors.
        ctx_init: the words that it started from.
        protocol: whose rules its prompts followed.
        epoch: after which it was saved.
        n_classes: with how many classes it was learned.
        class_names: these, in the order of class-specific contexts; empty where they are not known.
        backbone: that it was learned with.
        weights_digest: SHA-256 of that backbone's weights.
        cell_id: the cell that learned it.
        source: name of the file that it was imported from.
        source_sha256: SHA-256 of that file.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    class_token_position: str | None = None
    ctx_init: str | None = None
    protocol: str | None = None
    epoch: int | None = None
    n_classes: int | None = None
    class_names: tuple[str, ...] = ()
    backbone: str | None = None
    weights_digest: str | None = None
    cell_id: str | None = None
    source: str | None = None
    source_sha256: str | None = None

    def header(self) -> dict[str, str]:
        """The metadata of a safetensors file that says so."""
        return {_KEY: canonical_json(self.model_dump(exclude_none=True))}

    def summary(self) -> dict[str, object]:
        """What a record says of the context; class names stand elsewhere in it."""
        return self.model_dump(exclude_none=True, exclude={"class_names"})


def prompt_path(results: Path, name: str) -> Path:
    """Where the context of that name lies."""
    return results / FOLDER / f"{name}.safetensors"


def prompt_names(results: Path) -> tuple[str, ...]:
    """The names of all contexts that are there."""
    return tuple(sorted(path.stem for path in (results / FOLDER).glob("[!.]*.safetensors")))


def prompt_digest(results: Path, name: str) -> str | None:
    """SHA-256 of the context's file; ``None`` where it is not there."""
    try:
        return digest_bytes(prompt_path(results, name).read_bytes())
    except OSError:
        return None


def read_prompt(results: Path, name: str) -> bytes:
    """The context's file.

    Raises:
        PromptError: it is not there; says which are and how to get it.
    """
    try:
        return prompt_path(results, name).read_bytes()
    except OSError:
        raise PromptError(missing_prompt(results, name)) from None


def missing_prompt(results: Path, name: str) -> Fault:
    """The sentence on a context that is not there."""
    known = prompt_names(results)
    there = f" (there: {', '.join(known)})" if known else ""
    mend = f"`harness prompts import FILE --name {name} --results {results}` makes it."
    return Fault(f"prompt {name}", f"is not in {results / FOLDER}{there}.", mend)


def prompt_facts(content: bytes, where: str) -> PromptFacts:
    """What the header of a safetensors file says; nothing is known where it is another program's.

    Raises:
        PromptError: the header is damaged.
    """
    try:
        (length,) = _LENGTH.unpack(content[: _LENGTH.size])
        header = parsed_json(content[_LENGTH.size : _LENGTH.size + length])
        said = (header.get("__metadata__") or {}).get(_KEY)
        facts = PromptFacts() if said is None else PromptFacts.model_validate_json(said)
    except (struct.error, ValueError, AttributeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise PromptError(Fault(where, f"is not a whole safetensors file: {reason}.")) from None
    if facts.class_token_position not in (None, *POSITIONS):
        what = f"says class_token_position {facts.class_token_position!r}; known: {', '.join(POSITIONS)}."
        raise PromptError(Fault(where, what))
    return facts
