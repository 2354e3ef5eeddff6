"""Imported contexts on disk, and what their headers say."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from harness.errors import PromptError
from harness.files import digest_bytes, write_bytes
from harness.store.prompts import PromptFacts, prompt_digest, prompt_facts, prompt_names, prompt_path, read_prompt

FACTS = PromptFacts(class_token_position="middle", epoch=50, class_names=("zero", "one"))


def _file(header: dict[str, object] | bytes) -> bytes:
    """A safetensors file with that header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def test_facts_cross_a_file() -> None:
    """What was written is read, and one set of facts is one file to the byte."""
    tensors = {"context": np.zeros((2, 3), np.float32)}
    content = save(tensors, metadata=FACTS.header())
    assert prompt_facts(content, "x") == FACTS
    assert save(tensors, metadata=FACTS.header()) == content


def test_what_is_not_known_is_not_said() -> None:
    """Neither in a file, whose digest would change with every new fact, nor in a record, which has the names."""
    assert json.loads(FACTS.header()["harness"]).keys() == {"class_token_position", "epoch", "class_names"}
    assert FACTS.summary() == {"class_token_position": "middle", "epoch": 50}


def test_prompt_that_is_missing_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    """Names, and the command that makes one."""
    assert prompt_digest(tmp_path, "mine") is None

    def said() -> str:
        with pytest.raises(PromptError) as caught:
            read_prompt(tmp_path, "mine")
        return str(caught.value)

    mend = f"`harness prompts import FILE --name mine --results {tmp_path}` makes it."
    assert said() == f"prompt mine: is not in {tmp_path}/prompts. {mend}"
    for name in ("b", "a"):
        write_bytes(prompt_path(tmp_path, name), b"")
    assert said() == f"prompt mine: is not in {tmp_path}/prompts (there: a, b). {mend}"


def test_nothing_is_known_of_another_programs_file() -> None:
    """A header without facts, or with somebody else's, is no error."""
    assert prompt_facts(save({"context": np.zeros(1)}), "x") == PromptFacts()
    assert prompt_facts(_file({"__metadata__": {"format": "pt"}}), "x") == PromptFacts()


def test_facts_of_a_later_version_are_read_as_far_as_they_are_known() -> None:
    """An unknown fact is passed over."""
    said = json.dumps({"class_token_position": "end", "mood": "good"})
    assert prompt_facts(_file({"__metadata__": {"harness": said}}), "x") == PromptFacts(class_token_position="end")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "x: is not a whole safetensors file: "),
        (_file(b"{"), "x: is not a whole safetensors file: "),
        (_file(b"[1]"), "x: is not a whole safetensors file: "),
        (_file(b"[" * 100_000), "x: is not a whole safetensors file: "),
        (_file({"__metadata__": {"harness": "{"}}), "x: is not a whole safetensors file: Invalid JSON"),
        (
            _file({"__metadata__": {"harness": '{"epoch": "x"}'}}),
            "x: is not a whole safetensors file: Input should",
        ),
        (
            _file({"__metadata__": {"harness": '{"class_token_position": "top"}'}}),
            "x: says class_token_position 'top'; known: end, middle, front.",
        ),
    ],
)
def test_damaged_headers_are_named(content: bytes, what: str) -> None:
    """A file that cannot be read is an error with its name, not a traceback."""
    with pytest.raises(PromptError) as caught:
        prompt_facts(content, "x")
    assert str(caught.value).startswith(what)


def test_prompts_are_found_by_name(tmp_path: Path) -> None:
    """Content, digest and names; what is half written is not listed."""
    write_bytes(prompt_path(tmp_path, "mine"), b"content")
    write_bytes(tmp_path / "prompts" / ".mine.safetensors", b"")
    assert read_prompt(tmp_path, "mine") == b"content"
    assert prompt_digest(tmp_path, "mine") == digest_bytes(b"content")
    assert prompt_names(tmp_path) == ("mine",)
