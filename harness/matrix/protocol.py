"""Protocols: every number of a recipe, with the place it comes from."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.matrix.cell import Cell, Scalar, Shots


@dataclass(frozen=True, slots=True)
class Number:
    """What a number of a recipe may be: its default and its bounds, ``low <= value`` and ``value <= high``."""

    default: int | float
    low: float
    high: float = math.inf

    def fault(self, value: object) -> str | None:
        """What is wrong with ``value``; ``None`` when it can be used."""
        whole = isinstance(self.default, int)
        kind = "a whole number" if whole else "a number"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return f"must be {kind}, not {value!r}."
        if not self.low <= value <= min(self.high, sys.float_info.max):  # NaN is within no bounds
            upper = "" if math.isinf(self.high) else f" and at most {self.high:g}"
            return f"must be at least {self.low:g}{upper}, not {value!r}."
        return None

    def read(self, value: int | float) -> int | float:
        """How a usable value stands in a recipe."""
        return value if isinstance(self.default, int) else float(value)


@dataclass(frozen=True, slots=True)
class Protocol:
    """Whose rules are followed.

    Attributes:
        name: as written in the matrix.
        about: one sentence for people.
        numbers: from method to the numbers of its recipe.
        epochs_by_shots: ``(most shots, epochs)`` in rising order; the last row has no bound.
        epochs_by_dataset: data sets that are trained for the same number of epochs at every shot count.
        cuts_prompts: whether prompts are cut where the code released with CoOp cuts them, which is wrong for some
            names and initial words (``backbone.prompts.reference_layout`` says which).
        shares_words: whether a context that starts from words is always one for all classes.
        narrow_contexts: whether contexts and the optimiser's state have the towers' number format, too.
        draw: the rule by which images are drawn, of ``data.few_shot``.
    """

    name: str
    about: str
    numbers: Mapping[str, Mapping[str, Number]]
    epochs_by_shots: tuple[tuple[float, int], ...]
    epochs_by_dataset: Mapping[str, int]
    cuts_prompts: bool = False
    shares_words: bool = False
    narrow_contexts: bool = False
    draw: str = "coop"

    def recipe(self, method: str, dataset: str, shots: Shots) -> dict[str, Scalar]:
        """The recipe of a method that this protocol knows; empty for others."""
        recipe: dict[str, Scalar] = {name: number.default for name, number in self.numbers.get(method, {}).items()}
        if "epochs" in recipe:
            recipe["epochs"] = self._epochs(dataset, shots)
        return recipe

    def _epochs(self, dataset: str, shots: Shots) -> int:
        if dataset in self.epochs_by_dataset:
            return self.epochs_by_dataset[dataset]
        count = math.inf if shots == "all" else shots
        return next(epochs for most, epochs in self.epochs_by_shots if count <= most)


_TINY = 1e-12  # "greater than zero" for a learning rate or a standard deviation

# CoOp (Zhou et al., IJCV 2022), section 4.1 "Training details", and the configuration files released with it:
# SGD with momentum 0.9 and weight decay 5e-4, learning rate 0.002, cosine decay, one warm-up epoch at 1e-5,
# batches of 32, contexts drawn from a normal distribution of standard deviation 0.02.
_COOP_NUMBERS = {
    "epochs": Number(200, 1),
    "batch_size": Number(32, 1),
    "lr": Number(0.002, _TINY),
    "momentum": Number(0.9, 0.0, 1.0),
    "weight_decay": Number(5e-4, 0.0),
    "warmup_epochs": Number(1, 0),
    "warmup_lr": Number(1e-5, 0.0),
    "init_std": Number(0.02, _TINY),
}

# CLIP (Radford et al., ICML 2021), appendix A.3: L-BFGS with at most 1,000 iterations, C found by a coarse grid
# and then halving the interval; eight halvings are what CoOp's linear-probe script asks for.
_PROBE_NUMBERS = {"max_iter": Number(1000, 1), "search_rounds": Number(8, 0)}

COOP = Protocol(
    name="coop",
    about="the recipe of the CoOp paper, prompts assembled rightly",
    numbers={"coop": _COOP_NUMBERS, "linear_probe": _PROBE_NUMBERS},
    # Section 4.1: 50 epochs for 1 shot, 100 for 2 and 4, 200 for 8 and 16; ImageNet always 50. Shot counts that
    # the paper does not have follow its next larger one.
    epochs_by_shots=((1, 50), (4, 100), (math.inf, 200)),
    epochs_by_dataset={"imagenet": 50},
)

# The same numbers; the prompts are those of github.com/KaiyangZhou/CoOp at commit ff61507, trainers/coop.py.
COOP_IJCV2022 = replace(
    COOP,
    name="coop_ijcv2022",
    about="the recipe of the CoOp paper, prompts cut as its released code cuts them, quirks included",
    cuts_prompts=True,
    shares_words=True,
    narrow_contexts=True,
)

# The same numbers, with the images that the paper's linear probe learned from: lpclip/linear_probe.py there.
LPCLIP = Protocol(
    name="lpclip",
    about="the linear probe of the CoOp paper, on the images that its script draws",
    numbers={"linear_probe": _PROBE_NUMBERS},
    epochs_by_shots=(),
    epochs_by_dataset={},
    draw="lpclip",
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in (COOP, COOP_IJCV2022, LPCLIP)}


def protocol_of(cell: Cell) -> Protocol:
    """The rules that a cell follows; CoOp's where its method reads no protocol."""
    return PROTOCOLS.get(cell.protocol or "", COOP)


def draw_rule(cell: Cell) -> str:
    """The rule by which the images of a cell are drawn."""
    return protocol_of(cell).draw
