"""The licences of what harness needs; ``nox -s licences`` looks at what those need in turn."""

import importlib.util
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def licences() -> Any:
    """The program that writes the list."""
    path = Path(__file__).parents[2] / "docs" / "licences.py"
    place = importlib.util.spec_from_file_location("licences", path)
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture
def project(repository: Path) -> dict[str, Any]:
    """The section of that name in pyproject.toml."""
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]


def test_everything_that_is_needed_directly_is_listed(licences: Any, project: dict[str, Any]) -> None:
    """A new dependency, of an extra or of all, is looked at before it comes in."""
    extras = project["optional-dependencies"]
    needs = [
        Requirement(need) for need in (*project["dependencies"], *(each for of in extras.values() for each in of))
    ]
    listed = licences.listed()
    assert [need.name for need in needs if canonicalize_name(need.name) not in listed] == []
    assert tuple(extras) == licences.EXTRAS


def test_every_listed_licence_is_an_allowed_one(licences: Any) -> None:
    """The document has nothing that the program would not let pass."""
    listed = licences.listed()
    assert len(listed) > 50
    assert [fault for name, licence in listed.items() if (fault := licences.fault_of(name, licence))] == []


def test_installed_licences_are_allowed(licences: Any, project: dict[str, Any]) -> None:
    """What is needed directly has by its metadata a licence that was looked at, in this version, too."""
    faults = []
    for need in map(Requirement, project["dependencies"]):
        licence = licences.licence_of(distribution(need.name))
        faults.append(licences.fault_of(need.name, licence))
    assert set(faults) == {None}


@pytest.mark.parametrize(
    ("name", "licence", "what"),
    [
        ("mine", "", "names no licence"),
        ("mine", "GPL-3.0-only", "GPL-3.0-only is not among"),
        ("mine", "MIT AND GPL-3.0-only", "mine: GPL-3.0-only is not among"),
        ("mine", "NVIDIA", "NVIDIA is not among"),
    ],
)
def test_unknown_licence_is_a_fault(licences: Any, name: str, licence: str, what: str) -> None:
    """A licence that nobody looked at is told, also beside one that is allowed; NVIDIA's is allowed to NVIDIA."""
    assert what in licences.fault_of(name, licence)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"License-Expression": "MIT AND Zlib", "License": "whatever"}, "MIT AND Zlib"),
        ({"License": "Apache License 2.0\nlong text"}, "Apache-2.0"),
        ({"Classifier": "License :: OSI Approved :: BSD License", "License": "long text"}, "BSD"),
        (
            {"Classifier": "License :: OSI Approved :: BSD License", "License": "BSD 3-Clause License"},
            "BSD-3-Clause",
        ),
        ({"License": "UNKNOWN"}, ""),
        ({"Classifier": "Programming Language :: Python"}, ""),
    ],
)
def test_licence_is_read_from_metadata(
    licences: Any, tmp_path: Path, metadata: dict[str, str], licence: str
) -> None:
    """An expression goes before classifiers, and those before free text, of which the first line counts.

    Where the classifier is less exact, the free text goes first.
    """
    folder = tmp_path / "mine-1.dist-info"
    folder.mkdir()
    lines = {"Name": "mine", "Version": "1"} | metadata
    folded = (f"{key}: " + value.replace("\n", "\n        ") for key, value in lines.items())
    (folder / "METADATA").write_text("\n".join(folded) + "\n")
    assert licences.licence_of(Distribution.at(folder)) == licence
