"""Zero-shot CLIP, with one template and with an ensemble, against the reference."""

from collections.abc import Callable

import numpy as np
import pytest
from torch import Tensor
from torch.nn.functional import normalize

from harness.backbone.clip import Clip
from harness.backbone.prompts import spoken, text_layout
from harness.backbone.templates import ENSEMBLE_TEMPLATES, sentence_templates
from harness.engine.evaluate import evaluate
from harness.matrix.cell import Cell
from harness.matrix.template import resolved, spelled
from harness.methods.method import Fit, RunInputs
from harness.methods.table import METHODS, load_method

Golden = Callable[[str], dict]
Labelled = dict[str, tuple[Tensor, Tensor]]
DATASETS = {
    "ZeroshotCLIP": ("ImageNet", "OxfordPets", "DescribableTextures", "EuroSAT", "UCF101"),
    "ZeroshotCLIP2": ("ImageNet", "OxfordPets"),
}
CASES = [
    (model, trainer, dataset) for model in ("vit", "rn") for trainer in DATASETS for dataset in DATASETS[trainer]
]


def test_golden_file_holds_all_cases(golden: Golden) -> None:
    """Five single templates and two ensembles were recorded with each model."""
    found = [(case["model"], case["trainer"], case["dataset_name"]) for case in golden("zeroshot")["cases"]]
    assert found == CASES


def test_selected_templates_are_the_references(golden: Golden) -> None:
    """The seven of open_clip are the seven of CoOp, in the same order."""
    assert list(ENSEMBLE_TEMPLATES["selected"]) == golden("zeroshot")["imagenet_templates_select"]


def test_sentences_have_the_references_tokens(golden: Golden, golden_clip: Callable[[str], Clip]) -> None:
    """Every template with every class name, token by token."""
    recorded, clip = golden("zeroshot"), golden_clip("vit")
    for template, rows in recorded["tokens"].items():
        assert [
            list(text_layout(_sentence(template, name), clip.tokens)) for name in recorded["classnames"]
        ] == rows


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_zero_shot_is_the_references(
    case: tuple[str, str, str],
    golden: Golden,
    golden_clip: Callable[[str], Clip],
    golden_features: Callable[[str], Labelled],
) -> None:
    """Templates, text features, logits, predictions and accuracy."""
    file = golden("zeroshot")
    recorded = file["cases"][CASES.index(case)]
    model, trainer, dataset = case
    clip, own = golden_clip(model), file["custom_templates"][dataset]
    written = "own" if trainer == "ZeroshotCLIP" else "selected" if dataset == "ImageNet" else "selected+own"
    template = resolved(spelled(written), own)
    assert list(sentence_templates(template)) == recorded["templates"]

    names = tuple(file["classnames"])
    inputs = RunInputs(Cell(dataset=dataset, backbone=model, method="zero_shot", template=template), clip, names)
    ((_, fit),) = load_method(METHODS["zero_shot"]).fit([inputs])
    assert isinstance(fit, Fit)
    classifier = fit.predictor(names)
    texts = normalize(classifier.text_features, dim=-1)
    np.testing.assert_allclose(texts, recorded["text_features"], rtol=0, atol=5e-6)

    images, labels = golden_features(model)["test"]
    logits = classifier.logits(images)
    np.testing.assert_allclose(logits, recorded["test_logits"], rtol=0, atol=5e-4)
    assert logits.argmax(dim=1).tolist() == recorded["test_argmax"]
    counts = evaluate(classifier.logits, images, labels, len(texts))
    assert 100 * sum(counts.n_correct) / sum(counts.n_test) == recorded["test_accuracy"]


def _sentence(template: str, class_name: str) -> str:
    return template.replace("{}", spoken(class_name))
