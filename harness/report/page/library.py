"""The library that draws the page's charts: Vega-Lite with Vega, from the package vl-convert-python."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from importlib.metadata import version

from harness.files import cache_folder, write_text

_PACKAGE = "vl-convert-python"
_SNIPPET = "window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True, slots=True)
class Library:
    """A script, and what is said of it: names, versions and licence."""

    script: str
    credit: str


def plot_library() -> Library:
    """Vega, Vega-Lite and Vega-Embed as one script, under ``window.vegaEmbed``.

    The package puts the script together, which takes a second or two; after that it lies in the cache, under the
    version that made it.
    """
    import vl_convert  # loads 90 MB of machine code; only a page needs it

    own = version(_PACKAGE)
    path = cache_folder() / "page" / f"vega-{own}.js"
    try:
        script = path.read_text(encoding="utf-8")
    except OSError:
        script = vl_convert.javascript_bundle(_SNIPPET)
        if "</script" in script.lower() or "<!--" in script:
            raise RuntimeError(f"the script of {_PACKAGE} {own} cannot stand in a page") from None
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            write_text(path, script)
    vega, embed = vl_convert.get_vega_version(), vl_convert.get_vega_embed_version()
    lite = vl_convert.get_vegalite_versions()[-1]
    credit = (
        f"Charts: Vega {vega}, Vega-Lite {lite} and Vega-Embed {embed} (BSD 3-Clause, University of Washington "
        f"Interactive Data Lab), put together by {_PACKAGE} {own}."
    )
    return Library(script, credit)
