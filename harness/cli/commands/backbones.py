"""``harness backbones``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.backbone.fetch import fetch_weights
from harness.backbone.published import architectures, published_weights
from harness.backbone.spec import WELL_KNOWN, BackboneSpec, backbone_spec, name_fault
from harness.backbone.supported import image_size_px
from harness.backbone.weights import weights_digest, weights_file
from harness.cli.output import console
from harness.errors import BackboneError, Fault

_NUMBERS = ("image_px", "parameters")
_COLUMNS = ("backbone", *_NUMBERS, "weights")


def list_command(everything: bool) -> int:
    """Print one line a backbone: the well-known ones, or all that open_clip knows by a tag."""
    names = [*WELL_KNOWN, *(name for name in _tagged() if name not in WELL_KNOWN)] if everything else WELL_KNOWN
    console.table("", _COLUMNS, map(_row, names), numbers=_NUMBERS)
    if not everything:
        console.say()
        console.say("any other of open_clip's is ARCHITECTURE:TAG or ARCHITECTURE:FILE; --all lists the tags")
    return 0


def fetch_command(names: Sequence[str]) -> int:
    """Fetch the weights of some backbones and print where they are.

    Raises:
        BackboneError: names are wrong, and nothing was fetched; or the hub did not give what was asked.
    """
    faults = [Fault(name, what) for name in names if (what := name_fault(name)) is not None]
    if faults:
        raise BackboneError(faults)
    for name in names:
        try:
            spec = backbone_spec(name)
            console.say(f"{name}: {fetch_weights(spec)} (sha256 {weights_digest(spec)})")
        except BackboneError as error:  # the others are fetched all the same
            faults += error.faults
    if faults:
        raise BackboneError(faults)
    return 0


def _tagged() -> Iterator[str]:
    known = architectures()
    for architecture, rows in published_weights().items():
        if architecture in known:
            yield from (f"{architecture}:{tag}" for tag in rows)


def _row(name: str) -> tuple[str, str, str, str]:
    n_parameters = f"{WELL_KNOWN[name]:,}" if name in WELL_KNOWN else ""
    try:
        spec = backbone_spec(name)
    except BackboneError as error:  # known to open_clip, and nothing that the harness can run
        size = image_size_px(architectures()[name.partition(":")[0]])
        return name, str(size), n_parameters, error.faults[0].what
    return name, str(spec.image_size_px), n_parameters, _state(spec)


def _state(spec: BackboneSpec) -> str:
    """Where the weights are and how large, or how to get them."""
    try:
        file = weights_file(spec)
    except BackboneError:
        return f"not on disk: harness backbones fetch {spec.name}"
    return f"{file} ({file.stat().st_size / 1e6:,.0f} MB)"
