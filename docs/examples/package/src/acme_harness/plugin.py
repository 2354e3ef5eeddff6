"""What the entry point names: tables, and nothing that needs torch."""

from harness.matrix.vocabulary import Axis, MethodEntry
from harness.methods.table import MethodRow

METHODS = {
    "class_means": MethodRow(
        target=".class_means:ClassMeans",
        entry=MethodEntry(
            reads=frozenset({"shots", "seed"}),
            axes={"metric": Axis("word", default="cosine", allowed=("cosine", "euclidean"))},
            label="Class means",
            version=1,
        ),
    ),
}
