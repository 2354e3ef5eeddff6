import re
import subprocess
import sys

import pytest
from rich.console import Console

from harness.errors import HarnessError
from harness.report.build import build_report
from harness.report.terminal import summary
from harness.report.write import write_report

ENDINGS = ("csv", "html", "md", "tex", "wide.csv")


def _names(paths):
    return [path.name for path in paths]


def test_files_of_one_group(small_matrix, tmp_path) -> None:
    """A single group needs no prefix; the paths come back sorted and are there."""
    paths = write_report(build_report("m", small_matrix), tmp_path)
    assert _names(paths) == [
        "curves.pdf", "curves.png", "curves.svg",
        *(f"digits.{ending}" for ending in ENDINGS), "gains.pdf", "gains.png", "gains.svg", "index.md",
        *(f"{stem}.{ending}" for stem in ("intervals", "paired") for ending in ENDINGS),
    ]  # fmt: skip
    assert sorted(tmp_path.iterdir()) == list(paths)


def test_a_folder_that_takes_nothing_is_told(small_matrix, tmp_path) -> None:
    """A file in the place of the folder is a mistake that is told, with what to do, before anything is drawn."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(HarnessError, match=r"taken: the report cannot be written here: .* Name another folder"):
        write_report(build_report("m", small_matrix), tmp_path / "taken", iter(()))


def test_files_of_two_backbones(make_entry, tmp_path) -> None:
    """Two groups are told apart by a slug of the backbone, and index.md links all of their files."""
    entries = [
        make_entry("coop", 600, shots, 1, backbone=name)
        for name in ("RN50:openai", "ViT-B-16:laion2b")
        for shots in (1, 2)
    ]
    names = _names(write_report(build_report("m", entries), tmp_path))
    assert {"rn50-openai-digits.md", "vit-b-16-laion2b-curves.svg", "backbones.md", "backbones.svg"} <= set(names)
    links = re.findall(r"\]\(([^)]+)\)", (tmp_path / "index.md").read_text())
    assert len(links) == 3 * (3 + 4)
    assert all((tmp_path / link).is_file() for link in links)


def test_groups_that_differ_in_more_than_the_backbone(make_entry) -> None:
    """Whatever differs between groups is in the prefix, and nothing else."""
    entries = [make_entry("zero_shot", 600, classes=name) for name in ("all", "base")]
    stems = [group.tables[0].stem for group in build_report("m", entries).groups]
    assert stems == ["rn50-openai-all-digits", "rn50-openai-base-digits"]


def test_evaluations_elsewhere_add_tables_and_no_curves(small_matrix, make_entry, tmp_path) -> None:
    """The tables and curves of the source stay as they are; what was evaluated elsewhere has one table more."""
    more = [make_entry("zero_shot", 500, evaluate_on="x"), make_entry("coop", 600, 16, 1, evaluate_on="x")]
    (plain,), (group,) = (build_report("m", entries).groups for entries in (small_matrix, small_matrix + more))
    assert (group.tables, group.figures[0]) == (plain.tables, plain.figures[0])
    assert [table.stem for table in group.elsewhere] == ["digits-elsewhere"]
    write_report(build_report("m", small_matrix + more), tmp_path)
    links = re.findall(r"\]\(([^)]+)\)", (tmp_path / "index.md").read_text())
    assert {"digits-elsewhere.csv", "digits-elsewhere.tex", "digits-elsewhere.html"} <= set(links)
    assert all((tmp_path / link).is_file() for link in links)


def test_only_evaluations_elsewhere(make_entry, tmp_path) -> None:
    """Without own test images there is a figure of those elsewhere alone."""
    report = build_report("m", [make_entry("zero_shot", 600, evaluate_on="x")])
    assert _names(write_report(report, tmp_path)) == [
        "digits-elsewhere.csv", "digits-elsewhere.html", "digits-elsewhere.md", "digits-elsewhere.pdf",
        "digits-elsewhere.png", "digits-elsewhere.svg", "digits-elsewhere.tex", "digits-elsewhere.wide.csv",
        "index.md",
    ]  # fmt: skip


def test_awkward_data_set_names_share_no_file(make_entry, tmp_path) -> None:
    """Data sets called like the report's own files, or alike but for case, have files of their own."""
    datasets = ["average", "few-shot", "index", "My data/set", "my-data-set", "../x"]
    entries = [make_entry("zero_shot", 600, dataset=name) for name in datasets]
    paths = write_report(build_report("m", entries), tmp_path)
    assert len({path.name.lower() for path in paths}) == len(paths) == 5 * 8 + 1
    assert {path.parent for path in paths} == {tmp_path}


def test_bytes_are_the_same_twice(small_matrix, tmp_path) -> None:
    """Every file of a second report, from shuffled seeds, holds the same bytes, figures included."""
    again = [small_matrix[0], *sorted(small_matrix[1:7], key=lambda e: -e.cell.seed), *small_matrix[7:]]
    first = write_report(build_report("m", small_matrix), tmp_path / "a")
    second = write_report(build_report("m", again), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_no_clock_path_or_host_in_any_file(small_matrix, tmp_path) -> None:
    """What records hold beside the counts does not reach a file, nor does the time of drawing."""
    for path in write_report(build_report("m", small_matrix), tmp_path):
        content = path.read_bytes()
        for word in (b"2031", b"12345", b"secret", b"CreationDate", str(tmp_path).encode()):
            assert word not in content, path.name
        if path.suffix in (".md", ".csv", ".tex", ".html"):
            assert re.search(rb"\d\d:\d\d", content) is None


def test_building_imports_neither_matplotlib_nor_torch() -> None:
    """Tables alone stay fast: matplotlib comes with the figures, torch never."""
    code = (
        "import sys, harness.report.build, harness.report.terminal;"
        "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_empty_report(tmp_path) -> None:
    """A matrix without cells gives an index and nothing else."""
    assert _names(write_report(build_report("m", []), tmp_path)) == ["index.md"]


def test_terminal_shows_evaluations_elsewhere(make_entry) -> None:
    """Names of data sets break behind an underscore, four targets fit eighty columns, and words are left out."""
    places = (None, "imagenet_v2", "imagenet_sketch", "imagenet_a", "imagenet_r")
    entries = [make_entry("coop", 600, 16, seed, evaluate_on=place) for place in places for seed in (1, 2, 3)]
    console = Console(width=80, record=True, file=None, quiet=False)
    with console.capture() as capture:
        for table in summary(build_report("m", entries)):
            console.print(table)
    lines = capture.get().splitlines()
    assert any("sketch" in line.split() for line in lines)
    assert not any("nearest" in line or "…" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_terminal_shows_accuracy_then_gain(small_matrix) -> None:
    """Both blocks print at eighty columns with every number whole."""
    console = Console(width=80, record=True, file=None, quiet=False)
    with console.capture() as capture:
        for table in summary(build_report("m", small_matrix)):
            console.print(table)
    text = capture.get()
    for words in ("CoOp (unified)", "65.0 ±1.0", "−12.0 ±1.0", "Gain over zero-shot"):
        assert words in text
    assert "…" not in text
