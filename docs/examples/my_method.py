"""Tip-Adapter as a plug-in: the few-shot images vote, zero-shot CLIP votes, nothing is trained.

Zhang et al., Tip-Adapter, ECCV 2022 (arXiv 2111.03930), without its fine-tuning. This file is all that
`harness plan` reads, so nothing here needs torch; the method itself is in cache_model.py beside it.
"""

from harness.matrix.protocol import Number
from harness.matrix.vocabulary import Axis, MethodEntry
from harness.methods.table import MethodRow

METHODS = {
    "tip_adapter": MethodRow(
        target=".cache_model:CacheModel",
        entry=MethodEntry(
            reads=frozenset({"shots", "seed"}),
            axes={"template": Axis("template")},
            # Its residual ratio and its sharpness, at the values that it takes where it does not search for them.
            numbers={"alpha": Number(1.0, low=0.0), "beta": Number(5.5, low=0.0)},
            label="Tip-Adapter",
            version=1,
        ),
    ),
}
