"""The published figures that the package brings along."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from importlib import resources

import pytest
from support.normalise_published import COLUMNS, normalise, to_csv

from harness.report.published.read import published
from harness.report.published.sets import SETS

COLLECTED = {
    "source": "coop-ijcv2022-fig3", "backbone": "RN50", "dataset": "DTD", "method": "CoOp",
    "variant": "n_ctx=16;position=mid;csc=True;init=random", "shots": "16", "metric": "accuracy_pct",
    "mean": "63.6",
    "std": "", "seeds": "3", "page_or_url": "a paper (stored file id 123; page 4)",
    "confidence": "secondary-source",
}  # fmt: skip


def test_only_verified_figures_are_shipped() -> None:
    """There are 1,244 figures, every one read in a document, and none from memory."""
    counts = Counter(each.confidence for each in published())
    assert counts == {"secondary-source": 999, "read-directly": 245}


def test_every_figure_has_its_place() -> None:
    """Each names its set, its source, where it was read, and a value; accuracies lie between 0 and 100."""
    for each in published():
        assert each.set in SETS
        assert each.source
        assert len(each.where) > 10
        assert each.confidence in ("read-directly", "secondary-source")
        if each.metric in ("accuracy", "harmonic_mean"):
            assert 0 < each.value < 100
    assert {each.set for each in published()} == set(SETS)


def test_nothing_tells_how_figures_were_collected() -> None:
    """No figure speaks of a copy that somebody stored, or of what somebody remembers."""
    texts = [text for each in published() for text in (each.note, each.where, each.obstacle)]
    assert not [text for text in texts if re.search(r"stored|recalled|from memory", text)]


def test_no_figure_stands_twice() -> None:
    """A document has one value for one setting."""
    keys = Counter(
        (
            each.source, each.backbone, each.method, each.context, each.n_ctx, each.class_token_position,
            each.ctx_init, each.template, each.dataset, each.evaluate_on, each.classes, each.shots, each.seed,
            each.metric, each.note, each.obstacle,
        )
        for each in published()
    )  # fmt: skip
    assert [key for key, count in keys.items() if count > 1] == []


def test_names_are_the_projects() -> None:
    """The free words of a collected row become axes; what says how it was collected goes."""
    (row,) = normalise([COLLECTED])
    expected = {
        "set": "coop_ijcv2022", "method": "coop", "context": "class_specific", "n_ctx": "16",
        "class_token_position": "middle", "ctx_init": "random", "dataset": "dtd", "classes": "all", "shots": "16",
        "n_seeds": "3", "metric": "accuracy", "value": "63.6", "protocol": "coop_ijcv2022",
    }  # fmt: skip
    assert expected.items() <= row.items()
    assert "stored" not in row["where"]


@pytest.mark.parametrize("confidence", ["recalled-unverified", "", "guess"])
def test_what_nobody_read_is_left_out(confidence: str) -> None:
    """A row of any other confidence is dropped."""
    assert normalise([{**COLLECTED, "confidence": confidence}]) == []


def test_base_and_new_become_cells() -> None:
    """Accuracy on new classes is that of a context of the base classes that is evaluated on the new ones."""
    (row,) = normalise([{**COLLECTED, "metric": "new_accuracy_pct", "variant": "base-to-new protocol"}])
    assert (row["classes"], row["evaluate_on"], row["n_ctx"], row["ctx_init"]) == (
        "base",
        "new",
        "4",
        "a photo of a",
    )


def test_printed_digits_say_how_far_rounding_goes() -> None:
    """Half a unit of the last digit: five thousandths of a percent for two decimals."""
    halves = {each.source: each.half_unit for each in published()}
    assert halves["coop-ijcv2022-fig3"] * 200 == 1
    assert halves["halora-aaai2026-tab5"] * 20 == 1
    assert halves["cross-modal-issue23"] * 2 == 1


def test_the_file_is_what_the_normaliser_writes() -> None:
    """Columns, order and quoting are those of the script, so that writing it again changes nothing by itself."""
    text = (resources.files("harness.report.published") / "published.csv").read_text(encoding="utf-8")
    assert text == to_csv(csv.DictReader(io.StringIO(text)))
    assert text.splitlines()[0] == ",".join(COLUMNS)
