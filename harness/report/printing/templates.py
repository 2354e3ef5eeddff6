"""How templates read in a table: one sentence, an ensemble by name, or several of both."""

from __future__ import annotations

from collections.abc import Iterable

from harness.matrix.template import ENSEMBLES, OWN, parts_of

_PRINTED = {"imagenet": "ImageNet"}


def template_words(template: str) -> str:
    """A template inside a label: ``template "a {}."``, ``3 templates``, ``template 7 selected + own``."""
    named, said = _parts(template)
    if not named and len(said) > 1:
        return f"{len(said)} templates"
    if template == OWN:
        return "own template"
    if named and not said:
        return f"{' + '.join(named)} templates"
    return f"template {' + '.join([*named, _some(said)])}"


def template_sentence(templates: Iterable[str]) -> str:
    """The templates of one method over its data sets, for a caption: ``template: "a {}."``."""
    parts = [_parts(template) for template in sorted(templates)]
    if len(parts) == 1:
        named, said = parts[0]
        which = " + ".join([*named, *(f'"{sentence}"' for sentence in said)])
    else:
        ensembles = {tuple(named) for named, _ in parts}
        shared = ensembles.pop() if len(ensembles) == 1 and all(len(said) == 1 for _, said in parts) else ()
        which = " + ".join([*shared, "each data set's own"])
    is_ensemble = any(named or len(said) > 1 for named, said in parts)
    return f"{'templates' if is_ensemble else 'template'}: {which}"


def _parts(template: str) -> tuple[list[str], list[str]]:
    """The ensembles of a template, as they are printed, and its sentences."""
    parts = parts_of(template)
    named = [f"{ENSEMBLES[part]} {_PRINTED.get(part, part)}" for part in parts if part in ENSEMBLES]
    return named, [part for part in parts if part not in ENSEMBLES]


def _some(said: list[str]) -> str:
    if len(said) > 1:
        return f"{len(said)} more"
    return OWN if said[0] == OWN else f'"{said[0]}"'
