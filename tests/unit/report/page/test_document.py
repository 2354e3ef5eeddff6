"""The page as a file: what is in it, how large it is, and that nothing can break out of it."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import random
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.matrix.identity import cell_id
from harness.report.build import build_report
from harness.report.numbers.entry import Entry
from harness.report.page.document import MOST_BYTES, Content, page_content, page_html
from harness.report.page.library import Library, plot_library
from harness.report.page.logs import JobLog, Jobs
from harness.report.sections.evidence import Choices
from harness.report.stats.summary import SD_KINDS

MakeContent = Callable[..., Content]


class _Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._is_script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        self._is_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[-1] += data
        else:
            self.text += data


def data_of(html: str) -> dict[str, Any]:
    """The data that stands in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    value = json.loads(found[1])
    assert isinstance(value, dict)
    return value


def test_full_matrix_fits(full_entries: list[Entry], content_of: MakeContent, library: Library) -> None:
    """The page of the paper's 836 cells stays under 5 MB with every detail of every cell."""
    html = page_html(content_of(full_entries))
    assert len(html.encode()) <= MOST_BYTES
    cells = data_of(html)["cells"]
    assert len(cells["id"]) == 836
    assert cells["without"] == []
    assert len(cells["history"]) == 660
    assert len(cells["counts"]) == 836


def test_too_large_a_page_says_what_it_leaves_out(
    full_entries: list[Entry], content_of: MakeContent, library: Library
) -> None:
    """Where the room is small, details go in a fixed order, the footer names them, and every cell stays."""
    html = page_html(content_of(full_entries, most_bytes=2_000_000))
    assert len(html.encode()) <= 2_000_000
    assert "Left out for size: words near class-specific contexts, counts by class." in html
    cells = data_of(html)["cells"]
    assert cells["without"] == ["class words", "counts"]
    assert (len(cells["id"]), cells["counts"], len(cells["history"])) == (836, {}, 660)


def test_bytes_are_the_same_twice(small_matrix: list[Entry], content_of: MakeContent) -> None:
    """The same records make the same bytes; nothing on the page is of the moment or of the machine."""
    assert page_html(content_of(small_matrix)) == page_html(content_of(small_matrix))


def test_order_of_seeds_changes_no_number(small_matrix: list[Entry]) -> None:
    """Means, spreads and values of the curves do not depend on the order in which seeds were read."""
    shuffled = [small_matrix[0], *random.Random(1).sample(small_matrix[1:7], 6), *small_matrix[7:]]
    one, other = (
        page_content(build_report("m", entries), entries, Jobs()).data["curves"]
        for entries in (small_matrix, shuffled)
    )
    assert one[0]["points"] == other[0]["points"]


def test_scripts_are_the_ones_that_the_policy_names(small_matrix: list[Entry], content_of: MakeContent) -> None:
    """The policy allows the page's two scripts by their digests, and no network of any kind."""
    html = page_html(content_of(small_matrix))
    parsed = _Elements(html)
    policy = next(
        attributes["content"] or ""
        for tag, attributes in parsed.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    own = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script, (_, attributes) in zip(
            parsed.scripts, (one for one in parsed.elements if one[0] == "script"), strict=True
        )
        if attributes.get("type") != "application/json"
    ]
    assert len(own) == 2
    assert re.findall(r"'sha256-([^']+)'", policy) == own
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe-eval" not in policy


def test_nothing_is_loaded(small_matrix: list[Entry], content_of: MakeContent) -> None:
    """No element names a file or an address to load; links lead to the tables' other forms and inside the page."""
    loading = {"src", "srcset", "poster", "background", "action", "formaction", "manifest", "ping"}
    for tag, attributes in _Elements(page_html(content_of(small_matrix))).elements:
        assert not loading & attributes.keys(), (tag, attributes)
        href = attributes.get("href") or ""
        if tag == "a":
            assert re.fullmatch(r"#[a-z]+|[a-z]+\.(csv|wide\.csv|md|tex|html)", href), href
        else:
            assert href == "" or href.startswith("data:"), (tag, href)


def test_hostile_names_stay_text(
    hostile_entries: list[Entry], hostile_jobs: Jobs, content_of: MakeContent
) -> None:
    """Names of data sets, methods, classes, reasons and logs come out as they are, and make no element."""
    plain = _Elements(page_html(content_of([])))
    html = page_html(content_of(hostile_entries, hostile_jobs, name=hostile_entries[0].cell.dataset))
    parsed = _Elements(html)
    assert {tag for tag, _ in parsed.elements} - {tag for tag, _ in plain.elements} <= {
        "table", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li", "b", "i", "strong", "sup", "section",
        "code", "h3",
    }  # fmt: skip
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)
    name = hostile_entries[0].cell.dataset
    assert name in parsed.text
    data = data_of(html)
    assert name in data["cells"]["config"]["dataset"]["v"]
    assert data["cells"]["classes"][0]["name"] == [name]
    assert data["logs"][0]["tail"].endswith(name)
    assert data["cells"]["trace"]["v"][-1] == name


@pytest.mark.parametrize(
    "name", ["$policy $$ ${data}", "\\u003c/script\\u003e", "{{x}}", "%3Cscript%3E", "a" * 3000]
)
def test_awkward_names_stay_text(
    make_hostile: Callable[[str], list[Entry]], content_of: MakeContent, name: str
) -> None:
    """Names that mean something to templates, to JSON or to addresses mean nothing here."""
    html = page_html(content_of(make_hostile(name), name=name))
    assert name in _Elements(html).text
    assert name in data_of(html)["cells"]["config"]["dataset"]["v"]


def test_empty_matrix(content_of: MakeContent) -> None:
    """A matrix without cells has a page that says so."""
    html = page_html(content_of([]))
    assert "This matrix has no cells." in html
    assert data_of(html)["curves"] == []


def test_live_page_may_ask_its_own_server_only(small_matrix: list[Entry], content_of: MakeContent) -> None:
    """A served page knows the tag of its content and may reach the server that it came from."""
    content = content_of(small_matrix)
    html = page_html(content, live=True)
    assert "connect-src 'self'" in html
    assert (data_of(html)["live"], data_of(html)["tag"]) == (True, f'"{content.tag}"')


def test_tag_follows_the_content(small_matrix: list[Entry], content_of: MakeContent) -> None:
    """Another record makes another tag, the same ones the same."""
    assert content_of(small_matrix).tag == content_of(small_matrix).tag
    assert content_of(small_matrix).tag != content_of(small_matrix[:-1]).tag


def test_every_table_is_on_the_page(small_matrix: list[Entry], make_entry: Any, content_of: MakeContent) -> None:
    """Whatever tables the report has stand on the page, each with its stem."""
    entries = [*small_matrix, make_entry("coop", 600, 16, 1, evaluate_on="x")]
    report = build_report("mine", entries)
    html = page_html(content_of(entries))
    for group in report.groups:
        for table in group.all_tables:
            assert f'id="table-{table.stem}"' in html


def test_states_and_reasons_are_told(small_matrix: list[Entry], make_entry: Any) -> None:
    """Failed, stale, missing and running cells are counted, by data set and method, too, with their reasons."""
    cells = [
        make_entry("coop", None, 2, seed, gap=gap) for seed, gap in ((1, "failed"), (2, "stale"), (3, "missing"))
    ]
    running = make_entry("coop", None, 4, 1)
    jobs = Jobs((JobLog("j", "x"),), {}, {}, {cell_id(running.cell): (3, 50)})
    entries = [*small_matrix, *cells, running]
    content = page_content(build_report("mine", entries), entries, jobs)
    for state, count in (("done", 19), ("failed", 1), ("stale", 1), ("missing", 1), ("running", 1)):
        assert f'data-show="{{&quot;state&quot;:&quot;{state}&quot;}}"><b>{count}</b>' in content.overview
    assert "19 of 23 cells done" in content.overview
    assert "6/10 done, 1 running, 1 failed, 1 stale, 1 missing" in content.overview
    assert "no reason was recorded" in content.overview
    assert [3, 50] in [list(value) for value in content.data["cells"]["at"]["v"] if value]


def test_library_is_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second page of a machine does not put the plotting library together again."""
    import vl_convert

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    first = plot_library()

    def again(*_: object) -> Sequence[str]:
        raise AssertionError("put together again")

    monkeypatch.setattr(vl_convert, "javascript_bundle", again)
    assert plot_library() == first
    assert "vegaEmbed" in first.script
    assert "BSD" in first.credit


def test_agreement_with_published_figures_is_told(small_matrix: list[Entry]) -> None:
    """Where sets were named, the overview has a line for each, and the tables have the comparison."""
    report = build_report("m", small_matrix, Choices(against=("coop_ijcv2022",)))
    content = page_content(report, small_matrix, Jobs())
    assert f"<li>{report.tallies[0]}.</li>" in content.overview
    assert 'id="table-against-coop_ijcv2022"' in content.tables
    assert "Published figures" not in page_content(build_report("m", small_matrix), small_matrix, Jobs()).overview


def test_deviation_is_the_chosen_one(small_matrix: list[Entry]) -> None:
    """The curves have the deviation that the tables have, and the page says which it is."""
    contents = [
        page_content(build_report("m", small_matrix, Choices(sd_kind=kind)), small_matrix, Jobs()).data
        for kind in SD_KINDS
    ]
    sample, population = ([point[5] for point in data["curves"][0]["points"] if point[5]] for data in contents)
    assert population == [pytest.approx(sd * math.sqrt(2 / 3), abs=2e-3) for sd in sample]
    assert [data["sd"].split()[0] for data in contents] == list(SD_KINDS)


def test_what_is_left_out_of_a_report_is_told(small_matrix: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has the report's own remarks on what it does not show."""
    monkeypatch.setattr("harness.report.build.MOST_DETAILED", len(small_matrix) - 1)
    report = build_report("m", small_matrix)
    assert report.groups[0].remarks[0] in page_content(report, small_matrix, Jobs()).tables
