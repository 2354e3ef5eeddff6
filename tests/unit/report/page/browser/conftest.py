"""Pages in a real browser: Chromium, driven by Playwright. ``nox -s browser`` runs these tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.matrix.identity import cell_id
from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.page.document import Content, page_content, page_html
from harness.report.page.library import Library
from harness.report.page.logs import JobLog, Jobs

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
              "--disable-background-networking", "--disable-component-update"]  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what lies here, and skip it unless it is asked for."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)
            if "browser" not in (config.getoption("-m") or ""):
                item.add_marker(pytest.mark.skip(reason="needs Chromium: `nox -s browser`, or pytest -m browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser; skips where Playwright or Chromium is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("HARNESS_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("Chromium is not installed; HARNESS_CHROMIUM names one")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Any]]:
    """From an address, and options of a browser context, to an open page.

    In the end no page may have complained, asked for anything beyond its own file or server, or opened a dialog.
    """
    complaints: list[str] = []
    contexts = []

    def open_tab(address: str, *, complains: bool = False, **options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        own = address.split("#")[0].rsplit("/", 1)[0]
        if not complains:
            page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
            page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: request.url.startswith(("data:", own)) or complaints.append(f"request: {request.url}"),
        )
        page.goto(address)
        return page

    yield open_tab
    found = list(complaints)  # closing a page ends what it was just asking for
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture
def write_page(tmp_path: Path, library: Library) -> Callable[..., str]:
    """From entries and jobs to the address of their page on disk."""

    def write(entries: Sequence[Entry], jobs: Jobs | None = None, name: str = "mine") -> str:
        report = build_report(name, entries)
        path = tmp_path / "index.html"
        path.write_text(page_html(page_content(report, entries, jobs or Jobs())), encoding="utf-8")
        return path.as_uri()

    return write


@pytest.fixture(scope="session")
def part_entries(full_entries: list[Entry]) -> list[Entry]:
    """The paper's matrix on four data sets, with a failed and a missing cell."""
    entries = [entry for entry in full_entries if entry.cell.dataset in ("caltech101", "dtd", "eurosat", "ucf101")]
    failed = entries[30].record
    assert failed is not None
    lost = failed.model_copy(
        update={"status": "failed", "reason": "RuntimeError: out of memory", "n_correct": None}
    )
    entries[30] = Entry(entries[30].cell, lost, "failed")
    entries[31] = Entry(entries[31].cell, None, "missing")
    return entries


@pytest.fixture
def part_jobs(part_entries: list[Entry]) -> Jobs:
    """All cells in one job, whose log has a traceback."""
    identifiers = [cell_id(entry.cell) for entry in part_entries]
    log = JobLog("20260101-000000-1-001-run", "the end of the log")
    return Jobs(
        (log,), dict.fromkeys(identifiers, 0), {identifiers[30]: "Traceback ...\nRuntimeError: out of memory"}
    )


@pytest.fixture
def part(write_page: Callable[..., str], part_entries: list[Entry], part_jobs: Jobs) -> str:
    """The address of the page of a part of the paper's matrix."""
    return write_page(part_entries, part_jobs)


@pytest.fixture
def part_content(part_entries: list[Entry], part_jobs: Jobs, library: Library) -> Callable[..., Content]:
    """From a number of cells that are missing to the content of the page."""

    def make(n_missing: int = 0) -> Content:
        there = len(part_entries) - n_missing
        entries = [*part_entries[:there], *(Entry(entry.cell, None, "missing") for entry in part_entries[there:])]
        return page_content(build_report("mine", entries), entries, part_jobs, has_files=False)

    return make
