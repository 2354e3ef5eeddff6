"""What wheel and sdist have to hold: ``python tests/e2e/dist_claims.py DIST FOLDER``, in a checkout.

``DIST`` has the sdist and the wheel that was built from it, ``FOLDER`` the wheel that was built from the checkout.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path


def main(dist: Path, straight: Path) -> None:
    """Raise AssertionError when a claim does not hold; print the sizes otherwise."""
    wheel, sdist = _only(dist, "*.whl"), _only(dist, "*.tar.gz")
    held = _contents(wheel)
    assert held == _contents(_only(straight, "*.whl")), "the sdist makes another wheel than the checkout"

    package = {name for name in held if name.startswith("harness/")}
    assert package == {*_tracked("harness"), *(f"harness/{name}" for name in _tracked("experiments"))}
    assert {"harness/py.typed", "harness/experiments/smoke.yaml"} <= package
    metadata = held.keys() - package
    assert {name.split("/", 1)[1] for name in metadata} == {
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"
    }  # fmt: skip

    with tarfile.open(sdist) as archive:
        names = {member.name.split("/", 1)[1] for member in archive.getmembers() if member.isfile()}
    made = {"PKG-INFO", ".gitignore"}  # by the builder: the metadata, and what it must not look at
    assert names - made <= set(_tracked(".")), "the sdist has a file that git does not"
    assert {*_tracked("harness"), *_tracked("experiments"), *_tracked("tests"), *_tracked("docs")} <= names
    sys.stdout.write(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {len(held)} files\n")
    sys.stdout.write(f"{sdist.name}: {sdist.stat().st_size:,} bytes, {len(names)} files\n")


def _only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _tracked(folder: str) -> list[str]:
    """The files of a folder that git has, new ones included that are not yet committed."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", folder)
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [name for name in said.split("\0") if name and Path(name).is_file()]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
