"""A served page while a run is going."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.matrix.identity import cell_id
from harness.report.numbers.entry import Entry
from harness.report.page import serve
from harness.report.page.document import Content
from harness.report.page.serve import PageServer, Source

Tab = Callable[..., Any]


def until(page: Any, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own waiting needs eval, which the page forbids."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {condition}")


class Run:
    """A run that goes on when it is told to."""

    def __init__(self, make: Callable[[int], Content], n_missing: int) -> None:
        self.make, self.n_missing = make, n_missing

    def source(self) -> Source:
        """It as a server wants it."""
        return Source(lambda: self.n_missing, lambda: self.make(self.n_missing))


@pytest.fixture
def run(part_content: Callable[[int], Content]) -> Run:
    """A run with a hundred cells to go."""
    return Run(part_content, 100)


@pytest.fixture
def server(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageServer]:
    """Its page, served; tests ask for it before the tab, which is then closed first."""
    monkeypatch.setattr(serve, "_LEAST_S", 0.0)
    monkeypatch.setattr(serve, "_SHARE", 0.0)
    with PageServer({"mine": run.source()}, 0, [].append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_news_come_and_the_reader_stays(server: PageServer, tab: Tab, run: Run, part_entries: list[Entry]) -> None:
    """New records appear in counts, curves, tables and cells; filter, method, place and page position stay."""
    page = tab(server.address)
    total = len(part_entries)
    page.wait_for_selector("#curve-chart svg")
    assert page.locator("#live").inner_text() == "Live"
    assert page.locator(".files").count() == 0
    page.select_option("#curve-place", label="ucf101")
    page.click('#legend button:has-text("Linear probe")')
    page.select_option('[data-filter="state"]', "missing")
    page.fill("#table-find", "CoOp")
    page.locator("#table-dtd").scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 80)")
    before = page.locator("#table-dtd").bounding_box()["y"]
    assert page.locator("#cell-count").inner_text() == f"101 of {total} cells"
    run.n_missing = 40
    until(page, f"document.querySelector('#cell-count').textContent === '41 of {total} cells'")
    assert f"{total - 42} of {total} cells done" in page.locator(".share").inner_text()
    assert page.locator('[data-filter="state"]').input_value() == "missing"
    assert page.locator("#curve-place option:checked").inner_text() == "ucf101"
    assert page.locator('#legend button:has-text("Linear probe")').get_attribute("aria-pressed") == "false"
    assert page.locator("#table-find").input_value() == "CoOp"
    assert not page.locator("#table-dtd tbody tr:has-text('Linear probe')").first.is_visible()
    assert page.locator("#table-dtd").bounding_box()["y"] == pytest.approx(before, abs=2)


def test_an_open_drawer_is_filled(server: PageServer, tab: Tab, run: Run, part_entries: list[Entry]) -> None:
    """A cell that is looked at while it ends shows its numbers without being opened again."""
    identifier = cell_id(part_entries[-1].cell)
    page = tab(f"{server.address}#cell={identifier}")
    page.wait_for_selector("#drawer[open]")
    assert "This cell has no record yet" in page.locator("#drawer").inner_text()
    run.n_missing = 0
    page.wait_for_selector("#drawer table[aria-label='Classes']")
    assert page.locator("#drawer").is_visible()
    assert identifier in page.locator("#drawer").inner_text()


def test_focus_stays_where_it_was(server: PageServer, tab: Tab, run: Run) -> None:
    """Who stands on a count of the overview with the keyboard stands there after the news."""
    page = tab(server.address)
    page.wait_for_selector("#curve-chart svg")
    page.focus(".tiles .missing button")
    run.n_missing = 50
    until(page, "document.querySelector('.tiles .missing button').textContent.includes('51')")
    assert page.evaluate("document.activeElement.dataset.show") == '{"state":"missing"}'


def test_a_server_that_went_away_is_said(
    tab: Tab, part_content: Callable[[int], Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the command has been ended the page says so, and stays readable."""
    run = Run(part_content, 1)
    with PageServer({"mine": run.source()}, 0, [].append) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        page = tab(server.address, complains=True)
        page.wait_for_selector("#curve-chart svg")
        server.shutdown()
        thread.join()
    until(page, "document.querySelector('#live').textContent === 'Server not reached'")
    page.locator("#cell-table [data-cell]").first.click()
    assert page.locator("#drawer").is_visible()
