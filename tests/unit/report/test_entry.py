from harness.report.numbers.entry import Entry


def test_a_number_needs_a_done_record_and_no_gap(make_entry) -> None:
    """A stale record's number is not used although it is there."""
    done = make_entry("zero_shot", 630)
    assert (done.hole, done.accuracy) == (None, 0.63)
    assert Entry(done.cell, done.record, "stale").accuracy is None


def test_the_record_speaks_when_no_gap_is_named(make_entry) -> None:
    """No record is missing, and a failed record is failed."""
    done = make_entry("zero_shot", 630)
    failed = done.record.model_copy(update={"status": "failed", "n_correct": None})
    assert Entry(done.cell).hole == "missing"
    assert Entry(done.cell, failed).hole == "failed"
