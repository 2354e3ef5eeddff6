"""From a matrix to its cells."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.errors import MatrixError
from harness.matrix.identity import cell_id
from harness.matrix.launching import Launching
from harness.matrix.matrix import Matrix, read_matrix

Read = Callable[[str], Matrix]
Faults = Callable[[str], list[str]]

HEAD = "backbones: tiny\ndatasets: digits\n"
COOP = HEAD + "shots: [1, 2, 4]\nseeds: [1, 2]\nmethods: coop\n"


def column(matrix: Matrix, key: str) -> list[object]:
    """One key of all cells, in their order."""
    return [cell.to_dict()[key] for cell in matrix.cells]


def test_smoke_matrix_has_86_cells(repository: Path) -> None:
    """One zero-shot cell, 15 linear probes and 30 of CoOp, and ten evaluations on each of four shifts."""
    matrix = read_matrix(repository / "experiments" / "smoke.yaml", known_names())
    assert matrix.name == "smoke"
    assert Counter(column(matrix, "method")) == {"zero_shot": 5, "linear_probe": 27, "coop": 54}
    assert Counter(column(matrix, "evaluate_on"))[None] == 46


def test_full_matrix_has_836_cells(repository: Path) -> None:
    """Eleven zero-shot cells, 165 linear probes and 660 of CoOp: the paper's matrix."""
    matrix = read_matrix(repository / "experiments" / "full.yaml", known_names())
    assert matrix.name == "full"
    assert Counter(column(matrix, "method")) == {"zero_shot": 11, "linear_probe": 165, "coop": 660}


def test_axes_multiply(read: Read) -> None:
    """Every combination of the axes is one cell."""
    matrix = read(
        "backbones: [tiny, 'RN50:openai']\ndatasets: [digits, imagenet]\nshots: [1, 2, 4]\nseeds: [1, 2]\n"
        "methods:\n  - method: coop\n    context: [unified, class_specific]\n    n_ctx: [4, 16]\n"
    )
    assert len(matrix.cells) == len(set(matrix.cells)) == 2 * 2 * 3 * 2 * 2 * 2


def test_axes_that_multiply_without_end_are_a_fault(faults: Faults) -> None:
    """A few lines can describe more cells than anybody waits for."""
    axes = f"shots: {list(range(1, 1001))}\nseeds: {list(range(1001))}\n"
    assert faults(HEAD + axes + "methods: [zero_shot, linear_probe]\n") == [
        "F:5: methods[1]: linear_probe would have 1,001,000 cells; 1,000,000 are the most."
    ]


def test_baseline_collapses_over_axes_that_it_ignores(read: Read) -> None:
    """Zero-shot is one cell a data set, however many shots and seeds there are."""
    matrix = read(
        "backbones: tiny\ndatasets: [digits, imagenet]\nshots: [1, 2]\nseeds: [1, 2]\nmethods: zero_shot\n"
    )
    assert column(matrix, "dataset") == ["digits", "imagenet"]
    assert column(matrix, "shots") == [0, 0]
    assert column(matrix, "seed") == [None, None]


def test_baseline_needs_no_axis_that_it_ignores(read: Read) -> None:
    """A matrix of zero-shot alone needs neither shots nor seeds."""
    assert len(read(HEAD + "methods: zero_shot\n").cells) == 1


def test_single_value_is_a_list_of_one(read: Read) -> None:
    """Scalars and lists of one describe the same cells."""
    scalars = "backbones: tiny\ndatasets: digits\nshots: 1\nseeds: 1\nmethods: {method: coop, n_ctx: 4}\n"
    lists = (
        "backbones: [tiny]\ndatasets: [digits]\nshots: [1]\nseeds: [1]\nmethods: [{method: coop, n_ctx: [4]}]\n"
    )
    assert read(scalars).cells == read(lists).cells


def test_name_is_the_file_stem_by_default(read: Read) -> None:
    """Without ``name`` a matrix is called like its file."""
    assert read(COOP).name == "mine"


def test_name_is_what_the_file_says(read: Read) -> None:
    """``name`` names the matrix."""
    assert read(COOP + "name: other-1.b\n").name == "other-1.b"


def test_settings_that_are_not_identity_are_kept_apart(read: Read) -> None:
    """Tracking, data folder and ``fewer_shots`` are the matrix's and leave the cells alone."""
    matrix = read(COOP + "tracking: wandb\ndata: /somewhere\nfewer_shots: allow\ndescription: words\n")
    assert (matrix.tracking.tracker, matrix.data, matrix.fewer_shots) == ("wandb", "/somewhere", True)
    assert matrix.cells == read(COOP).cells


def test_settings_have_defaults(read: Read) -> None:
    """Tracking is off, no data folder is named, and too many shots are an error."""
    matrix = read(COOP)
    assert (matrix.tracking.tracker, matrix.data, matrix.fewer_shots) == ("none", None, False)


def test_defaults_of_data_set_and_method_are_filled_in(read: Read) -> None:
    """Templates are the data set's, CoOp's axes the method's."""
    zero_shot, coop = read(HEAD + "shots: 1\nseeds: 1\nmethods: [zero_shot, coop]\n").cells
    assert (zero_shot.template, zero_shot.context, zero_shot.recipe) == ("a digit {}.", None, None)
    assert (coop.template, coop.context, coop.n_ctx, coop.class_token_position, coop.ctx_init, coop.views) == (
        None, "unified", 16, "end", None, "live",
    )  # fmt: skip


def test_own_template_replaces_the_data_sets(read: Read) -> None:
    """Two templates are two zero-shot cells."""
    matrix = read(HEAD + "methods: {method: zero_shot, template: ['x {}', 'y {}']}\n")
    assert column(matrix, "template") == ["x {}", "y {}"]


def test_plugin_axis_stands_in_the_cell(read: Read) -> None:
    """An axis that only a plug-in's entry names becomes a further key."""
    matrix = read(HEAD + "shots: 1\nseeds: 1\nmethods: {method: plugin, depth: [3, 9]}\n")
    assert column(matrix, "depth") == [3, 9]


# --- recipe ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shots", "epochs"), [(1, 50), (2, 100), (4, 100), (8, 200), (16, 200), ("all", 200)])
def test_epochs_follow_the_shots(read: Read, shots: object, epochs: int) -> None:
    """The paper trains for 50, 100, 100, 200 and 200 epochs."""
    matrix = read(HEAD + f"shots: {shots}\nseeds: 1\nmethods: coop\n")
    assert [cell.recipe_dict()["epochs"] for cell in matrix.cells] == [epochs]


@pytest.mark.parametrize("shots", [1, 16, "all"])
def test_imagenet_trains_for_50_epochs(read: Read, shots: object) -> None:
    """The paper trains ImageNet for 50 epochs whatever the shots."""
    matrix = read(f"backbones: tiny\ndatasets: imagenet\nshots: {shots}\nseeds: 1\nmethods: coop\n")
    assert [cell.recipe_dict()["epochs"] for cell in matrix.cells] == [50]


def test_all_shots_is_a_shot_count_of_its_own(read: Read) -> None:
    """``shots: all`` stands in the cell as it is written."""
    assert column(read(HEAD + "shots: [1, all]\nseeds: 1\nmethods: coop\n"), "shots") == [1, "all"]


def test_recipe_of_the_matrix_is_in_the_cells(read: Read) -> None:
    """An override replaces the protocol's number in every cell and leaves the others alone."""
    plain, changed = read(COOP), read(COOP + "recipe: {epochs: 3, lr: 1e-3}\n")
    assert [cell.recipe_dict() for cell in changed.cells] == [
        cell.recipe_dict() | {"epochs": 3, "lr": 0.001} for cell in plain.cells
    ]


def test_recipe_changes_identity(read: Read) -> None:
    """No cell of another recipe is the same cell."""
    assert not set(read(COOP).cells) & set(read(COOP + "recipe: {momentum: 0.8}\n").cells)


def test_recipe_leaves_zero_shot_alone(read: Read) -> None:
    """Zero-shot has no recipe, so that an override keeps its identity."""
    both = HEAD + "shots: 1\nseeds: 1\nmethods: [zero_shot, coop]\n"
    plain, changed = read(both).cells, read(both + "recipe: {lr: 0.1}\n").cells
    assert (plain[0] == changed[0], plain[1] == changed[1]) == (True, False)


def test_recipe_reaches_only_methods_that_read_the_number(read: Read) -> None:
    """The learning rate is CoOp's; the linear probe keeps its recipe."""
    both = HEAD + "shots: 1\nseeds: 1\nmethods: [linear_probe, coop]\n"
    plain, changed = read(both).cells, read(both + "recipe: {lr: 0.1}\n").cells
    assert (plain[0] == changed[0], plain[1] == changed[1]) == (True, False)


def test_recipe_of_an_entry_goes_before_the_matrixs(read: Read) -> None:
    """An entry's own override wins, number by number."""
    text = (
        HEAD + "shots: 1\nseeds: 1\nmethods: [{method: coop, recipe: {lr: 0.5}}]\nrecipe: {lr: 0.1, epochs: 7}\n"
    )
    recipe = read(text).cells[0].recipe_dict()
    assert (recipe["lr"], recipe["epochs"]) == (0.5, 7)


@pytest.mark.parametrize("spelling", ["1e-3", "1E-3", "0.001", "1.0e-3", "+1e-3"])
def test_scientific_notation_is_a_number(read: Read, spelling: str) -> None:
    """All spellings of a thousandth are the same number, also those that YAML 1.1 takes for words."""
    assert read(COOP + f"recipe: {{lr: {spelling}}}\n").cells[0].recipe_dict()["lr"] == 0.001


def test_whole_and_broken_spelling_of_a_rate_are_one_cell(read: Read) -> None:
    """``lr: 1`` and ``lr: 1.0`` have the same identity."""
    matrices = [read(f"{COOP}recipe: {{lr: {lr}, epochs: 3}}\n") for lr in ("1", "1.0")]
    assert len({cell_id(cell) for matrix in matrices for cell in matrix.cells}) == len(matrices[0].cells)
    recipe = matrices[0].cells[0].recipe_dict()
    assert (type(recipe["lr"]), type(recipe["epochs"])) == (float, int)


def test_least_values_of_the_axes_are_values(read: Read) -> None:
    """One shot, one context vector, the seed zero and a single centre crop can be asked for."""
    (cell,) = read(HEAD + "shots: 1\nseeds: 0\nviews: 0\nmethods: {method: coop, n_ctx: 1}\n").cells
    assert (cell.shots, cell.seed, cell.views, cell.n_ctx) == (1, 0, 0, 1)
    (live,) = read(HEAD + "shots: 1\nseeds: 0\nviews: live\nmethods: coop\n").cells
    assert live.views == "live"


def test_launcher_of_a_matrix_is_no_part_of_its_cells(read: Read) -> None:
    """The section is kept beside the cells, whose identity it does not touch."""
    matrix = read(COOP + "launcher: {kind: slurm, time: 4h}\n")
    assert matrix.launcher == Launching(kind="slurm", time_min=240)
    assert matrix.cells == read(COOP).cells


# --- initial words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "n_ctx"), [("a photo of a", 4), ("a_photo_of_a", 4), ("texture", 1)])
def test_initial_words_set_n_ctx(read: Read, words: str, n_ctx: int) -> None:
    """With ``ctx_init`` there are as many vectors as words, whatever ``n_ctx`` says."""
    text = HEAD + f"shots: 1\nseeds: 1\nmethods: {{method: coop, n_ctx: 16, ctx_init: {words}}}\n"
    assert column(read(text), "n_ctx") == [n_ctx]


def test_null_words_are_random_initialisation(read: Read) -> None:
    """``ctx_init: null`` in a list stands for random vectors of the default number."""
    text = HEAD + "shots: 1\nseeds: 1\nmethods: {method: coop, ctx_init: [null, a photo of a]}\n"
    assert column(read(text), "n_ctx") == [16, 4]


# --- include and exclude -----------------------------------------------------------------------------------


def test_exclude_removes_what_matches_all_its_keys(read: Read) -> None:
    """Only cells that match every key of an entry go."""
    matrix = read(COOP + "exclude: [{shots: [1, 2], seed: 2}]\n")
    assert list(zip(column(matrix, "shots"), column(matrix, "seed"), strict=True)) == [
        (1, 1),
        (2, 1),
        (4, 1),
        (4, 2),
    ]


def test_exclude_entries_add_up(read: Read) -> None:
    """A cell that matches any entry goes."""
    matrix = read(COOP + "exclude: [{shots: 1}, {seed: 2}]\n")
    assert column(matrix, "shots") == [2, 4]


def test_exclude_that_matches_nothing_is_a_fault(faults: Faults) -> None:
    """An entry without effect is a mistake of its writer."""
    assert faults(COOP + "exclude: [{shots: 8}]\n") == ["F:6: exclude[0]: matches no cell of the matrix."]


def test_excluding_everything_is_a_fault(faults: Faults) -> None:
    """A matrix without cells is not run in silence."""
    assert faults(COOP + "exclude: [{dataset: digits}]\n") == ["F: describes no cell: exclude removes them all."]


def test_include_adds_the_product_of_its_axes(read: Read) -> None:
    """Axes that the entry names multiply with those of the matrix that it does not."""
    matrix = read(COOP + "include: [{shots: [8, 16], seed: 1}]\n")
    added = list(zip(column(matrix, "shots"), column(matrix, "seed"), strict=True))[6:]
    assert added == [(8, 1), (16, 1)]


def test_include_with_a_method_adds_that_method(read: Read) -> None:
    """A method's entry takes the matrix's shots and seeds, and its own axes."""
    matrix = read(COOP + "include: [{method: coop, n_ctx: 4, recipe: {lr: 0.1}}]\n")
    added = matrix.cells[6:]
    assert [(cell.shots, cell.seed, cell.n_ctx, cell.recipe_dict()["lr"]) for cell in added] == [
        (shots, seed, 4, 0.1) for shots in (1, 2, 4) for seed in (1, 2)
    ]


def test_include_of_known_cells_adds_nothing(read: Read) -> None:
    """A cell that is there already is not repeated."""
    assert read(COOP + "include: [{shots: 1}]\n").cells == read(COOP).cells


def test_include_comes_after_exclude(read: Read) -> None:
    """What is excluded can be brought back in part."""
    matrix = read(COOP + "include: [{shots: 1, seed: 1}]\nexclude: [{shots: 1}]\n")
    pairs = list(zip(column(matrix, "shots"), column(matrix, "seed"), strict=True))
    assert pairs == [(2, 1), (2, 2), (4, 1), (4, 2), (1, 1)]


# --- class sizes -------------------------------------------------------------------------------------------


def test_too_many_shots_are_a_fault(faults: Faults) -> None:
    """More shots than the smallest class holds is said with the place, the class size and the way out."""
    assert faults(HEAD + "shots: [1, 21]\nseeds: 1\nmethods: coop\n") == [
        "F:3: shots[1]: 21 shots are more than the smallest class of digits holds, 20 images. "
        "Take fewer shots, or write `fewer_shots: allow` to take such a class whole."
    ]


def test_as_many_shots_as_the_smallest_class_are_enough(read: Read) -> None:
    """Twenty shots can be drawn of twenty images."""
    assert column(read(HEAD + "shots: 20\nseeds: 1\nmethods: coop\n"), "shots") == [20]


def test_too_many_shots_can_be_allowed(read: Read) -> None:
    """``fewer_shots: allow`` accepts them, and the cell says what was asked for."""
    matrix = read(HEAD + "shots: 21\nseeds: 1\nmethods: coop\nfewer_shots: allow\n")
    assert (column(matrix, "shots"), matrix.fewer_shots) == ([21], True)


def test_unknown_class_sizes_are_not_guessed(read: Read) -> None:
    """A data set whose smallest class is not known takes any number of shots."""
    matrix = read("backbones: tiny\ndatasets: unmeasured\nshots: 9999\nseeds: 1\nmethods: coop\n")
    assert len(matrix.cells) == 1


def test_too_many_shots_of_an_include_are_a_fault(faults: Faults) -> None:
    """Included cells are held to the same rule."""
    assert len(faults(COOP + "include: [{shots: 500}]\n")) == 1


def test_reading_a_file_that_is_not_there(tmp_path: Path, vocabulary: object) -> None:
    """A missing file is said together with the matrices beside it, where there are any."""

    def said(file: Path) -> str:
        with pytest.raises(MatrixError) as caught:
            read_matrix(file, vocabulary)  # type: ignore[arg-type]
        return str(caught.value).replace(str(tmp_path), "F")

    assert said(tmp_path / "none.yaml") == "F/none.yaml: no such matrix file."
    assert said(tmp_path / "nowhere" / "none.yaml") == "F/nowhere/none.yaml: no such matrix file."
    for name in ("other.yml", "a.yaml", "notes.txt"):
        (tmp_path / name).touch()
    assert said(tmp_path / "none.yaml") == (
        "F/none.yaml: no such matrix file. Matrices there: F/a.yaml, F/other.yml."
    )


def test_logits_are_no_part_of_a_cell(read: Read, faults: Faults) -> None:
    """Whether logits are kept changes no cell and so no id; a small set is kept where nothing is written."""
    text = HEAD + "methods: zero_shot\n"
    matrices = [read(text), *(read(f"{text}logits: {rule}\n") for rule in ("auto", "always", "never"))]
    assert [matrix.logits for matrix in matrices] == ["auto", "auto", "always", "never"]
    assert len({matrix.cells for matrix in matrices}) == 1
    assert faults(text + "logits: often\n") == [
        "F:4: logits: input should be 'auto', 'always' or 'never', not 'often'."
    ]


# --- protocols ---------------------------------------------------------------------------------------------


def test_lpclip_is_a_protocol_of_the_linear_probe(read: Read) -> None:
    """Both protocols of a matrix have their own probes, with the same numbers."""
    matrix = read(HEAD + "shots: 1\nseeds: 1\nprotocol: [coop, lpclip]\nmethods: [zero_shot, linear_probe]\n")
    assert column(matrix, "protocol") == [None, "coop", "lpclip"]
    assert matrix.cells[1].recipe == matrix.cells[2].recipe


def test_methods_without_numbers_in_a_protocol_are_faults(faults: Faults) -> None:
    """CoOp has no recipe of the linear probe's script; that is said once, at the protocol."""
    text = HEAD + "shots: [1, 2]\nseeds: 1\nprotocol: [coop, lpclip]\nmethods: [linear_probe, coop]\n"
    assert faults(text) == [
        "F:5: protocol: the protocol lpclip has no numbers for coop; those that have: coop, coop_ijcv2022. "
        "Or write `exclude: [{method: coop, protocol: lpclip}]`."
    ]


def test_number_of_one_of_several_protocols_can_be_set(read: Read) -> None:
    """What one protocol has a number for is no unknown word because another, of other methods, comes after it."""
    text = HEAD + "shots: 1\nseeds: 1\nmethods: [coop, linear_probe]\nprotocol: [coop, lpclip]\n"
    cells = read(text + "recipe: {lr: 0.5}\nexclude: {method: coop, protocol: lpclip}\n").cells
    assert [cell.recipe_dict().get("lr") for cell in cells] == [0.5, None, None]


def test_excluded_methods_need_no_numbers(read: Read) -> None:
    """The exclusion that the fault names mends it, and plug-ins that no protocol knows go by any."""
    text = HEAD + "shots: 1\nseeds: 1\nprotocol: [coop, lpclip]\nmethods: [linear_probe, coop, plugin]\n"
    matrix = read(text + "exclude: [{method: coop, protocol: lpclip}]\n")
    assert [f"{cell.method} {cell.protocol}" for cell in matrix.cells] == [
        "linear_probe coop", "linear_probe lpclip", "coop coop", "plugin coop", "plugin lpclip",
    ]  # fmt: skip
