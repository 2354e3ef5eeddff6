"""The known names, gathered from the rooms that own them."""

from __future__ import annotations

from harness.backbone.spec import WELL_KNOWN, file_of, name_fault
from harness.data.catalog import DATASETS
from harness.matrix.vocabulary import BackboneNames, DatasetEntry, Vocabulary
from harness.methods.table import METHODS


def known_names() -> Vocabulary:
    """All data sets, backbones and methods that a matrix may name."""
    return Vocabulary(
        datasets={
            name: DatasetEntry(row.template, row.smallest_class, row.trains) for name, row in DATASETS.items()
        },
        backbones=BackboneNames(tuple(WELL_KNOWN), name_fault, file_of),
        methods={name: row.entry for name, row in METHODS.items()},
    )
