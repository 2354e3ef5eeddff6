"""Zero-shot CLIP with a hand-crafted prompt, or an ensemble of them."""

from collections.abc import Iterator, Sequence

from harness.backbone.clip import Clip
from harness.backbone.prompts import check_lengths
from harness.backbone.templates import encode_templates, longest_layouts, sentence_templates
from harness.errors import PromptError
from harness.matrix.cell import Cell
from harness.methods.method import Fit, Outcome, RunInputs, one_by_one
from harness.methods.text_classifier import TextClassifier
from harness.shapes import Context


class ZeroShot:
    """The class names in one template or several, encoded by the text tower; nothing is learned."""

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Raise PromptError when a class has a sentence that is longer than the text tower."""
        layouts = longest_layouts(_templates(cell), class_names, clip)
        if faults := check_lengths(class_names, layouts, clip.context_length):
            raise PromptError(faults)

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Nothing is learned, so any names will do."""

    def restore(self, inputs: RunInputs, context: Context) -> None:
        """Nothing is learned."""

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        """The classifier of the templates' sentences."""
        return one_by_one(runs, _fit)


def _fit(inputs: RunInputs) -> Fit:
    templates = _templates(inputs.cell)

    def classifier(class_names: tuple[str, ...]) -> TextClassifier:
        texts = encode_templates(templates, class_names, inputs.clip)
        return TextClassifier(texts, inputs.clip.logit_scale)

    return Fit(classifier, details={"n_templates": len(templates)} if len(templates) > 1 else {})


def _templates(cell: Cell) -> tuple[str, ...]:
    if cell.template is None:
        raise TypeError("zero_shot reads a template and was given none")
    return sentence_templates(cell.template)
