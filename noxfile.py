"""The project's sessions: ``nox`` runs those that are not on demand, ``nox -s NAME`` one of them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "layers", "tests", "docs", "dist", "smoke"]
nox.options.reuse_existing_virtualenvs = True

_CHECKOUT = Path(__file__).parent
_PYTHON_FILES = ("harness", "tests", "docs", "noxfile.py")
_EXTRAS = ("ray", "slurm", "tensorboard")


def _install(session: nox.Session, *groups: str, project: bool = True, extras: str = "") -> None:
    """Install the project, with extras, and some of its dependency groups.

    uv writes no byte code unless it is asked to, and importing torch without takes three times longer.
    """
    flags = ("--compile-bytecode",) if session.virtualenv.venv_backend == "uv" else ()
    packages = ("-e", f".{extras}") if project else ()
    wanted = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *groups) if groups else ()
    session.install(*flags, *packages, *wanted)


def _install_wheel(session: nox.Session, *extras: str) -> None:
    """Install the wheel that the session ``dist`` made, with extras, as somebody does who has no checkout."""
    (wheel,) = _CHECKOUT.glob("dist/*.whl")
    flags = ("--compile-bytecode",) if session.virtualenv.venv_backend == "uv" else ()
    session.install(*flags, f"coop-harness[{','.join(extras)}] @ {wheel.as_uri()}")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    _install(session, "lint", project=False)
    session.run("ruff", "check", *_PYTHON_FILES)
    session.run("ruff", "format", "--check", *_PYTHON_FILES)


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    _install(session, "types")
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Imports go down only; nothing is imported to find that out."""
    _install(session, "layers", project=False)
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole default test suite."""
    _install(session, "test")
    session.run("pytest", *(session.posargs or ("-n", str(min(4, os.cpu_count() or 1)))))


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session) -> None:
    """The whole default test suite by each Python that is on this machine (on demand)."""
    _install(session, "test")
    session.run("pytest", *(session.posargs or ("-n", str(min(4, os.cpu_count() or 1)))))


@nox.session(reuse_venv=False)
def minimums(session: nox.Session) -> None:
    """The whole default test suite with the lowest versions that pyproject.toml allows (on demand; needs uv)."""
    if session.virtualenv.venv_backend != "uv":
        session.error("only uv chooses lowest versions: pip install uv")
    extras = f"-e.[{','.join(_EXTRAS)}]"
    # open_clip needs torchvision, whose releases each go with one of torch; 0.20 is that of torch 2.5.
    lowest = ("--resolution", "lowest-direct", "--compile-bytecode", extras, "torchvision>=0.20")
    session.install(*lowest, *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test"))
    session.run("uv", "pip", "list", external=True)
    # That newer releases of a need's own needs call it outdated is no fault of the lowest version.
    # torch 2.5 says so of itself, in another kind of warning.
    of_torch = "default:`torch.cpu.amp.autocast(args...)` is deprecated:FutureWarning"
    outdated = ("-W", "default::DeprecationWarning", "-W", of_torch)
    session.run("pytest", *outdated, *(session.posargs or ("-n", str(min(4, os.cpu_count() or 1)))))


@nox.session
def browser(session: nox.Session) -> None:
    """The page in a real browser (on demand; needs Chromium, and for accessibility npm)."""
    _install(session, "browser")
    environment = {}
    if shutil.which("npm"):
        folder = session.create_tmp()
        session.run("npm", "install", "--silent", "--no-save", "--prefix", folder, "axe-core@4", external=True)
        environment["HARNESS_AXE"] = str(Path(folder) / "node_modules" / "axe-core" / "axe.min.js")
    session.run("pytest", "-m", "browser", *(session.posargs or ("tests/unit/report/page",)), env=environment)


@nox.session
def dist(session: nox.Session) -> None:
    """The wheel and the sdist, in dist/, and what is claimed about them."""
    session.install("build", "twine", "cffconvert")
    folder = _CHECKOUT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    quiet = ("python", "-m", "build", *(("--installer", "uv") if shutil.which("uv") else ()))
    session.run(*quiet, "--outdir", str(folder), silent=True)  # the wheel is built from the sdist
    with tempfile.TemporaryDirectory() as straight:
        session.run(*quiet, "--wheel", "--outdir", straight, silent=True)
        session.run("python", "tests/e2e/dist_claims.py", str(folder), straight)
    session.run("twine", "check", "--strict", *map(str, folder.glob("coop_harness-*")))
    session.run("cffconvert", "--validate", silent=True)


@nox.session(reuse_venv=False, requires=["dist"])
def smoke(session: nox.Session) -> None:
    """The smoke matrix in a fresh results folder, its report, and the claims made about both.

    It runs as a stranger runs it: from the wheel, in an environment of its own, outside of the checkout.
    """
    _install_wheel(session)
    folder = Path(tempfile.mkdtemp(prefix="harness-smoke-"))
    try:
        environment = {"HARNESS_CACHE": str(folder / "cache")}
        with session.chdir(folder):
            session.run("harness", "run", "--matrix", "smoke", env=environment)
            session.run("harness", "report", "--matrix", "smoke", env=environment)
            session.run("python", str(_CHECKOUT / "tests/e2e/smoke_claims.py"), "results", env=environment)
    finally:
        if "--keep" in session.posargs:
            session.log(f"kept {folder}")
        else:
            shutil.rmtree(folder)


@nox.session(reuse_venv=False, requires=["dist"])
@nox.parametrize("extras", [(), *((extra,) for extra in _EXTRAS), _EXTRAS], ids=["none", *_EXTRAS, "all"])
def package(session: nox.Session, extras: tuple[str, ...]) -> None:
    """What an installed wheel answers, without extras, with each and with all (on demand)."""
    _install_wheel(session, *extras)
    if session.virtualenv.venv_backend == "uv":
        session.run("uv", "pip", "check", external=True)
    else:
        session.run("python", "-m", "pip", "check")
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        claims = _CHECKOUT / "tests" / "e2e" / "installed_claims.py"
        session.run("python", str(claims), *extras, env={"HARNESS_CACHE": "cache"})
        if not extras:
            # A program of the user's, checked against the types that the wheel brings.
            session.install("mypy")
            session.run("mypy", "--strict", "--cache-dir", "mypy", str(claims.with_name("typed_consumer.py")))
            # Somebody's package with a plug-in, and the contract that it is held to.
            example = _CHECKOUT / "docs" / "examples" / "package"
            session.install(str(example), "pytest")
            session.run("pytest", "-W", "error", "-c", str(example / "pyproject.toml"), str(example / "tests"))


@nox.session(requires=["dist"])
def licences(session: nox.Session) -> None:
    """The licences of all that comes with an installation, against docs/licences.md (on demand; --write)."""
    _install_wheel(session, *_EXTRAS)
    session.run("python", "docs/licences.py", *session.posargs)


@nox.session
def ray(session: nox.Session) -> None:
    """The tests that need a real Ray, of two nodes on this machine (on demand; about two minutes)."""
    _install(session, "test", extras="[ray]")
    # Ray is kept to the loopback address by a variable, and a test sees to that. Where the kernel allows a network
    # of the session's own, nothing else can be reached anyhow.
    alone = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    is_allowed = shutil.which("unshare") and not subprocess.run([*alone, "true"], capture_output=True).returncode
    prefix = alone if is_allowed else ()
    session.run(*prefix, "pytest", "-m", "ray", "-n", "0", *session.posargs, external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """The documents as a site, in docs/_build; warnings are errors."""
    _install(session, "docs")
    out = Path("docs", "_build")
    strict = ("--nitpicky", "--fail-on-warning", "--keep-going", "--quiet")
    session.run("sphinx-build", "--fresh-env", "--write-all", *strict, "docs", str(out))  # or warnings come once
    session.log(f"the site begins at {out / 'index.html'}")


@nox.session
def scenes(session: nox.Session) -> None:
    """Everything that the documents say, done in order and to the end (on demand; about two minutes)."""
    _install(session, "test")
    session.run("pytest", "-m", "scenes", "-n", "0", "tests/e2e/test_documents.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks, a JSON line each (on demand; names of benchmarks as arguments)."""
    _install(session)
    session.run("python", "tests/bench/bench.py", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Kills and interrupts at random moments (on demand; HARNESS_CHAOS_ROUNDS says how many, 20 without it)."""
    _install(session, "test")
    session.run("pytest", "-m", "chaos", "-n", "0", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Files of every kind, damaged in many ways, are read or refused (on demand; -- EXAMPLES [-k READER])."""
    _install(session, "test")
    n_examples, *selection = session.posargs or ("2000",)
    environment = {"HARNESS_FUZZ_EXAMPLES": n_examples}
    session.run("pytest", "tests/property/test_readers.py", "-n", "0", *selection, env=environment)


@nox.session
def mutants(session: nox.Session) -> None:
    """Which changes of a room's code its own tests do not notice (on demand; -- ROOM [MUTANTS])."""
    if not session.posargs:
        session.error("name a room: nox -s mutants -- matrix")
    room, *names = session.posargs
    _install(session, "test", "mutation")
    folder = Path(session.create_tmp()) / room
    if not names:  # mutants by name are tried again where they lie, by the tests of today
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("harness", "tests", "experiments"):
        shutil.copytree(name, folder / name, dirs_exist_ok=True)
    # The room's own tests, and the properties that are asked of it; the fuzzing of all readers takes too long.
    properties = [path for path in Path("tests/property").glob("test_*.py") if path.stem != "test_readers"]
    asked = [str(path) for path in sorted(properties) if f"harness.{room}" in path.read_text(encoding="utf-8")]
    settings = {
        "source_paths": ["harness"],
        "only_mutate": [f"harness/{room}/*"],
        "also_copy": ["experiments"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-n", "0"],
        "pytest_add_cli_args_test_selection": [f"tests/unit/{room}", *asked],
        "timeout_multiplier": 5.0,
    }
    section = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
    project = Path("pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{section}\n", encoding="utf-8")
    with session.chdir(folder):
        session.run("mutmut", "run", "--max-children", str(os.cpu_count() or 1), *names)
        results = session.run("mutmut", "results", silent=True)
        session.log(
            "\n".join(["left:", *(line for line in str(results).splitlines() if "not checked" not in line)])
        )


@nox.session
def slurm(session: nox.Session) -> None:
    """Workers on a real Slurm of two nodes (on demand; needs slurmctld, slurmd, slurm-client and munge)."""
    _install(session, "test")
    # Most of the time goes by in waiting for Slurm, so two clusters stand side by side.
    session.run("pytest", "-m", "slurm", "-n", "2", "-rA", "tests/slurm", *session.posargs)


@nox.session
def tiny(session: nox.Session) -> None:
    """Pretrain the tiny backbone anew (on demand; --out DIR)."""
    _install(session)
    out = session.posargs or ("--out", "tiny-backbone")
    session.run("python", "-m", "harness.backbone.tiny.pretrain", *out)


if __name__ == "__main__":
    sys.exit("run `nox`, or `nox -s NAME`")
