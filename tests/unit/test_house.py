"""docs/architecture.md and its picture are those of the import contracts."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

_DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def house() -> ModuleType:
    """The script that draws the picture."""
    spec = importlib.util.spec_from_file_location("house", _DOCS / "house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_of_today(house: ModuleType) -> None:
    """The committed picture is what the contracts and docstrings give; ``python docs/house.py`` makes it so."""
    assert (_DOCS / "images" / "house.svg").read_text(encoding="utf-8") == house.draw(house.read_house())


def test_every_room_has_a_floor_and_a_purpose(house: ModuleType) -> None:
    """The floors name each package and module of harness once, and each says what it is for."""
    package = _DOCS.parent / "harness"
    there = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    there |= {path.stem for path in package.glob("[a-z]*.py")}
    drawn = [room for floor in house.read_house().floors for room in floor]
    assert sorted(drawn) == sorted(there)
    assert all(house.purpose(room) for room in drawn)


def test_every_contract_is_told() -> None:
    """The page has a line for each import contract, and for no other."""
    root = _DOCS.parent
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    table = (
        (_DOCS / "architecture.md").read_text(encoding="utf-8").partition("| contract |")[2].partition("\n\n")[0]
    )
    told = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert sorted(told) == sorted(contract["name"] for contract in contracts)


def test_journeys_pass_rooms_that_there_are(house: ModuleType) -> None:
    """Each stop of a journey is a room, and the text tells each journey."""
    rooms = {room for floor in house.read_house().floors for room in floor}
    text = (_DOCS / "architecture.md").read_text(encoding="utf-8")
    for name, stops in house.JOURNEYS.items():
        assert rooms.issuperset(stops)
        assert f"**{name}**" in text


def test_files_that_the_text_names_exist() -> None:
    """A path of the architecture page is a file or folder of the repository."""
    root = _DOCS.parent
    named = re.findall(r"`([\w/]+(?:\.py|/))`", (_DOCS / "architecture.md").read_text(encoding="utf-8"))
    absent = [name for name in named if not ((root / name).exists() or (root / "harness" / name).exists())]
    assert len(named) > 10
    assert absent == []
