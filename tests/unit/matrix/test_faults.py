"""What is said of a matrix that cannot be used."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.vocabulary import known_names
from harness.errors import MatrixError
from harness.matrix.matrix import Matrix, read_matrix
from harness.matrix.vocabulary import BackboneNames, Vocabulary

Faults = Callable[[str], list[str]]

GOOD = "backbones: tiny\ndatasets: digits\nshots: [1, 2]\nseeds: [1]\nmethods:\n  - coop\n"
COOP_AXES = "context, n_ctx, class_token_position, ctx_init"
KEYS = (
    "name, description, datasets, backbones, methods, shots, seeds, classes, evaluate_on, precision, protocol, "
    "views, recipe, fewer_shots, tracking, logits, launcher, data, plugins, include, exclude"
)
NUMBERS = "epochs, batch_size, lr, momentum, weight_decay, warmup_epochs, warmup_lr, init_std"


def test_all_faults_of_a_file_are_reported_together(faults: Faults) -> None:
    """One reading finds every fault, each with file, line and place, in the order of the lines."""
    text = """\
name: a/b
backbones: [tiny, tinny]
datasets:
  - digits
  - digitz
shotz: 3
shots: [1, 0, 1]
seeds: [1, -1]
precision: fp61
methods:
  - zero_shot
  - method: cop
  - method: coop
    context: [unified, unifed]
    n_ctx: 0
    contxt: unified
recipe:
  epoch: 3
  lr: fast
exclude:
  - shot: 1
include:
  - method: coop
    shots: none
"""
    assert faults(text) == [
        "F:1: name: names a folder, so only letters, digits, '.', '_' and '-' may stand in it, not 'a/b'.",
        "F:2: backbones[1]: unknown backbone 'tinny'. Did you mean 'tiny'? Known: tiny, RN50:openai. "
        "Any other is written ARCHITECTURE:TAG or ARCHITECTURE:FILE.",
        "F:5: datasets[1]: unknown dataset 'digitz'. Did you mean 'digits'? Known: digits, imagenet, unmeasured.",
        f"F:6: shotz: unknown key. Did you mean 'shots'? Known: {KEYS}.",
        "F:7: shots: holds 1 twice.",
        "F:7: shots[1]: must be a whole number above zero or all, not 0.",
        "F:8: seeds[1]: must be a whole number, zero or more, not -1.",
        "F:9: precision[0]: unknown precision 'fp61'. Did you mean 'fp16'? Known: fp32, amp, bf16, fp16.",
        "F:12: methods[1].method: unknown method 'cop'. Did you mean 'coop'? "
        "Known: zero_shot, linear_probe, coop, plugin.",
        "F:14: methods[2].context[1]: must be one of unified, class_specific, not 'unifed'.",
        "F:15: methods[2].n_ctx: must be a whole number above zero, not 0.",
        f"F:16: methods[2].contxt: unknown axis of coop. Did you mean 'context'? Known: recipe, {COOP_AXES}.",
        f"F:18: recipe.epoch: unknown number of a recipe. Did you mean 'epochs'? Known: {NUMBERS}.",
        "F:19: recipe.lr: must be a number, not 'fast'.",
        "F:21: exclude[0].shot: unknown axis. Did you mean 'shots'? Known: backbone, class_token_position, "
        "classes, context, ctx_init, dataset, depth, evaluate_on, method, n_ctx, precision, protocol, recipe, "
        "seed, shots, template, views.",
        "F:24: include[0]: shots[0]: must be a whole number above zero or all, not 'none'.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("shots: [1, 2]", "shots: [true]", "F:3: shots[0]: must be a whole number above zero or all, not True."),
        ("shots: [1, 2]", "shots: [1.0]", "F:3: shots[0]: must be a whole number above zero or all, not 1.0."),
        ("shots: [1, 2]", "shots: ['1']", "F:3: shots[0]: must be a whole number above zero or all, not '1'."),
        ("shots: [1, 2]", "shots: [null]", "F:3: shots[0]: must be a whole number above zero or all, not None."),
        (
            "shots: [1, 2]",
            "shots: {a: 1}",
            "F:3: shots[0]: must be a whole number above zero or all, not {'a': 1}.",
        ),
        ("shots: [1, 2]", "shots: [[1]]", "F:3: shots[0]: must be a whole number above zero or all, not [1]."),
        ("seeds: [1]", "seeds: [true]", "F:4: seeds[0]: must be a whole number, zero or more, not True."),
        ("seeds: [1]", "seeds: 1.5", "F:4: seeds[0]: must be a whole number, zero or more, not 1.5."),
        ("seeds: [1]", "seeds: all", "F:4: seeds[0]: must be a whole number, zero or more, not 'all'."),
        (
            "datasets: digits",
            "datasets: [[digits]]",
            "F:2: datasets[0]: unknown dataset ['digits']. Did you mean 'digits'? "
            "Known: digits, imagenet, unmeasured.",
        ),
        (
            "seeds: [1]",
            "seeds: [1]\nviews: 1.5",
            "F:5: views[0]: must be live, 0 (centre crop) or a number of fixed views, not 1.5.",
        ),
        ("seeds: [1]", "seeds: [1]\nname: 3", "F:5: name: input should be a valid string, not 3."),
        (
            "seeds: [1]",
            "seeds: [1]\nname: ..",
            "F:5: name: names a folder, so only letters, digits, '.', '_' and '-' may stand in it, not '..'.",
        ),
        (
            "seeds: [1]",
            "seeds: [1]\nname: records",
            "F:5: name: 'records' is taken: the folder holds the records of all matrices.",
        ),
        (
            "seeds: [1]",
            "seeds: [1]\ntracking: tb",
            "F:5: tracking: unknown tracker 'tb'. Known: none, wandb, tensorboard.",
        ),
        (
            "seeds: [1]",
            "seeds: [1]\nfewer_shots: yes",
            "F:5: fewer_shots: input should be 'error' or 'allow', not True.",
        ),
        ("seeds: [1]", "seeds: [1]\nrecipe: [1]", "F:5: recipe: input should be a valid dictionary, not [1]."),
        (
            "seeds: [1]",
            "seeds: [1]\nrecipe: {epochs: 1.5}",
            "F:5: recipe.epochs: must be a whole number, not 1.5.",
        ),
        ("seeds: [1]", "seeds: [1]\nrecipe: {lr: true}", "F:5: recipe.lr: must be a number, not True."),
        ("seeds: [1]", "seeds: [1]\nrecipe: {lr: .nan}", "F:5: recipe.lr: must be at least 1e-12, not nan."),
        (
            "seeds: [1]",
            "seeds: [1]\nrecipe: {momentum: 2}",
            "F:5: recipe.momentum: must be at least 0 and at most 1, not 2.",
        ),
        ("  - coop", "  - 3", "F:6: methods[0]: must be a method's name or a mapping of axes, not 3."),
        ("  - coop", "  - n_ctx: 4", "F:6: methods[0]: names no method: add `method: NAME`."),
        (
            "  - coop",
            "  - method: [coop]",
            "F:6: methods[0].method: unknown method \"['coop']\". Did you mean 'coop'? "
            "Known: zero_shot, linear_probe, coop, plugin.",
        ),
        (
            "  - coop",
            "  - {method: coop, n_ctx: true}",
            "F:6: methods[0].n_ctx: must be a whole number above zero, not True.",
        ),
        (
            "  - coop",
            "  - {method: coop, n_ctx: null}",
            "F:6: methods[0].n_ctx: must be a whole number above zero, not None.",
        ),
        (
            "  - coop",
            "  - {method: coop, ctx_init: ' '}",
            "F:6: methods[0].ctx_init: must be words or null, not ' '.",
        ),
        (
            "  - coop",
            "  - {method: coop, recipe: 3}",
            "F:6: methods[0].recipe: must hold `number: value` lines, not 3.",
        ),
        (
            "  - coop",
            "  - {method: zero_shot, template: a photo}",
            "F:6: methods[0].template: must hold {} once, where the class name goes, not 'a photo'. "
            "Or name an ensemble. Known: own, selected, imagenet, selected+own, imagenet+own.",
        ),
        ("seeds: [1]", "seeds: [1]\nexclude: 5", "F:5: exclude[0]: must be a mapping of axes, not 5."),
        (
            "seeds: [1]",
            "seeds: [1]\ninclude: {n_ctx: 4}",
            "F:5: include[0].n_ctx: needs `method:` beside it. "
            "Known: dataset, backbone, seed, shots, classes, evaluate_on, precision, protocol, views.",
        ),
    ],
)
def test_wrong_values_are_named(faults: Faults, old: str, new: str, fault: str) -> None:
    """A value of a wrong type, or out of bounds, is said with its place and what is allowed."""
    assert faults(GOOD.replace(old, new)) == [fault]


@pytest.mark.parametrize("value", ["[]", "", "null"])
@pytest.mark.parametrize(("key", "line"), [("shots: [1, 2]", 3), ("seeds: [1]", 4), ("datasets: digits", 2)])
def test_empty_axes_are_faults(faults: Faults, key: str, line: int, value: str) -> None:
    """An axis without values is a mistake, not an empty matrix."""
    name = key.partition(":")[0]
    assert faults(GOOD.replace(key, f"{name}: {value}")) == [
        f"F:{line}: {name}: is empty; give at least one value, or leave the key out."
    ]


def test_empty_axis_of_a_method_is_a_fault(faults: Faults) -> None:
    """A method's own axes need values, too."""
    assert faults(GOOD.replace("- coop", "- {method: coop, context: []}")) == [
        "F:6: methods[0].context: is empty; give at least one value, or leave the key out."
    ]


def test_empty_axis_of_an_include_is_a_fault(faults: Faults) -> None:
    """Axes of ``include`` need values, too."""
    assert faults(GOOD + "include: [{shots: []}]\n") == [
        "F:7: include[0]: shots: is empty; give at least one value, or leave the key out."
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("shots: [1, 2]", "shots: [1, 2, 1]", "F:3: shots: holds 1 twice."),
        ("datasets: digits", "datasets: [digits, digits]", "F:2: datasets: holds 'digits' twice."),
        ("  - coop", "  - {method: coop, n_ctx: [4, 4]}", "F:6: methods[0].n_ctx: holds a value twice."),
        ("  - coop", "  - coop\n  - coop", "F:5: methods: holds 'coop' twice."),
    ],
)
def test_values_that_stand_twice_are_faults(faults: Faults, old: str, new: str, fault: str) -> None:
    """A repeated value is a slip of its writer."""
    assert faults(GOOD.replace(old, new)) == [fault]


def test_true_is_not_a_second_one(faults: Faults) -> None:
    """``[1, true]`` is a wrong type, and nothing stands twice."""
    assert faults(GOOD.replace("[1, 2]", "[1, true]")) == [
        "F:3: shots[1]: must be a whole number above zero or all, not True."
    ]


@pytest.mark.parametrize("key", ["datasets", "backbones", "methods"])
def test_keys_that_every_matrix_needs(faults: Faults, key: str) -> None:
    """A matrix without one of these keys names it."""
    lines = {"backbones": "backbones: tiny\n", "datasets": "datasets: digits\n", "methods": "methods: zero_shot\n"}
    assert faults("".join(line for name, line in lines.items() if name != key)) == [
        f"F:1: {key}: the key {key!r} is missing."
    ]


@pytest.mark.parametrize(("key", "text"), [("shots", "shots: [1, 2]\n"), ("seeds", "seeds: [1]\n")])
def test_axes_that_a_method_reads_must_be_there(faults: Faults, key: str, text: str) -> None:
    """CoOp without shots or seeds is said at the method that needs them."""
    assert faults(GOOD.replace(text, "")) == [
        f"F:5: methods[0]: coop reads the axis {key!r}, which the matrix does not have."
    ]


def test_key_that_stands_twice_is_a_fault(faults: Faults) -> None:
    """The second of two equal keys is named, and neither wins in silence."""
    assert faults(GOOD + "shots: 3\n") == ["F:7:1: is not YAML: the key 'shots' stands twice."]


def test_inner_key_that_stands_twice_is_a_fault(faults: Faults) -> None:
    """Equal keys are found inside entries, too."""
    assert faults(GOOD + "recipe:\n  lr: 1\n  lr: 2\n") == ["F:9:3: is not YAML: the key 'lr' stands twice."]


@pytest.mark.parametrize("key", ["? [a, b]\n: 1\n", "? {a: b}\n: 1\n"])
def test_key_that_is_no_word_is_a_fault(faults: Faults, key: str) -> None:
    """A list or a mapping as a key is YAML, but not a matrix."""
    assert faults(GOOD + key) == ["F:7:3: is not YAML: a key must be a single word."]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "shots: [1\nseeds: 1\n",
            "F:2:6: is not YAML: while parsing a flow sequence expected ',' or ']', but got ':'.",
        ),
        (
            "shots: 1\n\tseeds: 1\n",
            "F:2:1: is not YAML: while scanning for the next token found "
            "character '\\t' that cannot start any token.",
        ),
        (
            "a: !!python/object:os.system {}\n",
            "F:1:4: is not YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'.",
        ),
    ],
)
def test_syntax_faults_name_file_line_and_column(faults: Faults, text: str, fault: str) -> None:
    """What is not YAML is said with its place."""
    assert faults(text) == [fault]


@pytest.mark.parametrize("text", ["", "# nothing\n", "- 1\n- 2\n", "words\n", "3\n"])
def test_file_that_is_no_mapping_is_a_fault(faults: Faults, text: str) -> None:
    """A matrix has keys at its top."""
    assert faults(text) == ["F:1: must hold `key: value` lines at its top, such as `shots: [1, 2]`."]


def test_file_of_another_encoding_is_a_fault(matrix_file: Path, vocabulary: object) -> None:
    """Bytes that are not UTF-8 are said and not guessed at."""
    matrix_file.write_bytes("description: für\n".encode("latin-1"))
    with pytest.raises(MatrixError, match=r"is no text in UTF-8: byte 15 is 0xfc\. Save it as UTF-8"):
        read_matrix(matrix_file, vocabulary)  # type: ignore[arg-type]


def test_folder_is_no_matrix(tmp_path: Path, vocabulary: object) -> None:
    """A folder in place of the file is said, and which matrices lie in it."""
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(MatrixError, match=r"is a folder, and no matrix file\. Matrices there: .*/mine\.yaml\."):
        read_matrix(tmp_path, vocabulary)  # type: ignore[arg-type]


@pytest.mark.parametrize("stem", ["records", "prompts"])
def test_file_stem_that_is_taken_is_a_fault(tmp_path: Path, stem: str) -> None:
    """A file called ``records.yaml`` would share its folder with the records of all matrices."""
    path = tmp_path / f"{stem}.yaml"
    path.write_text(GOOD)
    with pytest.raises(MatrixError) as caught:
        read_matrix(path, known_names())
    assert str(caught.value) == f"{path}: the name {stem!r} is taken; write `name: OTHER` into the file."


def test_a_prompt_has_to_be_named(tmp_path: Path) -> None:
    """An axis without a default is asked for, by method and place; names are no paths."""
    path = tmp_path / "mine.yaml"
    head = "backbones: tiny\ndatasets: digits\nmethods:\n"
    path.write_text(f"{head}  - prompt\n  - {{method: prompt, prompt: [good, ../bad, 3]}}\n")
    with pytest.raises(MatrixError) as caught:
        read_matrix(path, known_names())
    named = "must be a name of letters, digits, '.', '_' and '-', not"
    assert str(caught.value).splitlines() == [
        f"{path}:4: methods[0]: prompt needs `prompt: NAME` beside it.",
        f"{path}:5: methods[1].prompt[1]: {named} '../bad'.",
        f"{path}:5: methods[1].prompt[2]: {named} 3.",
    ]


def test_a_prompt_is_one_cell_whatever_shots_and_seeds(tmp_path: Path) -> None:
    """It learns from no images; its name is part of the cell, the protocol that cuts prompts too."""
    path = tmp_path / "mine.yaml"
    axes = "datasets: digits\nshots: [1, 2]\nseeds: [1, 2]\nevaluate_on: dtd\n"
    path.write_text(f"backbones: tiny\n{axes}methods: {{method: prompt, prompt: mine}}\n")
    cells = read_matrix(path, known_names()).cells
    assert [cell.evaluate_on for cell in cells] == [None, "dtd"]
    flat = cells[0].to_dict()
    wanted = {"prompt": "mine", "class_token_position": "end", "protocol": "coop", "shots": 0, "seed": None}
    assert {key: flat[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("&a {lr: *a}", "F:7:17: is not YAML: the alias *a stands for what it is part of."),
        ("[" * 21 + "]" * 21, "F:7:28: is not YAML: it is nested more than 20 levels deep."),
        ('!!int ""', "F:7:9: is not YAML: '' cannot be read as int"),
        ("!!bool maybe", "F:7:9: is not YAML: 'maybe' cannot be read as bool"),
        (
            "{lr: 2031-13-41}",
            "F:7:14: is not YAML: '2031-13-41' cannot be read as timestamp",
        ),
        ('{lr: "a\\0b"}', "F:7:14: is not YAML: 'a\\x00b' holds a character that cannot be written."),
        ('{lr: "\\ud800"}', "F:7:14: is not YAML: '\\ud800' holds a character that cannot be written."),
        ("{\u00b2: 1}", f"F:7: recipe.\u00b2: unknown number of a recipe. Known: {NUMBERS}."),
    ],
)
def test_value_that_nobody_can_use_is_a_fault(faults: Faults, value: str, fault: str) -> None:
    """Values without end, tags that do not fit, letters that no file holds: all are said with their place."""
    (found,) = faults(f"{GOOD}recipe: {value}\n")
    assert found.startswith(fault)


@pytest.mark.parametrize("n_aliases", [1, 9])
def test_aliases_are_counted_where_they_stand(faults: Faults, n_aliases: int) -> None:
    """A line of aliases to aliases is as large, or as deep, as what it stands for, and not followed that far."""
    lines = [f"&n{i} [{', '.join([f'*n{i - 1}'] * n_aliases)}]" for i in range(1, 30)]
    (found,) = faults(f"{GOOD}recipe: [&n0 1, {', '.join(lines)}]\n")
    assert "it holds more than 100,000 values or 20 levels once its aliases are followed" in found


def test_aliases_are_shared_values(read: Callable[[str], Matrix]) -> None:
    """An anchor that is used twice, and a merged mapping, are what their users mean."""
    text = GOOD.replace("[1, 2]", "&few [1, 2]").replace("seeds: [1]", "seeds: *few")
    text += "  - &coop {method: coop, n_ctx: 4}\n  - {<<: *coop, context: class_specific}\n"
    assert [(cell.n_ctx, cell.context) for cell in read(text).cells[::4]] == [
        (16, "unified"),
        (4, "unified"),
        (4, "class_specific"),
    ]


@pytest.mark.parametrize("value", ["0x" + "f" * 5000, "9" * 5000, "-9007199254740993"])
def test_number_that_nothing_can_be_reckoned_with_is_a_fault(faults: Faults, value: str) -> None:
    """Python reads a number of thousands of digits, and can neither write it nor make a float of it."""
    (fault,) = faults(GOOD.replace("[1]", value))
    assert fault.startswith(f"F:4:8: is not YAML: '{value[:40]}' cannot be read as int")


@pytest.mark.parametrize(
    ("more", "faults_of_it"),
    [
        (
            "launcher:\n  kind: slurm\n  time: soon\n",
            ["F:7: launcher.time: must be minutes or a duration such as 90m, 4h, 1d12h or 4:00:00, not 'soon'."],
        ),
        (
            "include: {method: cop}\n",
            [
                "F:7: include[0].method: unknown method 'cop'. Did you mean 'coop'? Known: "
                "zero_shot, linear_probe, coop, plugin."
            ],
        ),
        (
            "include:\n  - method: coop\n    shot: 3\n",
            [
                "F:9: include[0].shot: unknown axis of coop. Did you mean 'shots'? Known: recipe, context, n_ctx, "
                "class_token_position, ctx_init, dataset, backbone, seed, shots, classes, evaluate_on, precision, "
                "protocol, views."
            ],
        ),
        (
            "include:\n  - seed:\n    - few\n    - 2\n",
            ["F:9: include[0]: seeds[0]: must be a whole number, zero or more, not 'few'."],
        ),
        ("exclude: {template: [3, 'a {}.']}\n", ["F:7: exclude[0]: matches no cell of the matrix."]),
    ],
)
def test_faults_of_sections_name_their_lines(faults: Faults, more: str, faults_of_it: list[str]) -> None:
    """What stands in a section, an ``include`` or an ``exclude`` is said with its line and what is known there."""
    assert faults(GOOD + more) == faults_of_it


def test_axis_that_only_an_include_reads_is_missed_there(faults: Faults) -> None:
    """The entry is named that needs what the matrix does not have."""
    text = "backbones: tiny\ndatasets: digits\nmethods: zero_shot\nseeds: 1\ninclude:\n  - method: coop\n"
    assert faults(text) == ["F:6: include[0]: coop reads the axis 'shots', which the matrix does not have."]


def test_missing_and_unknown_keys_are_told_together(faults: Faults) -> None:
    """One kind of fault does not hide another."""
    assert [fault.partition(": ")[0] for fault in faults("backbone: tiny\nshots: 0\nlauncher: local\n")] == [
        "F:1", "F:1", "F:1", "F:1", "F:2",
    ]  # fmt: skip


def test_message_without_a_near_word_lists_what_is_known(faults: Faults) -> None:
    """Far from every known word there is no guess."""
    assert faults(GOOD.replace("digits", "zzz")) == [
        "F:2: datasets[0]: unknown dataset 'zzz'. Known: digits, imagenet, unmeasured."
    ]


def test_index_counts_the_entries_of_the_file(faults: Faults) -> None:
    """The second entry is called the second one, also when the first cannot be read."""
    assert faults(GOOD.replace("  - coop", "  - 3\n  - method: coop\n    n_ctx: 0")) == [
        "F:6: methods[0]: must be a method's name or a mapping of axes, not 3.",
        "F:8: methods[1].n_ctx: must be a whole number above zero, not 0.",
    ]


def test_faults_of_the_good_matrix(read: Callable[[str], Matrix]) -> None:
    """The matrix that the faults above are made from has none."""
    assert len(read(GOOD).cells) == 2


def test_names_with_a_colon_are_judged_by_the_vocabulary(matrix_file: Path, vocabulary: Vocabulary) -> None:
    """The judge's sentence is the fault; a name that passes stands in the cell as it is written."""
    names = BackboneNames(("tiny",), lambda name: "is too big." if name.startswith("big") else None)
    matrix_file.write_text(
        "backbones: ['big:a', 'small:./b/c.pt', 7, plain]\ndatasets: digits\nmethods: zero_shot\n"
    )
    with pytest.raises(MatrixError) as caught:
        read_matrix(matrix_file, replace(vocabulary, backbones=names))
    known = "Known: tiny. Any other is written ARCHITECTURE:TAG or ARCHITECTURE:FILE."
    assert [str(fault).replace(str(matrix_file), "F") for fault in caught.value.faults] == [
        "F:1: backbones[0]: backbone 'big:a': is too big.",
        f"F:1: backbones[2]: unknown backbone 7. {known}",
        f"F:1: backbones[3]: unknown backbone 'plain'. {known}",
    ]
    matrix_file.write_text("backbones: 'small:./b/c.pt'\ndatasets: digits\nmethods: zero_shot\n")
    (cell,) = read_matrix(matrix_file, replace(vocabulary, backbones=names)).cells
    assert cell.backbone == "small:./b/c.pt"
