"""Templates: the sentences that a class name is put into, as a matrix writes them and as a cell has them.

A matrix writes a sentence, the name of an ensemble, ``ENSEMBLE+own``, or a list of such parts. A cell has one
string: the parts joined by line ends, ``own`` replaced by the data set's sentence. Names of ensembles stay names;
the sentences behind them are open_clip's and stand in ``backbone.templates``.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import did_you_mean

OWN = "own"  # the hand-crafted sentence of the data set that is evaluated on
# How many sentences each ensemble has. CLIP's makers wrote 80 for ImageNet and selected 7 of them, which CoOp's
# zero-shot ensemble uses (github.com/KaiyangZhou/CoOp, trainers/zsclip.py).
ENSEMBLES: Mapping[str, int] = {"selected": 7, "imagenet": 80}
NAMES = (OWN, *ENSEMBLES, *(f"{name}+{OWN}" for name in ENSEMBLES))
_JOINT = "\n"  # no sentence holds one


def sentence_fault(value: object) -> str | None:
    """What is wrong with one sentence; ``None`` when it can be used."""
    if not isinstance(value, str) or not value.strip():
        return f"must be words, not {value!r}."
    if value.count("{}") != 1:
        return f"must hold {{}} once, where the class name goes, not {value!r}."
    if not value.isprintable():
        return f"must be one line, without control characters, not {value!r}."
    return None


def template_fault(value: object) -> str | None:
    """What is wrong with a value of the axis ``template``; ``None`` when it can be used."""
    if not isinstance(value, list):
        return None if value is None else _part_fault(value)
    if not value:
        return "is an empty ensemble; give at least one sentence."
    faults = [_part_fault(part) for part in value]
    if any(faults):
        return " ".join(dict.fromkeys(filter(None, faults)))
    parts = parts_of(spelled(value))
    twice = next((part for part in parts if parts.count(part) > 1), None)
    return None if twice is None else f"is an ensemble that holds {twice!r} twice."


def _part_fault(part: object) -> str | None:
    """What is wrong with a sentence or a name."""
    what = None if part in NAMES else sentence_fault(part)
    if what is None or not isinstance(part, str) or "{}" in part or not part.strip():
        return what
    return f"{what} Or name an ensemble. {did_you_mean(part, NAMES)}"


def spelled(value: str | list[str] | None) -> str:
    """A usable value of the axis as one string, ``own`` not yet replaced, which is what no value stands for."""
    parts = [OWN] if value is None else [value] if isinstance(value, str) else value
    return _JOINT.join(name for part in parts for name in ([part] if "{}" in part else part.split("+")))


def resolved(template: str, own: str) -> str:
    """The cell's template: ``own`` replaced by the data set's sentence."""
    return _JOINT.join(own if part == OWN else part for part in parts_of(template))


def parts_of(template: str) -> tuple[str, ...]:
    """The sentences and names of ensembles that a cell's template is made of."""
    return tuple(template.split(_JOINT))


def n_sentences(template: str) -> int:
    """How many sentences each class name is put into."""
    return sum(ENSEMBLES.get(part, 1) for part in parts_of(template))


def readable(template: str, own: str | None = None) -> str:
    """A cell's template on one line; the data set's sentence, where it is given, reads ``own``."""
    return " + ".join(OWN if part == own else part for part in parts_of(template))
