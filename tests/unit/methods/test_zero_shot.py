"""Zero-shot classification with one template and with ensembles."""

import pytest
import torch

from harness.backbone.clip import Clip
from harness.errors import PromptError
from harness.matrix.cell import Cell
from harness.methods.method import Fit, RunInputs
from harness.methods.zero_shot import ZeroShot

NAMES = ("cat", "dog", "name " * 70)


def _cell(template: str) -> Cell:
    return Cell(dataset="digits", backbone="tiny", method="zero_shot", template=template)


def _fit(tiny: Clip, template: str) -> Fit:
    ((_, fit),) = ZeroShot().fit([RunInputs(_cell(template), tiny, NAMES[:2])])
    assert isinstance(fit, Fit)
    return fit


@pytest.mark.parametrize("template", ["{}.", "{}.\na photo of a {}."])
def test_every_sentence_that_fits_passes(tiny: Clip, template: str) -> None:
    """A sentence may be as long as the text tower: 75 tokens between the start and the end of text."""
    assert tiny.context_length == 77
    ZeroShot().check(_cell(template), tiny, NAMES)


@pytest.mark.parametrize("template", ["a photo of the small {}.", "{}.\na photo of the small {}.", "imagenet"])
def test_one_sentence_that_is_too_long_is_said(tiny: Clip, template: str) -> None:
    """The class with a sentence that does not fit is named once, by its longest sentence."""
    with pytest.raises(PromptError, match=r"class 'name name .*text tower has 77") as caught:
        ZeroShot().check(_cell(template), tiny, NAMES)
    assert len(caught.value.faults) == 1


def test_ensembles_say_how_large_they_are(tiny: Clip) -> None:
    """What is worth knowing of an ensemble is kept; of a single sentence there is nothing."""
    assert _fit(tiny, "selected\n{}.").details == {"n_templates": 8}
    assert _fit(tiny, "{}.").details == {}


def test_ensemble_is_none_of_its_sentences(tiny: Clip) -> None:
    """The text features of an ensemble have length one and lie between those of its sentences."""
    both, one, other = (
        torch.nn.functional.normalize(_fit(tiny, template).predictor(NAMES[:2]).text_features, dim=-1)
        for template in ("a {}.\none {}.", "a {}.", "one {}.")
    )
    apart = (one * other).sum(dim=-1)
    assert ((both * one).sum(dim=-1) > apart).all()
    assert ((both * other).sum(dim=-1) > apart).all()
