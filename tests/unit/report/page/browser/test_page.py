"""What a reader can do with the page that lies on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.matrix.identity import cell_id
from harness.report.numbers.entry import Entry
from harness.report.page.logs import Jobs

Tab = Callable[..., Any]
DRAWN = "#curve-chart svg"


def until(page: Any, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own waiting needs eval, which the page forbids."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never came true: {condition}")


def counted(page: Any) -> str:
    """What stands beside the filters of the cells."""
    return str(page.locator("#cell-count").inner_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_opens_from_disk(tab: Tab, part: str, scheme: str, width: int) -> None:
    """Whatever the width and the colours, the page is drawn, fits the window and asks for nothing."""
    page = tab(part, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.wait_for_selector(DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator(DRAWN).bounding_box()
    assert box["x"] + box["width"] <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 23)"
    assert dark == (scheme == "dark")


def test_theme_can_be_chosen(tab: Tab, part: str) -> None:
    """The reader's choice of colours goes before the system's."""
    page = tab(part, color_scheme="light")
    page.select_option("#theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 20, 23)"
    page.select_option("#theme", "")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(250, 250, 248)"


def test_tables_are_filtered(tab: Tab, part: str) -> None:
    """Words leave the rows that have them, a choice leaves one table, and nothing found is said."""
    page = tab(part)
    page.fill("#table-find", "linear dtd")
    rows = page.locator("#table-parts tbody tr:not(.block):visible")
    assert set(rows.locator("th").all_inner_texts()) == {"Linear probe"}
    assert page.locator("#table-parts section.table:visible h3").all_inner_texts() == ["dtd"]
    page.fill("#table-find", "nothing has this")
    assert page.locator("#table-none").is_visible()
    page.fill("#table-find", "")
    page.select_option("#table-choice", "table-eurosat")
    assert page.locator("#table-parts section.table:visible").count() == 1


def test_cells_are_filtered_and_sorted(tab: Tab, part: str, part_entries: list[Entry]) -> None:
    """Words, choices and heads of columns work together, and can be taken back."""
    page = tab(part)
    total = len(part_entries)
    assert counted(page) == f"{total} cells"
    page.select_option('[data-filter="row"]', "Linear probe")
    page.select_option('[data-filter="shots"]', "16")
    assert counted(page) == f"12 of {total} cells"
    page.fill("#cell-find", "ucf101")
    assert counted(page) == f"3 of {total} cells"
    page.click('#cell-table thead button:has-text("Accuracy")')
    numbers = [float(text) for text in page.locator("#cell-table tbody td:nth-child(6)").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    assert page.locator("#cell-table thead th").nth(5).get_attribute("aria-sort") == "descending"
    page.click("#cell-reset")
    assert counted(page) == f"{total} cells"
    assert page.locator("#cell-table tbody tr").count() == 200
    page.click("#cell-more")
    assert page.locator("#cell-table tbody tr").count() == total


def test_overview_leads_to_cells(tab: Tab, part: str, part_entries: list[Entry]) -> None:
    """A count of the overview shows its cells; a failed cell's name opens its drawer with the reason."""
    page = tab(part)
    page.click(".tiles .failed button")
    assert counted(page) == f"1 of {len(part_entries)} cells"
    page.click("#overview .chip")
    drawer = page.locator("#drawer")
    assert "RuntimeError: out of memory" in drawer.locator("pre.why").inner_text()
    assert "Traceback ..." in drawer.inner_text()
    assert "the end of the log" in drawer.inner_text()


def test_curves_are_switched_and_picked(tab: Tab, part: str) -> None:
    """Methods are switched by their names in the legend, data sets and metrics picked from lists."""
    page = tab(part)
    page.wait_for_selector(DRAWN)
    page.select_option("#curve-place", label="dtd")
    chart = page.locator("#curve-chart")
    lines = "#curve-chart .mark-line path"
    until(page, f"document.querySelectorAll({lines!r}).length === 5")
    page.click('#legend button:has-text("Linear probe")')
    until(page, f"document.querySelectorAll({lines!r}).length === 4")
    assert page.locator('#legend button:has-text("Linear probe")').get_attribute("aria-pressed") == "false"
    page.click('#legend button:has-text("CoOp (CSC), end")', modifiers=["Shift"])
    until(page, f"document.querySelectorAll({lines!r}).length === 1")
    page.click('#legend button:has-text("Show all")')
    until(page, f"document.querySelectorAll({lines!r}).length === 5")
    page.select_option("#curve-metric", label="Gain over zero-shot")
    until(page, "document.querySelector('#curve-chart').textContent.includes('Gain over zero-shot (pp)')")
    assert "Zero-shot" not in page.locator("#legend").inner_text().split("\n")
    assert "Gain over zero-shot by shots per class; dtd" in chart.locator("svg").get_attribute("aria-label")


def test_every_seed_can_be_seen(tab: Tab, part: str) -> None:
    """The values that a mean is of are drawn when asked for: one a seed."""
    page = tab(part)
    page.wait_for_selector(DRAWN)
    page.select_option("#curve-place", label="ucf101")
    until(page, "document.querySelectorAll('#curve-chart .mark-symbol path').length === 26")
    page.check("#curve-seeds")
    until(page, "document.querySelectorAll('#curve-chart .mark-symbol path').length === 26 + 76")


@pytest.mark.parametrize("place", ["All, side by side", "dtd"])
def test_hovering_tells_the_numbers(tab: Tab, part: str, place: str) -> None:
    """Over a chart the numbers of all methods at the nearest shot count are shown."""
    page = tab(part)
    page.select_option("#curve-place", label=place)
    page.wait_for_selector(DRAWN)
    page.wait_for_timeout(300)
    page.locator(DRAWN).scroll_into_view_if_needed()
    box = page.locator(DRAWN).bounding_box()
    for step in range(3):
        page.mouse.move(box["x"] + 0.42 * box["width"] + step, box["y"] + 0.2 * box["height"])
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    text = tip.inner_text()
    assert "shot" in text
    assert re.search(r"CoOp \(unified\), end\s+\d+\.\d ± \d+\.\d, n = 3", text)
    assert "undefined" not in text
    assert "–" not in text


def test_numbers_of_the_chart_are_a_table(tab: Tab, part: str) -> None:
    """Who cannot see the chart finds its numbers as a table, with heads."""
    page = tab(part)
    page.select_option("#curve-place", label="dtd")
    page.click("#curve-numbers summary")
    table = page.locator("#curve-numbers table")
    assert table.locator("thead th").all_inner_texts()[1:] == ["0", "1", "2", "4", "8", "16"]
    assert table.locator("tbody tr").count() == 6


def test_drawer_has_everything(tab: Tab, part: str, part_entries: list[Entry]) -> None:
    """A cell's drawer has its numbers, training, classes, words, configuration, provenance and log."""
    page = tab(part)
    entry = next(entry for entry in part_entries if entry.words and entry.cell.context == "unified")
    record = entry.record
    assert record is not None
    page.fill("#cell-find", cell_id(entry.cell)[:10])
    page.click("#cell-table tbody td >> nth=2")
    drawer = page.locator("#drawer")
    drawer.wait_for(state="visible")
    heads = drawer.locator("h3").all_inner_texts()
    assert heads == ["Training", f"Classes ({len(record.per_class)})", "Nearest words", "Configuration",
                     "Provenance", "Log"]  # fmt: skip
    page.wait_for_selector("#history-chart svg")
    drawer.locator("summary").first.click()
    last = record.history[-1]
    row = drawer.locator('table[aria-label="Epochs"] tbody tr').last.locator("th, td").all_inner_texts()
    assert row[0] == str(len(record.history))
    assert float(row[1]) == pytest.approx(last.loss, abs=6e-5)
    assert float(row[2]) == pytest.approx(100 * last.train_accuracy, abs=0.06)
    classes = drawer.locator('table[aria-label="Classes"] tbody tr')
    assert classes.count() == len(record.per_class)
    worst = min(record.per_class, key=lambda one: one.n_correct / one.n_test)
    texts = classes.first.locator("th, td").all_inner_texts()
    assert texts[3] == f"{worst.n_correct} of {worst.n_test}"
    text = drawer.inner_text()
    assert entry.words is not None
    for word in (entry.words.nearest[0][0][0], "class_token_position", "NVIDIA H100", "2.9.0", "recipe.epochs",
                 "the end of the log", f"{record.n_correct:,} of {record.n_test:,}"):  # fmt: skip
        assert word in text


def test_keyboard_alone(tab: Tab, part: str) -> None:
    """Without a mouse: skip to the content, switch a method, open a cell, go on to the next, and come back."""
    page = tab(part)
    page.wait_for_selector(DRAWN)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#overview")
    page.locator("#legend button").nth(1).focus()
    page.keyboard.press("Space")
    until(page, "document.activeElement.getAttribute('aria-pressed') === 'false'")
    first = page.locator("#cell-table [data-cell]").first
    first.focus()
    identifier = first.get_attribute("data-cell")
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer[open]")
    assert page.url.endswith(f"#cell={identifier}")
    assert page.evaluate("document.activeElement.closest('#drawer') !== null")
    title = page.locator("#drawer-title").inner_text()
    page.keyboard.press("j")
    assert page.locator("#drawer-title").inner_text() != title
    page.keyboard.press("k")
    assert page.locator("#drawer-title").inner_text() == title
    for _ in range(40):  # the focus stays inside
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#drawer')"
        )
    page.keyboard.press("Escape")
    assert not page.locator("#drawer").is_visible()
    assert page.evaluate("document.activeElement.dataset.cell") == identifier


def test_a_cell_has_an_address(tab: Tab, part: str, part_entries: list[Entry]) -> None:
    """An address with a cell's id opens its drawer; one of no cell opens nothing."""
    identifier = cell_id(part_entries[5].cell)
    page = tab(f"{part}#cell={identifier}")
    page.wait_for_selector("#drawer[open]")
    assert identifier in page.locator("#drawer").inner_text()
    assert not tab(f"{part}#cell=0").locator("#drawer").is_visible()


def test_hostile_names_are_words(
    tab: Tab, write_page: Callable[..., str], hostile_entries: list[Entry], hostile_jobs: Jobs
) -> None:
    """Names that are markup are read as written: in tables, legend, tooltip, drawer and log."""
    name = hostile_entries[0].cell.dataset
    page = tab(write_page(hostile_entries, hostile_jobs, name))
    page.wait_for_selector(DRAWN)
    assert page.locator("h1").text_content() == name
    box = page.locator(DRAWN).bounding_box()
    page.locator(DRAWN).scroll_into_view_if_needed()
    box = page.locator(DRAWN).bounding_box()
    for step in range(3):
        page.mouse.move(box["x"] + box["width"] * 0.55 + step, box["y"] + 60)
    page.locator("#vg-tooltip-element").wait_for(state="visible")
    assert "</script>" in page.locator("#vg-tooltip-element").inner_text()
    for place in range(3):
        page.locator("#cell-table [data-cell]").nth(place).click()
        page.wait_for_selector("#drawer[open]")
        assert "<img src=x onerror=alert(1)>" in page.locator("#drawer").inner_text()
        page.keyboard.press("Escape")
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_prints_light_and_whole(tab: Tab, part: str, tmp_path: Path) -> None:
    """On paper there are no controls, the ground is white also of a dark page, and a PDF comes out."""
    page = tab(part, color_scheme="dark")
    page.wait_for_selector(DRAWN)
    content = page.pdf(format="A4")
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 2
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(250, 250, 248)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 29, 31)"
    assert not page.locator("#cell-controls").is_visible()
    assert page.locator(DRAWN).is_visible()


def test_without_scripts_there_is_a_page(tab: Tab, part: str) -> None:
    """A browser that runs no scripts shows overview and tables, and says what is missing."""
    page = tab(part, java_script_enabled=False)
    assert page.locator("noscript").count() == 1
    assert page.locator("#table-dtd").is_visible()
    assert page.locator("#overview .grid").is_visible()
    assert not page.locator("#cells").is_visible()


def test_empty_matrix(tab: Tab, write_page: Callable[..., str]) -> None:
    """A matrix without cells, and one without records, have pages that say so."""
    page = tab(write_page([]))
    assert "This matrix has no cells." in page.locator("main").inner_text()
    assert not page.locator("#curves").is_visible()


def test_matrix_without_records(tab: Tab, write_page: Callable[..., str], part_entries: list[Entry]) -> None:
    """Before the first record there are cells to look at, and a chart that says that it has no numbers."""
    page = tab(write_page([Entry(entry.cell, None, "missing") for entry in part_entries]))
    assert "No numbers yet." in page.locator("#curve-chart").inner_text()
    page.locator("#cell-table [data-cell]").first.click()
    assert "This cell has no record yet" in page.locator("#drawer").inner_text()


def test_full_matrix_is_quick(tab: Tab, write_page: Callable[..., str], full_entries: list[Entry]) -> None:
    """All 836 cells are there within seconds, and a filter answers at once."""
    page = tab(write_page(full_entries))
    page.wait_for_selector(DRAWN)
    assert page.evaluate("performance.now()") < 20_000
    assert page.locator("#curve-chart .mark-line").count() >= 12
    taken_ms = page.evaluate(
        "() => { const box = document.querySelector('#cell-find'), then = performance.now(); box.value = 'dtd';"
        " box.dispatchEvent(new Event('input')); return performance.now() - then; }"
    )
    assert counted(page) == "76 of 836 cells"
    assert taken_ms < 2000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Tab, part: str, scheme: str) -> None:
    """axe-core has nothing to say against the page or an open drawer, contrast included."""
    path = os.environ.get("HARNESS_AXE")
    if not path:
        pytest.skip("set HARNESS_AXE to axe.min.js of the npm package axe-core")
    page = tab(part, color_scheme=scheme)
    page.wait_for_selector(DRAWN)
    page.click("#curve-numbers summary")
    page.evaluate(Path(path).read_text(encoding="utf-8"))
    look = (
        "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        ".map((one) => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 200), one.nodes[0].failureSummary])"
    )
    assert page.evaluate(look) == []
    page.locator("#cell-table [data-cell]").nth(60).click()
    page.wait_for_selector("#history-chart svg, #drawer h3")
    assert page.evaluate(look) == []
