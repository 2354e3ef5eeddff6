"""Commands in the documents: every one is understood, and is run somewhere."""

import re
from functools import cache
from typing import Any

from support.documents import ROOT, code_spans, commands, documents, fences, harness_calls, name_of
from support.routes import ELSEWHERE, NOT_RUN
from support.scenes import PLAYED, elsewhere, runs_here
from typer.main import get_command

from harness.cli.app import app

LANGUAGES = {"shell", "text", "output", "yaml", "python", "json"}
ALL = [
    (name_of(document), command)
    for document in documents()
    for fence in fences(document)
    if fence.language == "shell"
    for command in commands(fence.text)
]


@cache
def _program() -> Any:
    """``harness`` as its parser has it."""
    return get_command(app)


def _named(words: list[str]) -> tuple[Any, list[str]]:
    """The command, or the group of commands, that is named first, and what follows."""
    command, rest = _program(), list(words)
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    return command, rest


def _parse(arguments: list[str]) -> None:
    """Read the arguments as ``harness`` would, and do nothing; a usage error is raised."""
    command, rest = _named(arguments)
    is_whole = not hasattr(command, "commands") or not rest or rest[0].startswith("-")
    assert is_whole, f"there is no command {rest[0]}"
    command.make_context(command.name, rest)


def _misunderstood(calls: list[list[str]]) -> dict[str, str]:
    """The calls that a command would refuse, with its words."""
    found = {}
    for arguments in calls:
        try:
            _parse(arguments)
        except Exception as error:  # usage errors have no class that Typer promises
            found[" ".join(arguments)] = str(error)
    return found


def test_every_block_says_what_it_is() -> None:
    """A block without a language, or of one that nothing looks at, could hide a command."""
    named = {(name_of(document), fence.language) for document in documents() for fence in fences(document)}
    assert {(document, language) for document, language in named if language not in LANGUAGES} == set()


def test_every_command_is_understood() -> None:
    """Options are harness's own, with values that they may have."""
    assert _misunderstood([arguments for _, command in ALL for arguments in harness_calls(command)]) == {}


def test_what_is_not_understood_is_found() -> None:
    """An option, a command and a value that are none."""
    wrong = [["plan", "--matrx", "a"], ["paln"], ["data", "lits"], ["run", "--matrix", "a", "--limit", "some"]]
    assert list(_misunderstood(wrong)) == [" ".join(words) for words in wrong]


def test_commands_within_sentences_are_understood() -> None:
    """Every option of a command that stands between backticks is one of that command; its values are examples."""
    wrong = []
    for place, span in ((name_of(document), span) for document in documents() for span in code_spans(document)):
        if not re.match(r"harness( |$)", span):
            continue
        command, words = _named(span.split()[1:])
        options = {option for parameter in command.params for option in parameter.opts}
        used = {part for word in words for part in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", word)}
        is_whole = not hasattr(command, "commands") or not words or words[0].isupper() or words[0][0] in "-."
        if used - options - {"--help", "--version"} or not is_whole:
            wrong.append((place, span))
    assert wrong == []


def test_every_command_is_at_a_glance() -> None:
    """The first table of docs/commands.md has a line for each, with all that a group of them holds."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`harness [^|]+) \|", page, re.M)
    told = {tuple(words) for row in rows for words in _spelled(row)}
    known = set()
    for name, command in _program().commands.items():
        inner = getattr(command, "commands", {})
        known |= {(name, each) for each in inner} | ({(name,)} if not inner or name == "backbones" else set())
    assert told == known


def _spelled(row: str) -> list[list[str]]:
    """The commands of a row, such as of "`harness data list`, `fetch`"."""
    first, *others = re.findall(r"`([^`]+)`", row)
    words = first.split()[1:]
    return [words, *([*words[: 2 - len(other.split())], *other.split()] for other in others)]


def test_every_command_is_run_somewhere() -> None:
    """By a scene, by a test or session that is named, or by nothing for a reason that is given."""
    assert [
        (document, command)
        for document, command in ALL
        if not (runs_here(document, command) or elsewhere(document, command) or command in NOT_RUN)
    ] == []


def test_what_runs_a_command_is_there() -> None:
    """The file that is named holds the words that are given."""
    files = {by: (ROOT / by.file).read_text(encoding="utf-8") for by in ELSEWHERE.values()}
    assert [by for by, text in files.items() if not by.words or by.words not in text] == []


def test_no_route_leads_nowhere() -> None:
    """Commands and documents that are no longer there are struck from the lists."""
    written = {*(command for _, command in ALL), *(f"{document}: {command}" for document, command in ALL)}
    assert {*ELSEWHERE, *NOT_RUN} - written == set()
    assert {name_of(document) for document in documents()} >= PLAYED


def test_every_session_is_told() -> None:
    """CONTRIBUTING.md has a line for each session of the noxfile, and names no other."""
    sessions = re.findall(
        r"^@nox\.session[^\n]*\n(?:@[^\n]*\n)*def (\w+)", (ROOT / "noxfile.py").read_text(), re.M
    )
    rows = re.findall(r"^\| (`[^|]+`) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(sessions)
    used = {name for _, command in ALL for name in re.findall(r"nox -s (\w+)", command)}
    assert used <= set(sessions)
