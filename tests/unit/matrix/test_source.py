"""Data sets that a matrix describes itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.matrix.matrix import Matrix
from harness.matrix.select import select
from harness.matrix.source import DEFAULT_TEMPLATE, DatasetSource

Read = Callable[[str], Matrix]
Faults = Callable[[str], list[str]]

REST = "backbones: tiny\nshots: 1\nseeds: 1\nmethods: [zero_shot, coop]\n"
KEYS = "name, folder, split, class_names, template, like, data, subset_file"
LETTERS = "only letters, digits, '.', '_' and '-' may stand in a data set's name"
KNOWN = "digits, imagenet, unmeasured"


def described(*entries: str) -> str:
    """A matrix of these entries; the first stands in line 2."""
    return "datasets:\n" + "".join(f"  - {entry}\n" for entry in entries) + REST


def test_folder_is_relative_to_the_matrix(read: Read, tmp_path: Path) -> None:
    """Paths are made absolute where the YAML lies, wherever the command runs."""
    matrix = read(described("{name: mine, folder: images/here, class_names: ../names.txt}"))
    assert matrix.sources == (
        DatasetSource(name="mine", folder=f"{tmp_path}/images/here", class_names=f"{tmp_path}/../names.txt"),
    )
    assert [cell.dataset for cell in matrix.cells] == ["mine", "mine"]


def test_absolute_and_home_paths_stay(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path is taken as it is, and ``~`` is the user's folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    matrix = read(described(f"{{name: a, folder: {tmp_path}/x}}", "{name: b, folder: ~/y}"))
    assert [source.folder for source in matrix.sources] == [f"{tmp_path}/x", f"{tmp_path}/home/y"]


def test_home_of_nobody_is_a_name(read: Read, tmp_path: Path) -> None:
    """``~NAME`` of no account is a folder of that name, and no defect."""
    (source,) = read(described("{name: a, folder: ~nobody-of-that-name/y}")).sources
    assert source.folder == f"{tmp_path}/~nobody-of-that-name/y"


def test_data_root_of_the_matrix_is_beside_it_too(read: Read, tmp_path: Path) -> None:
    """``data:`` follows the same rule as the paths of an entry."""
    assert read(described("digits") + "data: sets\n").data == f"{tmp_path}/sets"


def test_template_is_the_entrys_then_the_known_ones_then_a_photo(read: Read) -> None:
    """A data set that says nothing has the template of what it is like, or a plain one."""
    matrix = read(
        described(
            "{name: a, folder: a}",
            "{name: b, folder: b, template: 'b {}'}",
            "{name: c, like: digits, data: d}",
            "{name: d, like: digits, data: d, template: 'd {}'}",
        )
    )
    templates = [cell.template for cell in matrix.cells if cell.method == "zero_shot"]
    assert templates == [DEFAULT_TEMPLATE, "b {}", "a digit {}.", "d {}"]


def test_single_mapping_is_a_list_of_one(read: Read) -> None:
    """One data set needs no list."""
    listed = read(described("{name: mine, folder: x}"))
    single = read("datasets: {name: mine, folder: x}\n" + REST)
    assert (single.cells, single.sources) == (listed.cells, listed.sources)


def test_names_and_descriptions_mix(read: Read) -> None:
    """Known data sets and described ones keep their order."""
    matrix = read(described("digits", "{name: mine, folder: x}", "imagenet"))
    assert list(dict.fromkeys(cell.dataset for cell in matrix.cells)) == ["digits", "mine", "imagenet"]
    assert [source.name for source in matrix.sources] == ["mine"]


def test_null_is_the_same_as_no_key(read: Read) -> None:
    """A key that is left empty is not there."""
    matrix = read(described("{name: mine, folder: x, split: null, class_names: , data: ~, subset_file: null}"))
    assert matrix.sources[0].model_dump(exclude_none=True).keys() == {"name", "folder"}


def test_defined_names_are_known_everywhere(read: Read) -> None:
    """``exclude``, ``include`` and a selection use the name like any other."""
    text = described("digits", "{name: mine, folder: x}")
    matrix = read(
        f"{text}exclude: [{{dataset: mine, method: zero_shot}}]\n"
        "include: [{dataset: mine, shots: 2, method: coop}]\n"
    )
    found = [(cell.dataset, cell.method, cell.shots) for cell in select(matrix.cells, "dataset=mine")]
    assert found == [("mine", "coop", 1), ("mine", "coop", 2)]


def test_name_is_the_identity(read: Read) -> None:
    """Two folders under one name are one cell; the record says what it was made from."""
    cells = [read(described(f"{{name: mine, folder: {folder}}}")).cells for folder in "ab"]
    assert cells[0] == cells[1]


def test_own_list_goes_with_a_known_data_set(read: Read, tmp_path: Path) -> None:
    """``like`` with ``subset_file`` alone is the known data set with other training images."""
    (source,) = read(described('{name: mine, like: imagenet, subset_file: "l/{shots}-{seed}.txt"}')).sources
    assert source.subset_file == f"{tmp_path}/l/{{shots}}-{{seed}}.txt"


def test_braces_around_the_matrix_are_no_placeholders(tmp_path: Path, vocabulary: object) -> None:
    """Only what the entry says is looked at, not the folder that the YAML lies in."""
    from harness.matrix.matrix import read_matrix

    path = tmp_path / "{odd}" / "m.yaml"
    path.parent.mkdir()
    path.write_text(described("{name: mine, folder: x, subset_file: 'a.txt'}"), encoding="utf-8")
    assert read_matrix(path, vocabulary).sources[0].subset_file == str(path.parent / "a.txt")  # type: ignore[arg-type]


@pytest.mark.parametrize(("entry", "epochs"), [("like: imagenet, data: d", 50), ("folder: d", 200)])
def test_recipe_is_that_of_what_it_is_like(read: Read, entry: str, epochs: int) -> None:
    """ImageNet trains for 50 epochs under any name, with any images; a folder as long as other data sets."""
    matrix = read(described(f"{{name: mine, {entry}}}").replace("shots: 1", "shots: 16"))
    assert matrix.cells[1].recipe_dict()["epochs"] == epochs


# --- faults ------------------------------------------------------------------------------------------------


def test_all_faults_of_descriptions_are_reported_together(faults: Faults) -> None:
    """One reading finds every fault of every entry, each in its line."""
    text = """\
datasets:
  - digitz
  - name: mine
    foldr: x
    template: 3
  - folder: y
  - name: a/b
    folder: z
  - name: both
    folder: x
    like: digitz
    data: d
    class_names: n.txt
    split: s.json
    template: no place
    subset_file: "{shot}-{seed}.txt"
shots: 0
backbones: tiny
seeds: 1
methods: coop
"""
    found = faults(text)
    assert [fault.partition("Known:")[0].strip() for fault in found] == [
        "F:2: datasets[0]: unknown dataset 'digitz'. Did you mean 'digits'?",
        "F:4: datasets[1].foldr: unknown key. Did you mean 'folder'?",
        "F:5: datasets[1].template: must be words, not 3.",
        "F:6: datasets[2].name: is missing: every data set of a matrix has a name.",
        f"F:7: datasets[3].name: {LETTERS}, not 'a/b'.",
        "F:11: datasets[4].like: stands beside `folder`; write one of the two.",
        "F:11: datasets[4].like: unknown data set 'digitz'. Did you mean 'digits'?",
        "F:13: datasets[4].class_names: stands beside `split`, whose file has the class names.",
        "F:15: datasets[4].template: must hold {} once, where the class name goes, not 'no place'.",
        "F:16: datasets[4].subset_file: only {shots} and {seed} may stand in it, not {shot}.",
        "F:17: shots[0]: must be a whole number above zero or all, not 0.",
    ]
    assert found[1].endswith(f"Known: {KEYS}.")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{}", "name: is missing: every data set of a matrix has a name."),
        ("{name: 7, folder: x}", "name: must be words, not 7."),
        ("{name: '', folder: x}", f"name: {LETTERS}, not ''."),
        ("{name: .x, folder: x}", f"name: {LETTERS}, not '.x'."),
        ("{name: m, folder: [x]}", "folder: must be words, not ['x']."),
        ("{name: m, folder: x, 1: y}", f"1: unknown key. Known: {KEYS}."),
        (
            "{name: m}",
            f"name: is no known data set; write `folder: DIR` or `like: KNOWN` beside it. Known: {KNOWN}.",
        ),
        (
            "{name: digitz}",
            "name: is no known data set; write `folder: DIR` or `like: KNOWN` beside it. "
            f"Did you mean 'digits'? Known: {KNOWN}.",
        ),
        (
            "{name: digits, folder: x}",
            "name: digits is the name of a known data set; give this one another.",
        ),
        (
            "{name: digits}",
            "name: digits is the name of a known data set; give this one another. "
            "Such as `{name: my_digits, like: digits, data: DIR}`.",
        ),
        ("{name: m, folder: x, like: digits, data: d}", "like: stands beside `folder`; write one of the two."),
        (
            "{name: m, like: imagnet, data: d}",
            f"like: unknown data set 'imagnet'. Did you mean 'imagenet'? Known: {KNOWN}.",
        ),
        (
            "{name: m, like: digits}",
            "like: needs `data: DIR`, the data root of this one, or `subset_file: FILE`, or both.",
        ),
        ("{name: m, like: digits, data: d, split: s}", "split: goes with `folder`."),
        ("{name: m, like: digits, data: d, class_names: s}", "class_names: goes with `folder`."),
        ("{name: m, folder: x, data: d}", "data: goes with `like`."),
        (
            "{name: m, folder: x, split: s, class_names: c}",
            "class_names: stands beside `split`, whose file has the class names.",
        ),
        (
            "{name: m, folder: x, template: a photo}",
            "template: must hold {} once, where the class name goes, not 'a photo'.",
        ),
        ("{name: m, folder: x, template: ''}", "template: must be words, not ''."),
        ("{name: base, folder: x}", "name: base is a half of the classes; give the data set another name."),
        (
            "{name: m, folder: x, subset_file: '{seed}{k}{}'}",
            "subset_file: only {shots} and {seed} may stand in it, not {k}.",
        ),
    ],
)
def test_wrong_descriptions_are_named(faults: Faults, entry: str, fault: str) -> None:
    """Each mistake is said with the key at fault, its line, and what to do."""
    assert faults(described("unmeasured", entry))[0] == f"F:3: datasets[1].{fault}"


@pytest.mark.parametrize("entry", ["{name: m}", "{name: digits}", "{}", "{name: m, folder: 3}", "{name: a b}"])
def test_one_mistake_is_one_fault(faults: Faults, entry: str) -> None:
    """Nothing that follows from a mistake is said beside it."""
    assert len(faults(described(entry))) == 1


def test_faults_of_a_single_mapping_have_its_place(faults: Faults) -> None:
    """Without a list there is no index."""
    assert faults("datasets: {foldr: x}\n" + REST) == [
        f"F:1: datasets.foldr: unknown key. Did you mean 'folder'? Known: {KEYS}.",
        "F:1: datasets.name: is missing: every data set of a matrix has a name.",
    ]


def test_two_data_sets_of_one_name_are_a_fault(faults: Faults) -> None:
    """A name stands for one data set."""
    assert faults(described("{name: mine, folder: x}", "{name: mine, folder: y}")) == [
        "F:1: datasets: holds 'mine' twice."
    ]


def test_target_without_training_images_stays_one(vocabulary: object, matrix_file: Path) -> None:
    """What is like a shifted target cannot be trained on."""
    from harness.cli.vocabulary import known_names
    from harness.errors import MatrixError
    from harness.matrix.matrix import read_matrix

    matrix_file.write_text(described("{name: mine, like: imagenet_a, data: d}"), encoding="utf-8")
    with pytest.raises(MatrixError, match="mine has no training images for coop"):
        read_matrix(matrix_file, known_names())
