"""Weights from the Hugging Face hub, when the user asks for them; torch is not needed."""

from __future__ import annotations

import os
from pathlib import Path

from harness.backbone.spec import BackboneSpec
from harness.backbone.weights import hub_cache, weights_file
from harness.errors import BackboneError, Fault, first_line

_YES = frozenset({"1", "ON", "YES", "TRUE"})


def fetch_weights(spec: BackboneSpec) -> Path:
    """The weights on disk, downloaded into the hub's cache where they are in no cache yet.

    Raises:
        BackboneError: they are a local file that is missing, or the hub cannot be reached or does not have them.
    """
    try:
        return weights_file(spec)
    except BackboneError:
        if spec.published is None:
            raise
    _download(spec)
    return weights_file(spec)


def _download(spec: BackboneSpec) -> None:
    assert spec.published is not None
    repository, filenames = spec.published.repository, spec.published.filenames
    if not repository:
        what = "is in no repository of the Hugging Face hub."
        raise BackboneError(Fault(spec.name, what, f"Download {spec.published.url} into ~/.cache/clip."))
    if _is_offline():
        what = f"cannot be fetched: HF_HUB_OFFLINE is set, and {repository} is not in {hub_cache()}."
        raise BackboneError(Fault(spec.name, what, "Unset it, or copy the cache of another machine."))
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    endpoint = os.environ.get("HF_ENDPOINT") or None
    for filename in filenames:
        try:
            hf_hub_download(repository, filename, cache_dir=hub_cache(), endpoint=endpoint)
        except LocalEntryNotFoundError as error:
            why = first_line(error.__cause__ or error)
            what = f"cannot be fetched: {endpoint or 'the Hugging Face hub'} did not answer ({why})."
            mend = f"Try again where it can be reached, or copy {_folder(repository)} from another machine."
            raise BackboneError(Fault(spec.name, what, mend)) from None
        except EntryNotFoundError:
            continue
        except Exception as error:  # the hub's client raises what its HTTP library of the day does
            why = first_line(error.__cause__ or error)
            raise BackboneError(Fault(spec.name, f"cannot be fetched: {why}.")) from None
        return
    what = f"cannot be fetched: {repository} holds neither {' nor '.join(filenames)}."
    raise BackboneError(Fault(spec.name, what))


def _folder(repository: str) -> Path:
    return hub_cache() / f"models--{repository.replace('/', '--')}"


def _is_offline() -> bool:
    """The hub's own rule."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in _YES
