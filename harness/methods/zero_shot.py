"""Zero-shot CLIP with a hand-crafted prompt."""

from collections.abc import Iterator, Sequence

from harness.backbone.clip import Clip
from harness.backbone.prompts import check_lengths, encode_texts, spoken, text_layout
from harness.errors import PromptError
from harness.matrix.cell import Cell
from harness.methods.method import Fit, Outcome, RunInputs, one_by_one
from harness.methods.text_classifier import TextClassifier
from harness.shapes import Context


class ZeroShot:
    """The class names in a template, encoded by the text tower; nothing is learned."""

    def check(self, cell: Cell, clip: Clip, class_names: tuple[str, ...]) -> None:
        """Raise PromptError when a sentence is longer than the text tower."""
        layouts = [text_layout(text, clip.tokens) for text in _sentences(cell, class_names)]
        if faults := check_lengths(class_names, layouts, clip.context_length):
            raise PromptError(faults)

    def check_transfer(self, cell: Cell, learned: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Nothing is learned, so any names will do."""

    def restore(self, inputs: RunInputs, context: Context) -> None:
        """Nothing is learned."""

    def fit(self, runs: Sequence[RunInputs]) -> Iterator[Outcome]:
        """The classifier of the template's sentences."""
        return one_by_one(runs, _fit)


def _fit(inputs: RunInputs) -> Fit:
    def classifier(class_names: tuple[str, ...]) -> TextClassifier:
        texts = encode_texts(_sentences(inputs.cell, class_names), inputs.clip)
        return TextClassifier(texts, inputs.clip.logit_scale)

    return Fit(classifier)


def _sentences(cell: Cell, class_names: tuple[str, ...]) -> list[str]:
    template = cell.template or "a photo of a {}."
    return [template.replace("{}", spoken(name)) for name in class_names]
