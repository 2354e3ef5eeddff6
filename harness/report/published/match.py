"""Which published figure a number of ours is held against, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import stdev

from harness.matrix.protocol import PROTOCOLS
from harness.matrix.template import parts_of
from harness.report.published.ours import Ours, learns
from harness.report.published.read import ACCURACY, AVERAGE, HARMONIC, UNKNOWN, Published
from harness.report.published.sizes import ELEVEN, SHIFTS, TEST_IMAGES

Place = tuple[str, str, str, str]  # trained on (nothing for zero-shot), evaluated on, classes, metric
ByPlace = Mapping[Place, Sequence[Published]]
_TAG = "openai"
_VIEWS = "live"
_MOST_SIZES = 2  # test sets of an average that are told one by one
_UNSTATED = {"context": "unified", "n_ctx": "16", "class_token_position": "end", "template": "own"}  # the usual
_AXES = ("context", "n_ctx", "class_token_position", "ctx_init")
_WORDS = {
    "context": "context {}", "n_ctx": "M = {}", "class_token_position": "class name {}", "ctx_init": "init {}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A figure, or the one that comes nearest, and why the two cannot be compared (empty where they can)."""

    figure: Published | None
    reason: str


def comparable_figures(figures: Iterable[Published]) -> ByPlace:
    """Accuracies and harmonic means by place; runs of single seeds without a mean become one."""
    found: dict[Place, list[Published]] = {}
    for figure in _with_means([each for each in figures if each.metric in (ACCURACY, HARMONIC)]):
        found.setdefault(_figure_place(figure), []).append(figure)
    return found


def match(ours: Ours, figures: ByPlace) -> Match:
    """The figure of a set that is about what ``ours`` is about; its conditions may still be other ones."""
    here = figures.get(_our_place(ours), ())
    if not here:
        return Match(None, f"the set has nothing on {_place_words(ours)}{_elsewhere(ours, figures)}")
    architecture, _, tag = ours.group.backbone.partition(":")
    reason = f"another backbone (published: {_listed(each.backbone for each in here)})"
    here = [each for each in here if each.backbone == architecture and tag == _TAG]
    if not here:
        return Match(None, reason)
    here = [each for each in here if each.method == ours.row.method]
    if not here:
        return Match(None, f"the set has no {ours.row.method_name} here")
    if learns(ours):
        reason = f"other shots (published: {_listed(str(each.shots) for each in here if each.shots)})"
        here = [each for each in here if each.shots == ours.shots]
        if not here:
            return Match(None, reason)
    nearest = min(here, key=lambda each: (len(_axis_reasons(ours, each)), bool(each.obstacle)))
    if reasons := _axis_reasons(ours, nearest):
        return Match(nearest, "; ".join(reasons))
    return Match(nearest, "; ".join(_condition_reasons(ours, nearest)))


def like(figure: Published, figures: ByPlace) -> list[Published]:
    """Other figures of the same method in the same place, with another value than rounding explains."""
    return [
        each
        for each in figures.get(_figure_place(figure), ())
        if each is not figure
        and (each.backbone, each.method, each.shots) == (figure.backbone, figure.method, figure.shots)
        and all(_may_be(each, figure, axis) for axis in (*_AXES, "template"))
        and abs(each.value - figure.value) > Decimal("0.0001") + max(_unit(each), _unit(figure))
    ]


def _may_be(each: Published, figure: Published, axis: str) -> bool:
    """Whether two figures may have one value of an axis; what a source does not state is taken to be the usual."""
    one, other = (
        _UNSTATED.get(axis, UNKNOWN) if value == UNKNOWN else value
        for value in (getattr(each, axis), getattr(figure, axis))
    )
    return one == other or UNKNOWN in (one, other)


def _unit(figure: Published) -> Decimal:
    return Decimal(1).scaleb(int(figure.value.as_tuple().exponent))


def _our_place(ours: Ours) -> Place:
    dataset, on = ours.dataset, ours.evaluate_on
    if AVERAGE in (dataset, on) and not _is_published_average(ours):
        dataset = f"{dataset} of {len(ours.places)}"
    if not learns(ours) and ours.group.classes == "all" and on not in ("", AVERAGE):
        dataset, on = on, ""
    return dataset, on, ours.group.classes, ours.metric


def _figure_place(figure: Published) -> Place:
    dataset, on = figure.dataset, figure.evaluate_on
    if figure.method == "zero_shot" and figure.classes == "all" and on not in ("", AVERAGE):
        dataset, on = on, ""
    return dataset, on, figure.classes, figure.metric


def _is_published_average(ours: Ours) -> bool:
    """Whether an average is over the data sets that published ones are over."""
    names = {dataset for dataset, _ in ours.places}
    if ours.evaluate_on == AVERAGE:
        return names in (set(ELEVEN) - {ours.dataset}, set(SHIFTS))
    return names == set(ELEVEN)


def _place_words(ours: Ours) -> str:
    if AVERAGE in (ours.dataset, ours.evaluate_on):
        return f"the average of these {len({dataset for dataset, _ in ours.places})} data sets"
    return ours.where


def _elsewhere(ours: Ours, figures: ByPlace) -> str:
    """What is published of the data set that is not the same thing, and is easily taken for it."""
    words = {
        ("all", "accuracy"): "all classes",
        ("base", "accuracy"): "base classes",
        ("base", "harmonic_mean"): "the harmonic mean of base and new classes",
    }
    found = [
        "new classes" if on == "new" else words[classes, metric]
        for dataset, on, classes, metric in figures
        if dataset == _our_place(ours)[0] and on in ("", "new") and ours.evaluate_on in ("", "new")
    ]
    return (
        f" ({'all' if ours.group.classes == 'all' else 'these'} classes; published: {_listed(found)})"
        if found
        else ""
    )


def _axis_reasons(ours: Ours, figure: Published) -> list[str]:
    """The axes of a context, or the template, that are other ones."""
    if figure.method == "coop":
        found = []
        for axis in _AXES:
            own = str(ours.row.axis(axis) or ("random" if axis == "ctx_init" else ""))
            theirs = str(getattr(figure, axis))
            if own.replace("_", " ") == theirs.replace("_", " ") or (axis == "ctx_init" and theirs == UNKNOWN):
                continue
            said = "not stated" if theirs == UNKNOWN else theirs.replace("_", " ")
            found.append(f"{_WORDS[axis].format(own.replace('_', ' '))} (published: {said})")
        return found
    if figure.method == "zero_shot":
        own = _template(ours)
        if own == figure.template:
            return []
        theirs = "not stated" if figure.template == UNKNOWN else figure.template
        return [f"template {own} (published: {theirs})"]
    return []


def _template(ours: Ours) -> str:
    """``own`` where each data set has a single sentence, or the ensemble's name."""
    templates = {each.cell.template or "" for each in ours.entries}
    if all(len(parts_of(each)) == 1 and "{}" in each for each in templates):
        return "own"
    return " or ".join(sorted(each.replace("\n", " + ") for each in templates))


def _condition_reasons(ours: Ours, figure: Published) -> list[str]:
    """What else keeps the two from being compared."""
    found = [figure.obstacle] if figure.obstacle else []
    if ours.accuracy.mean is None or not ours.accuracy.whole:
        found.append(ours.why or "runs are missing")
    found += _size_reasons(ours)
    if learns(ours):
        found += _recipe_reasons(ours, figure)
    return found


def _size_reasons(ours: Ours) -> list[str]:
    """Other test images, or training images that were not drawn as published."""
    found = []
    sizes: dict[str, str] = {}
    for entry in ours.entries:
        record, (dataset, classes) = entry.record, entry.cell.target()
        if record is None or entry.hole:
            continue
        wanted = TEST_IMAGES.get(dataset) if classes == "all" else None
        if wanted is not None and record.n_test != wanted:
            sizes[dataset] = f"{record.n_test:,} test images of {dataset} (published: {wanted:,})"
        if record.provenance is not None and record.provenance.list_digest is not None:
            found.append("training images from a list")
        if record.fewer_shots:
            found.append("classes with fewer images than asked for")
    said = list(sizes.values())
    if len(said) > _MOST_SIZES:
        said = [*said[:1], f"so of {len(said) - 1} other data sets"]
    return list(dict.fromkeys([*said, *found]))


def _recipe_reasons(ours: Ours, figure: Published) -> list[str]:
    """Numbers of the recipe, and the way images are varied, that are other ones."""
    found = []
    cells = [entry.cell for entry in ours.entries]
    views = {str(cell.views) for cell in cells}
    if figure.method == "coop" and views != {_VIEWS}:
        found.append(f"views {_listed(views)} (published: {_VIEWS})")
    protocol = PROTOCOLS.get(figure.protocol)
    if protocol is None and figure.epochs is None:
        return [*found, "its source does not state the recipe"]
    differing: dict[str, tuple[set[str], set[str]]] = {}
    for cell in cells:
        theirs = {} if protocol is None else dict(protocol.recipe(figure.method, cell.dataset, cell.shots))
        if figure.epochs is not None:
            theirs["epochs"] = figure.epochs
        own = cell.recipe_dict()
        for name in theirs:
            if own.get(name) != theirs[name]:
                both = differing.setdefault(name, (set(), set()))
                both[0].add(str(own.get(name)))
                both[1].add(str(theirs[name]))
    return [
        *found,
        *(f"{name} {_listed(own)} (published: {_listed(theirs)})" for name, (own, theirs) in differing.items()),
    ]


def _with_means(figures: Sequence[Published]) -> list[Published]:
    """The figures without single seeds, which become a mean where their source has none."""
    means = [each for each in figures if each.seed is None]
    known = {_setting(each) for each in means}
    seeds: dict[tuple[object, ...], list[Published]] = {}
    for each in figures:
        if each.seed is not None and _setting(each) not in known:
            seeds.setdefault(_setting(each), []).append(each)
    return [*means, *map(_mean, seeds.values())]


def _setting(figure: Published) -> tuple[object, ...]:
    return (
        figure.source, figure.backbone, figure.method, *(getattr(figure, axis) for axis in _AXES), figure.template,
        figure.dataset, figure.evaluate_on, figure.classes, figure.shots, figure.metric, figure.epochs,
        figure.obstacle,
    )  # fmt: skip


def _mean(runs: Sequence[Published]) -> Published:
    """The mean of the runs of single seeds, rounded as they are printed."""
    first = runs[0]
    if len(runs) == 1:
        return replace(first, n_seeds=1)
    values = [each.value for each in runs]
    mean = (sum(values, Decimal()) / len(values)).quantize(first.value)
    sd = Decimal(str(stdev(values))).quantize(first.value)
    spelled = ", ".join(f"{each.value} (seed {each.seed})" for each in runs)
    note = "; ".join(filter(None, (f"mean of {spelled}, computed here", first.note)))
    return replace(first, value=mean, seed=None, n_seeds=len(runs), sd=sd, sd_kind="sample", note=note)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(sorted(values, key=_by_number)))


def _by_number(word: str) -> tuple[int, str]:
    return (int(word), "") if word.isdigit() else (0, word)
