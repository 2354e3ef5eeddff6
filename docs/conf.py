"""How the site is built: ``nox -s docs``. Nothing is fetched while it is built, and its pages load nothing."""

import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx

import harness

project = "harness"
author = "The harness developers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name for it
release = version = harness.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "_generated", "examples"]
nitpicky = True
# Names of other packages, whose sites are not asked while this one is built, private names, and type variables.
nitpick_ignore_regex = [
    ("py:.*", r"(?!harness\.).*"),
    ("py:.*", r".*\._\w+"),
    ("py:.*", r"harness\.testing\.check\.Subject"),
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True

autodoc_default_options = {"exclude-members": "__init__, __new__, model_config"}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_maximum_signature_line_length = 90

html_theme = "furo"
html_title = f"harness {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False

_HERE = Path(__file__).parent
_COMMANDS = _HERE / "_generated" / "commands.md"


def _write_commands(_: Sphinx) -> None:
    """Write what every command and option is, as the program itself tells it; docs/commands.md takes it in."""
    words = ["--app", "app", "harness.cli.app", "utils", "docs", "--name", "harness"]
    told = subprocess.run([sys.executable, "-m", "typer", *words], check=True, capture_output=True, text=True)
    _, _, commands = told.stdout.partition("\n## ")  # what comes before tells less than docs/commands.md does
    _COMMANDS.parent.mkdir(exist_ok=True)
    _COMMANDS.write_text(f"## {commands}", encoding="utf-8")


def _told_once(_: Sphinx, what: str, __: str, of: object, *___: object) -> tuple[str, None] | None:
    """No signature for a class whose docstring has a list of attributes: that tells the same, with its meaning."""
    return ("", None) if what == "class" and "Attributes:" in (of.__doc__ or "") else None


def setup(app: Sphinx) -> None:
    """Have the commands written before anything is read, and no value told twice."""
    app.connect("builder-inited", _write_commands)
    app.connect("autodoc-process-signature", _told_once)
