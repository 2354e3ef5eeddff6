"""The sentences over a table: everything a reader needs to say what the numbers are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report.numbers.results import ByRow, Column, Result
from harness.report.numbers.rows import Group, Row
from harness.report.printing.labels import differing_axes, init_words
from harness.report.printing.templates import template_sentence
from harness.report.stats.summary import SdKind


def group_title(group: Group) -> str:
    """What the cells of a group share, in a few words: ``RN50:openai, fp32``."""
    parts = [group.backbone, group.precision]
    if group.classes != "all":
        parts.append(f"{group.classes} classes")
    return ", ".join(parts)


def caption(
    matrix: str,
    where: str,
    what: str,
    rows: Sequence[Row],
    results: ByRow[Column],
    n_test: str | None = None,
    *,
    has_sd: bool = True,
) -> tuple[str, ...]:
    """The sentences over one table.

    Args:
        matrix: its name.
        where: the backbone, precision and classes of the table, in words.
        what: names the data.
        rows: all rows of the group.
        results: of the table; of their keys only the row is read.
        n_test: how many test images there are, in words; ``None`` where the results say it.
        has_sd: whether standard deviations are printed; n then stands beside each number where it differs.
    """
    there = {row for row, _ in results}
    shown = [row for row in rows if row in there]
    runs = _runs(shown, results, has_sd=has_sd)
    mean = f"mean ± {_sd_words(results)}" if has_sd else "mean"
    sentences = [
        f"{what}: accuracy in percent, {mean} over seeds ({runs}).",
        f"{_setting(matrix, where, shown, n_test or _n_test(results))}.",
        *_contexts(rows, shown),
        *_recipes(rows, shown),
        *_templates(rows, shown, results),
        *_lists(results),
    ]
    return tuple(sentences)


def sd_words(kind: SdKind) -> str:
    """Whose standard deviation is shown; the population's is smaller, and has to be told apart."""
    told = " (n in place of n - 1)" if kind == "population" else ""
    return f"{kind} standard deviation{told}"


def _sd_words(results: ByRow[Column]) -> str:
    kinds = {result.accuracy.sd_kind for result in results.values()}
    return sd_words("population" if kinds == {"population"} else "sample")


def common_runs(results: Iterable[Result]) -> int | None:
    """The number of seeds, when it is the same at every point of every method that draws anything."""
    counts = {result.accuracy.n_expected for result in results if result.seeded}
    return counts.pop() if len(counts) == 1 else None


def image_counts(places: Iterable[tuple[str, Iterable[Result]]]) -> str:
    """The numbers of test images by place, which may come in several parts; one number where all have it."""
    found: dict[str, set[int]] = {}
    for name, results in places:
        found.setdefault(name, set()).update(n for result in results for n in result.n_test)
    counts = {name: " or ".join(map(str, sorted(some))) for name, some in found.items() if some}
    if len(set(counts.values())) < 2:
        return next(iter(counts.values()), "")
    return ", ".join(f"{count} ({name})" for name, count in counts.items())


def _runs(rows: Sequence[Row], results: ByRow[Column], *, has_sd: bool) -> str:
    """How many runs a number stands for."""
    common = common_runs(results.values())
    seeded = {row for (row, _), result in results.items() if result.seeded}
    unseeded = list(dict.fromkeys(row.method_name for row in rows if row not in seeded))
    single = f"one run of {' and '.join(unseeded)}, which {'use' if len(unseeded) > 1 else 'uses'} no seed"
    if not seeded:
        return single
    said = f"n = {common}" if common is not None else "n beside each number" if has_sd else _range(results)
    return "; ".join([said, single] if unseeded else [said])


def _range(results: ByRow[Column]) -> str:
    counts = [result.accuracy.n_expected for result in results.values() if result.seeded]
    return f"n = {min(counts)} to {max(counts)}, which the CSV has"


def _setting(matrix: str, where: str, rows: Sequence[Row], n_test: str) -> str:
    """Matrix, backbone, protocol, views and test images."""
    parts = [f"Matrix {matrix}", f"backbone {where}"]
    for name, one, many in (("protocol", "protocol", "protocols"), ("views", "views", "views")):
        methods: dict[str, list[str]] = {}
        for row in rows:
            if row.axis(name) is not None:
                methods.setdefault(str(row.axis(name)), []).append(row.method_name)
        values = [f"{value} ({', '.join(dict.fromkeys(users))})" for value, users in methods.items()]
        if values:
            parts.append(f"{one} {next(iter(methods))}" if len(values) == 1 else f"{many} {' and '.join(values)}")
    if n_test:
        parts.append(f"n_test = {n_test}")
    return "; ".join(parts)


def _n_test(results: ByRow[Column]) -> str:
    counts = sorted({count for result in results.values() for count in result.n_test})
    return " or ".join(map(str, counts))


def _contexts(rows: Sequence[Row], shown: Sequence[Row]) -> list[str]:
    """One sentence a method that learns a context: what its rows share and the labels therefore leave out."""
    sentences = []
    for method in _methods(shown):
        members = [row for row in shown if row.method == method and row.axis("n_ctx") is not None]
        if not members:
            continue
        first, differing = members[0], differing_axes(rows, method)
        words = []
        if not {"n_ctx", "ctx_init"} & differing and not first.axis("ctx_init"):
            words.append(f"M = {first.axis('n_ctx')} context vectors")
        if "class_token_position" not in differing and first.axis("class_token_position"):
            position = first.axis("class_token_position")
            words.append(f"class name {'in' if position in ('middle', 'front') else 'at'} "
                         f"{'' if position == 'front' else 'the '}{position}")  # fmt: skip
        if "ctx_init" not in differing:
            words.append(init_words(first))
        if words:
            sentences.append(f"{first.method_name}: {', '.join(words)}.")
    return sentences


def _recipes(rows: Sequence[Row], shown: Sequence[Row]) -> list[str]:
    """The numbers that are not the protocol's; labels hold those that differ among the rows of a method."""
    parts = []
    for method in _methods(shown):
        differing = differing_axes(rows, method)
        first = next(row for row in shown if row.method == method)
        numbers = {name: value for name, value in first.overrides.items() if f"recipe.{name}" not in differing}
        if numbers:
            spelled = ", ".join(f"{name} = {value}" for name, value in numbers.items())
            parts.append(f"{first.method_name} {spelled}")
    if parts:
        return [f"Recipe numbers other than the protocol's: {'; '.join(parts)}."]
    has_overrides = any(row.overrides for row in shown)
    has_protocol = any(row.axis("protocol") is not None for row in shown)
    return ["Recipe numbers are the protocol's."] if has_protocol and not has_overrides else []


def _templates(rows: Sequence[Row], shown: Sequence[Row], results: ByRow[Column]) -> list[str]:
    """Which sentence the class names stood in, one for each method that reads a template."""
    sentences = []
    for method, method_name in {row.method: row.method_name for row in shown}.items():
        used = {name for (row, _), result in results.items() if row.method == method for name in result.templates}
        if not used or "template" in differing_axes(rows, method):
            continue
        sentences.append(f"{method_name} {template_sentence(used)}.")
    return sentences


def _lists(results: ByRow[Column]) -> list[str]:
    """Which training images were listed, since numbers on others are not comparable."""
    names = sorted({name for result in results.values() for name in result.listed})
    return [f"Training images of {', '.join(names)} are those of given lists, not of a draw."] if names else []


def _methods(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.method for row in rows))
