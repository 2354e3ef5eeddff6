"""What a job of kind ``prompts`` is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WordsRequest(_Request):
    """The ``top`` nearest words of every vector that a cell learned."""

    ask: Literal["words"] = "words"
    cell: str
    top: int


class ExportRequest(_Request):
    """Text features and context of a cell, as files in the folder ``out``."""

    ask: Literal["export"] = "export"
    cell: str
    out: Path


class ImportRequest(_Request):
    """A context that lies in ``file``, under a name; without ``class_token_position`` the file is asked for it."""

    ask: Literal["import"] = "import"
    file: Path
    name: str
    class_token_position: str | None


PromptsRequest = Annotated[WordsRequest | ExportRequest | ImportRequest, Field(discriminator="ask")]
