"""Plug-ins: found, imported, told apart, and the same again elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import PluginError
from harness.files import digest_bytes
from harness.plugins.plugin import PluginSource
from harness.plugins.reading import file_plugin, installed_plugins, load_plugins
from harness.plugins.tables import digests_of, load_target, rows_of

Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """A writer of files below a folder that Python does not search."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def said(error: pytest.ExceptionInfo[PluginError]) -> list[str]:
    """Its faults, one string each."""
    return [str(fault) for fault in error.value.faults]


def test_a_file_is_a_plugin_with_its_tables(put: Put) -> None:
    """Tables are read by name; the source names the file, and vouches for what it holds."""
    path = put("my_method.py", "METHODS = {'a': 1}\nOTHERS = {'b': 2}\n")
    plugin = file_plugin(path)
    assert plugin.tables == {"METHODS": {"a": 1}, "DATASETS": {}, "LAUNCHERS": {}, "TRACKERS": {}}
    assert (plugin.source.name, plugin.source.file, plugin.source.module) == ("my_method.py", str(path), None)
    assert plugin.source.files == {"my_method.py": digest_bytes(path.read_bytes())}
    assert plugin.source.digest == digest_bytes(path.read_bytes())


def test_files_beside_it_belong_to_it(put: Put) -> None:
    """What it imports relatively or names as a target is found, and part of its digest; ``sys.path`` stays."""
    put("net.py", "from .deep import WIDTH\ndef make(factor): return WIDTH * factor\n")
    put("deep.py", "WIDTH = 7\n")
    put("stranger.py", "raise SystemExit\n")
    plugin = file_plugin(put("mine.py", "from . import deep\nTARGET = '.net:make'\nMETHODS = {'a': TARGET}\n"))
    assert sorted(plugin.source.files) == ["deep.py", "mine.py", "net.py"]
    assert load_target(plugin.resolved(".net:make"), "mine.py", 3) == 21
    assert load_target(plugin.resolved("math:sqrt"), "mine.py", 9.0) == 3.0
    before = plugin.source.digest
    put("deep.py", "WIDTH = 8\n")
    assert file_plugin(Path(str(plugin.source.file))).source.digest != before
    assert str(Path(str(plugin.source.file)).parent) not in sys.path


def test_a_file_that_changed_is_another_module(put: Put) -> None:
    """The old one is not taken for it, though size and second are the same; unchanged it is imported once."""
    path = put("mine.py", "METHODS = {'a': 1}\n")
    first = file_plugin(path)
    assert file_plugin(path).module == first.module
    put("mine.py", "METHODS = {'a': 2}\n")
    second = file_plugin(path)
    assert (second.tables["METHODS"], second.module != first.module) == ({"a": 2}, True)
    assert not list(path.parent.rglob("mine*.pyc"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = 1\ny = x / 0\n", "cannot be used: ZeroDivisionError: division by zero (mine.py, line 2)."),
        (
            "import json\njson.dumps({1})\n",
            "cannot be used: TypeError: Object of type set is not JSON serializable (mine.py, line 2).",
        ),
        ("def f(:\n", "cannot be used: SyntaxError: invalid syntax (mine.py, line 1)."),
        ("import sys\nsys.exit(3)\n", "cannot be used: SystemExit: 3 (mine.py, line 2)."),
        ("from .o import x\n", "cannot be used: ModuleNotFoundError: No module named 'mine.o' (mine.py, line 1)."),
        ("METHODS = [1]\n", "METHODS must map names to rows, not be [1]."),
        ("x = 1\n", "has none of the tables METHODS, DATASETS, LAUNCHERS, TRACKERS."),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_in_one_line(put: Put, text: str, fault: str) -> None:
    """The exception with its place in the plug-in; a second attempt tells the same."""
    path = put("mine.py", text)
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            file_plugin(path)
        (line,) = said(caught)
        assert line.removesuffix(" HARNESS_TRACEBACK=1 prints its traceback.") == f"mine.py: {fault}"


def test_its_own_traceback_can_be_had(
    put: Put, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the variable that the message names."""
    monkeypatch.setenv("HARNESS_TRACEBACK", "1")
    with pytest.raises(PluginError):
        file_plugin(put("mine.py", "1 / 0\n"))
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """With the path that was looked at."""
    with pytest.raises(PluginError) as caught:
        file_plugin(tmp_path / "no.py")
    assert said(caught) == [f"no.py: there is no file {tmp_path / 'no.py'}."]


@pytest.mark.parametrize("name", [".", "a\0b.py", "x" * 300 + ".py"])
def test_what_is_no_file_is_told(tmp_path: Path, name: str) -> None:
    """A folder, and names that no file can have."""
    with pytest.raises(PluginError, match=r"cannot be read: "):
        file_plugin(tmp_path / name)


def test_an_installed_package_names_its_module(install: Callable[..., Path]) -> None:
    """The same tables are read; its source is the package with its version, and no path."""
    path = install("TRACKERS = {'t': 1}\n")
    (plugin,), unread = installed_plugins()
    assert (plugin.tables["TRACKERS"], unread) == ({"t": 1}, ())
    files = {"acme_parts.py": digest_bytes(path.read_bytes())}
    assert plugin.source == PluginSource(name="ours (acme 1.2)", module="acme_parts", files=files)
    assert load_plugins([plugin.source])[0].module == "acme_parts"


@pytest.mark.parametrize(
    ("text", "entry", "fault"),
    [
        ("import nothing_of_that_name\n", "acme_parts", "cannot be used: ModuleNotFoundError: No module named"),
        ("", "acme_other", "there is no module acme_other."),
        ("", "acme_other.deeper", "cannot be used: ModuleNotFoundError: No module named 'acme_other'."),
        ("", "acme_parts:METHODS", "its entry point must name a module, not 'acme_parts:METHODS'."),
        ("", "acme_parts", "has none of the tables"),
    ],
)
def test_a_broken_package_stands_in_nobodys_way(
    install: Callable[..., Path], text: str, entry: str, fault: str
) -> None:
    """It is told, and no error."""
    install(text, entry)
    plugins, (error,) = installed_plugins()
    assert plugins == ()
    assert f"ours (acme 1.2): {fault}" in str(error)


def test_a_plugin_that_changed_is_not_taken_for_what_was_asked_for(put: Put, install: Callable[..., Path]) -> None:
    """Neither a file nor a package: the files that changed are named, and another version is none."""
    path = put("mine.py", "METHODS = {'a': 1}\n")
    install("METHODS = {'b': 1}\n")
    sources = [file_plugin(path).source, installed_plugins()[0][0].source]
    assert [plugin.source for plugin in load_plugins(sources)] == sources
    put("mine.py", "METHODS = {'a': 2}\n")
    with pytest.raises(
        PluginError, match=r"mine.py: is not what it was when this was asked for: mine.py changed\."
    ):
        load_plugins(sources[:1])
    install("METHODS = {'b': 2}\n")
    with pytest.raises(PluginError, match=r"ours \(acme 1.2\): is not what it was .*: acme_parts.py changed\."):
        load_plugins(sources[1:])
    install("METHODS = {'b': 1}\n", version="1.3")
    with pytest.raises(PluginError, match=r"ours \(acme 1.2\): is not installed here, or in another version\."):
        load_plugins(sources[1:])


def test_rows_are_judged_one_by_one(put: Put) -> None:
    """Names that are none or taken, rows of another kind, and what the room finds: all at once."""
    plugin = file_plugin(put("mine.py", "METHODS = {'a': 1, 'b c': 2, 'taken': 3, 'd': 'x', 'e': 5}\n"))
    with pytest.raises(PluginError) as caught:
        rows_of(plugin, "METHODS", int, {"taken"}, lambda name, row: [f"{name} is {row}."] if row == 5 else [])
    assert said(caught) == [
        "mine.py: METHODS['b c']: only letters, digits, '.', '_' and '-' may stand in a name.",
        "mine.py: METHODS['taken']: the name is taken; give this one another.",
        "mine.py: METHODS['d']: must be a int, not 'x'.",
        "mine.py: METHODS['e']: e is 5.",
    ]


def test_digests_are_of_the_plugins_that_have_a_name(put: Put) -> None:
    """By the plug-ins' names; one that has none of the names is left out."""
    one, other = (
        file_plugin(put("a.py", "METHODS = {'x': 1}\n")),
        file_plugin(put("b.py", "DATASETS = {'x': 1}\n")),
    )
    assert digests_of([one, other], {"METHODS": ["x", "y"], "DATASETS": ["y"]}) == {"a.py": one.source.digest}


@pytest.mark.parametrize("target", ["x", ":", "a b:c", "..up:c", ":c.d"])
def test_targets_of_another_form_are_refused(put: Put, target: str) -> None:
    """A name behind a colon, and a module or nothing before it."""
    plugin = file_plugin(put("a.py", "METHODS = {'x': 1}\n"))
    with pytest.raises(ValueError, match=r"must be `:NAME`, `\.FILE:NAME` or `MODULE:NAME`"):
        plugin.resolved(target)
