"""The trackers that are known by name; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from harness.errors import Fault, TrackingError
from harness.matrix.tracking import TRACKERS as NAMES
from harness.matrix.tracking import NoOptions, TrackerEntry, Tracking
from harness.plugins.plugin import Plugin
from harness.plugins.tables import load_target, model_faults, targeted_rows, with_rows
from harness.tracking.tracker import Opening, Tracker


@dataclass(frozen=True, slots=True)
class TrackerRow:
    """A tracker, and what is known of it before it is opened.

    Attributes:
        target: of what opens it, called with its options and an ``Opening``: ``module:name``; in a plug-in also
            ``:name`` for its own module, and ``.file:name`` for a file beside it.
        options: a pydantic model that checks what a matrix says of it; an instance of it is handed to ``target``.
        package: that brings it, as pip is given it.
        plugin: the name of the plug-in that it comes from; empty for the harness's own.
    """

    target: str
    options: type[BaseModel] = NoOptions
    package: str = ""
    plugin: str = ""

    @property
    def entry(self) -> TrackerEntry:
        """What the parser needs of it."""
        return TrackerEntry(self.options)


TrackerTable = Mapping[str, TrackerRow]

TRACKERS: TrackerTable = {
    "none": TrackerRow("harness.tracking.tracker:open_none"),
    "wandb": TrackerRow("harness.tracking.wandb:open_wandb", NAMES["wandb"].model, "wandb"),
    "tensorboard": TrackerRow(
        "harness.tracking.tensorboard:open_tensorboard", package="coop-harness[tensorboard]"
    ),
}


def trackers_of(plugin: Plugin, known: TrackerTable) -> dict[str, TrackerRow]:
    """The trackers of a plug-in beside those that are ``known``.

    Raises:
        PluginError: with all that is wrong with them.
    """
    return targeted_rows(plugin, "TRACKERS", TrackerRow, known, _faults)


def trackers_with(plugins: Iterable[Plugin]) -> TrackerTable:
    """All known trackers, and those of plug-ins.

    Raises:
        PluginError: with all that is wrong with one of them.
    """
    return with_rows(TRACKERS, plugins, trackers_of)


def open_tracker(choice: Tracking, opening: Opening, trackers: TrackerTable = TRACKERS) -> Tracker:
    """The tracker that was chosen, among those that are known.

    Raises:
        TrackingError: it is not installed, or not known.
        PluginError: it is a plug-in's, and cannot be opened.
    """
    row = trackers.get(choice.tracker)
    if row is None:
        known = f"Known: {', '.join(trackers)}."
        raise TrackingError(Fault(choice.tracker, "is a tracker whose plug-in is not here.", known))
    options = row.options.model_validate(choice.options) if row.plugin else choice
    try:
        tracker: Tracker = load_target(row.target, row.plugin, options, opening)
    except ImportError as error:  # of one of our own: a plug-in's is a PluginError by now
        mend = f"`pip install '{row.package}'` brings it."
        raise TrackingError(Fault(choice.tracker, f"cannot be imported: {error}.", mend)) from None
    return tracker


def _faults(row: TrackerRow) -> Iterator[str]:
    """What is wrong with a plug-in's row."""
    yield from model_faults(row.options)
