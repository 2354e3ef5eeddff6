"""Sets of templates."""

import pytest
import torch
from torch.nn.functional import normalize

from harness.backbone.clip import Clip
from harness.backbone.prompts import text_layout
from harness.backbone.sentences import encode_texts
from harness.backbone.templates import (
    ENSEMBLE_TEMPLATES,
    encode_templates,
    ensemble,
    longest_layouts,
    sentence_templates,
)
from harness.files import digest_text
from harness.matrix.template import ENSEMBLES

NAMES = ("cat", "a_very_long_name", "U.S.")
TEMPLATES = ("a {}.", "one photo of the {}.", "{} texture.")


def test_ensembles_are_those_that_a_matrix_can_name() -> None:
    """Names and sizes of the light half, which cannot ask open_clip, are open_clip's."""
    assert {name: len(templates) for name, templates in ENSEMBLE_TEMPLATES.items()} == ENSEMBLES


def test_ensembles_do_not_change_unnoticed() -> None:
    """A cell knows an ensemble by its name, so that another open_clip with other sentences must be seen."""
    digests = {name: digest_text("\n".join(texts))[:16] for name, texts in ENSEMBLE_TEMPLATES.items()}
    assert digests == {"selected": "6ef3883987d224b7", "imagenet": "4f976686fb651bb5"}


@pytest.mark.parametrize("name", ENSEMBLE_TEMPLATES)
def test_every_template_has_one_place_for_the_name(name: str) -> None:
    """The sentences are plain, and none stands twice."""
    templates = ENSEMBLE_TEMPLATES[name]
    assert all(template.count("{}") == 1 for template in templates)
    assert len(set(templates)) == len(templates)


def test_names_of_ensembles_stand_for_their_sentences() -> None:
    """Sentences stay as they are; one that an ensemble has, too, counts twice, as in the reference's list."""
    whole = sentence_templates("imagenet\na photo of a {}.\none {}.")
    assert whole == (*ENSEMBLE_TEMPLATES["imagenet"], "a photo of a {}.", "one {}.")
    assert whole.count("a photo of a {}.") == 2


def test_ensemble_is_the_mean_direction() -> None:
    """Each template counts the same, however long its features are, and the result has length one."""
    features = torch.tensor([[[2.0, 0.0]], [[0.0, 0.5]]])
    assert ensemble(features).tolist() == [pytest.approx([0.5**0.5, 0.5**0.5])]


def test_ensemble_of_nothing_is_a_defect() -> None:
    """No template is no classifier."""
    with pytest.raises(ValueError, match="at least one"):
        ensemble([])


def test_one_template_is_encoded_as_it_is(tiny: Clip) -> None:
    """The features of a single sentence are not touched, to the bit."""
    encoded = encode_templates(["a {}."], NAMES, tiny)
    assert torch.equal(encoded, encode_texts(["a cat.", "a a very long name.", "a U.S.."], tiny))


@pytest.mark.parametrize("at_once", [1, 2, 1024])
@pytest.mark.parametrize("n_threads", ["1", "2"])
def test_several_templates_are_the_ensemble_of_each(
    tiny: Clip, monkeypatch: pytest.MonkeyPatch, at_once: int, n_threads: str
) -> None:
    """However many sentences and templates are at work at a time, the features are the ensemble's."""
    monkeypatch.setattr("harness.backbone.templates._AT_ONCE", at_once)
    monkeypatch.setenv("OMP_NUM_THREADS", n_threads)
    alone = torch.stack([normalize(encode_templates([each], NAMES, tiny), dim=-1) for each in TEMPLATES])
    expected = normalize(alone.mean(dim=0), dim=-1)
    torch.testing.assert_close(encode_templates(TEMPLATES, NAMES, tiny), expected, rtol=0, atol=1e-6)


def test_threads_change_nothing(tiny: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    """One core and two give the same features to the bit."""
    found = []
    for n_threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", n_threads)
        found.append(encode_templates(TEMPLATES, NAMES, tiny))
    assert torch.equal(*found)


def test_longest_sentence_of_each_class(tiny: Clip) -> None:
    """What has to fit is the longest of a class's sentences."""
    assert longest_layouts(TEMPLATES, ("cat",), tiny) == [text_layout("one photo of the cat.", tiny.tokens)]
