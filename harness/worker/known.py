"""What a job may name: methods and data sets, with those of its plug-ins and its matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data.catalog import Catalog
from harness.data.own import catalog_with
from harness.matrix.cell import Cell
from harness.methods.method import Method
from harness.methods.table import MethodTable, load_method, methods_with
from harness.plan.job import Job
from harness.plugins.plugin import Plugin
from harness.plugins.reading import load_plugins
from harness.plugins.tables import digests_of


@dataclass(frozen=True, slots=True)
class Known:
    """Methods and data sets by name, and the plug-ins that some of them come from.

    Attributes:
        methods: by name.
        catalog: the data sets, by name.
        likes: from a data set of the matrix to the one that it is like.
        plugins: that some of these come from.
        results: results folder.
    """

    methods: MethodTable
    catalog: Catalog
    likes: Mapping[str, str | None]
    plugins: tuple[Plugin, ...]
    results: Path

    def method(self, name: str) -> Method:
        """The method of that name, ready to fit.

        Raises:
            PluginError: it is a plug-in's, and cannot be made.
        """
        return load_method(self.methods[name], self.results)

    def reads_shots(self, cell: Cell) -> bool:
        """Whether a cell learns from images."""
        return "shots" in self.methods[cell.method].entry.reads

    def version(self, cell: Cell) -> int:
        """The version of a cell's method."""
        return self.methods[cell.method].entry.version

    def versions(self) -> dict[str, int]:
        """The version of every method that a plug-in brings along."""
        return {name: row.entry.version for name, row in self.methods.items() if row.plugin}

    def plugin_digests(self, cell: Cell) -> dict[str, str]:
        """The digest of each plug-in that a cell's method or a data set of it comes from."""
        datasets = [cell.dataset, cell.target()[0]]
        datasets += [like for like in map(self.likes.get, datasets) if like is not None]
        return digests_of(self.plugins, {"METHODS": (cell.method,), "DATASETS": datasets})


def known_to(job: Job) -> Known:
    """What a job may name.

    Raises:
        PluginError: a plug-in is not what it was when the job was written, or cannot be used.
        DataError: a data set of the matrix contradicts itself.
    """
    plugins = load_plugins(job.plugins)
    likes = {source.name: source.like for source in job.sources}
    return Known(methods_with(plugins), catalog_with(job.sources, plugins), likes, plugins, job.results)
