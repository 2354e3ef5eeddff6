from dataclasses import replace

from harness.report.numbers.rows import group_entries, row_entries, shots_order
from harness.report.printing.labels import labels


def _labels(entries):
    rows = row_entries(entries)
    return list(labels(list(rows)).values())


def test_baselines_come_first(make_entry) -> None:
    """Zero-shot, linear probe, then methods as they first appear, whatever the matrix starts with."""
    methods = ["coop", "mine", "linear_probe", "zero_shot"]
    entries = [make_entry(method, 1, 0 if method == "zero_shot" else 1, 1) for method in methods]
    assert _labels(entries) == ["Zero-shot", "Linear probe", "CoOp (unified)", "mine"]


def test_seeds_shots_and_epochs_make_one_row(small_matrix) -> None:
    """Epochs follow from shots by the protocol and split no row."""
    rows = row_entries(small_matrix)
    assert [len(members) for members in rows.values()] == [1, 6, 6, 6]
    assert list(labels(list(rows)).values()) == ["Zero-shot", "Linear probe", "CoOp (unified)", "CoOp (CSC)"]


def test_only_what_differs_is_in_a_label(make_entry) -> None:
    """Position, init and recipe numbers show up once two rows of the method differ in them."""
    entries = [
        make_entry("coop", 1, 1, 1),
        make_entry("coop", 1, 1, 1, class_token_position="middle"),
        make_entry("coop", 1, 1, 1, ctx_init="a_photo_of_a", n_ctx=4),
        make_entry("coop", 1, 1, 1, recipe={"lr": 0.01}),
    ]
    assert _labels(entries) == [
        "CoOp (unified), end, M=16, random init",
        "CoOp (unified), middle, M=16, random init",
        'CoOp (unified), end, init "a photo of a"',
        "CoOp (unified), end, M=16, random init, lr=0.01",
    ]


def test_views_and_context_length_in_labels(make_entry) -> None:
    """Context length reads M= and views read as a number or live."""
    entries = [make_entry("coop", 1, 1, 1, n_ctx=m, views=views) for m in (4, 16) for views in (0, "live")]
    assert _labels(entries)[:2] == ["CoOp (unified), M=4, views 0", "CoOp (unified), M=4, views live"]


def test_plug_in_prints_its_name_and_axes(make_entry) -> None:
    """An unknown method is called what it is called; an axis of its own is named when it differs."""
    entries = [make_entry("mine", 1, 1, 1, width=width) for width in (8, None)]
    assert _labels(entries) == ["mine, width=8", "mine, width=none"]
    assert _labels(entries[:1]) == ["mine"]


def test_an_override_that_coincides_with_the_protocol_keeps_its_row(make_entry) -> None:
    """Fifty epochs are the protocol's at one shot and an override at two, and still one row."""
    entries = [make_entry("coop", 1, shots, 1, recipe={"epochs": 50}) for shots in (1, 2)]
    rows = row_entries(entries)
    assert [len(members) for members in rows.values()] == [2]
    assert [row.overrides for row in rows] == [{"epochs": 50}]


def test_a_shared_cell_stands_in_both_rows(make_entry) -> None:
    """With and without the override a matrix has one cell at one shot; both rows show it."""
    entries = [make_entry("coop", 1, 1, 1), make_entry("coop", 1, 2, 1)]
    entries.append(make_entry("coop", 1, 2, 1, recipe={"epochs": 50}))
    rows = row_entries(entries)
    assert list(labels(list(rows)).values()) == ["CoOp (unified)", "CoOp (unified), epochs=50"]
    assert [len(members) for members in rows.values()] == [2, 2]


def test_own_templates_are_one_row(make_entry) -> None:
    """Data sets with different default templates share the zero-shot row."""
    entries = [make_entry("zero_shot", 1, dataset=name, template=f"{name} {{}}") for name in ("a", "b")]
    assert _labels(entries) == ["Zero-shot"]


def test_two_templates_are_two_rows(make_entry) -> None:
    """A template that all data sets have names its row; what is left is each data set's own."""
    entries = [
        make_entry("zero_shot", 1, dataset=name, template=template)
        for name in ("a", "b")
        for template in (f"{name} {{}}", "this is {}")
    ]
    assert _labels(entries) == ["Zero-shot, own template", 'Zero-shot, template "this is {}"']


def test_an_own_sentence_in_an_ensemble_is_one_row(make_entry) -> None:
    """An ensemble with each data set's own sentence is one row, although its templates differ."""
    entries = [
        make_entry("zero_shot", 1, dataset=name, template=template)
        for name in ("a", "b")
        for template in (f"{name} {{}}", f"selected\n{name} {{}}", "imagenet", "x {}\ny {}\nz {}")
    ]
    assert _labels(entries) == [
        "Zero-shot, own template",
        "Zero-shot, template 7 selected + own",
        "Zero-shot, 80 ImageNet templates",
        "Zero-shot, 3 templates",
    ]


def test_ensembles_that_read_alike_are_spelled_out(make_entry) -> None:
    """Two ensembles of two sentences are told apart, in one line."""
    entries = [make_entry("zero_shot", 1, template=f"{word} {{}}\na {{}}") for word in ("x", "y")]
    assert _labels(entries) == ["Zero-shot, 2 templates (x {} + a {})", "Zero-shot, 2 templates (y {} + a {})"]


def test_a_target_has_its_own_template(make_entry) -> None:
    """Zero-shot on another data set is in that data set's words, and in the same row."""
    entries = [
        make_entry("zero_shot", 1, template="a {}."),
        make_entry("zero_shot", 1, evaluate_on="dtd", template="{} texture."),
    ]
    assert _labels(entries) == ["Zero-shot"]


def test_an_imported_prompt_is_called_by_its_name(make_entry) -> None:
    """The name is in the label whether or not there are others."""
    entries = [make_entry("prompt", 1, prompt=name) for name in ("mine", "theirs")]
    assert _labels(entries) == ["Prompt mine", "Prompt theirs"]
    assert _labels(entries[:1]) == ["Prompt mine"]


def test_groups(make_entry) -> None:
    """Backbone, precision and classes each make a group, evaluate_on does not; a repeated cell counts once."""
    entries = [
        make_entry("zero_shot", 1, **axes)
        for axes in (
            {},
            {},
            {"backbone": "B"},
            {"precision": "bf16"},
            {"classes": "new"},
            {"evaluate_on": "x"},
        )
    ]
    assert [len(members) for members in group_entries(entries).values()] == [2, 1, 1, 1]


def test_a_number_beats_a_gap_of_the_same_cell(make_entry) -> None:
    """When a cell is given twice the usable record counts, in either order."""
    pair = [make_entry("zero_shot", None), make_entry("zero_shot", 630)]
    for entries in (pair, pair[::-1]):
        (members,) = group_entries(entries).values()
        assert [entry.accuracy for entry in members] == [0.63]


def test_all_is_the_last_column() -> None:
    """Numbers rise and ``all`` follows them."""
    assert shots_order([16, "all", 1, 0, 16]) == [0, 1, 16, "all"]


def test_data_set_like_imagenet_follows_the_protocol_too(make_entry) -> None:
    """Its 50 epochs are the protocol's own, and stand in one row with the 200 of the others."""
    entries = [
        make_entry("coop", 1, 16, 1),
        replace(make_entry("coop", 1, 16, 1, dataset="mine", recipe={"epochs": 50}), like="imagenet"),
    ]
    rows = row_entries(entries)
    assert [(len(members), row.overrides) for row, members in rows.items()] == [(2, {})]
