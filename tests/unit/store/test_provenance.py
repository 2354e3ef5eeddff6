"""From which code, packages and machine a record comes."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import harness
from harness.store import provenance


def test_versions_are_those_of_the_environment() -> None:
    """The packages that numbers depend on are listed with their versions."""
    assert provenance.package_versions()["torch"] == version("torch")
    assert "missing" not in provenance.package_versions().values()


def test_absent_package_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not installed does not stop a run."""
    monkeypatch.setattr(provenance, "_PACKAGES", ("no-such-package-anywhere",))
    assert provenance.package_versions() == {"no-such-package-anywhere": "missing"}


def test_platform_does_not_name_the_host() -> None:
    """A record can be published without saying whose machine it was."""
    assert provenance.platform_name() == f"{platform.system()}-{platform.machine()}"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout in which the harness seems to lie."""
    commands = [
        ["git", "init", "-q"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ]
    for command in commands:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "harness" / "__init__.py"))
    return tmp_path


def test_git_state_names_the_commit(checkout: Path) -> None:
    """A clean checkout is its commit, and changed files are said."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True)
    assert provenance.git_state() == (head.stdout.strip(), False)
    (checkout / "new").write_text("")
    assert provenance.git_state() == (head.stdout.strip(), True)


def test_installed_package_has_no_git_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a checkout there is nothing to say, also inside of somebody else's."""
    monkeypatch.setattr(harness, "__file__", str(tmp_path / "harness" / "__init__.py"))
    assert provenance.git_state() == (None, None)
