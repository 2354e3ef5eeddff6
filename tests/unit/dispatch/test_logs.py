"""The last words of a job."""

from pathlib import Path

from harness.dispatch.logs import last_log, log_tail


def test_worker_has_the_last_word(tmp_path: Path) -> None:
    """What the worker said counts before what its engine said."""
    (tmp_path / "log.txt").write_bytes(b"one\ntwo\n\xff three\n")
    (tmp_path / "engine.txt").write_text("srun: started\n")
    assert (last_log(tmp_path).name, log_tail(tmp_path, 2)) == ("log.txt", "two\n\N{REPLACEMENT CHARACTER} three")


def test_engine_speaks_where_no_worker_did(tmp_path: Path) -> None:
    """A job whose worker never began, or said nothing, is explained by its engine."""
    (tmp_path / "engine.txt").write_text("module: command not found\n")
    assert (last_log(tmp_path).name, log_tail(tmp_path)) == ("engine.txt", "module: command not found")
    (tmp_path / "log.txt").write_text("\n")
    assert log_tail(tmp_path) == "module: command not found"


def test_job_without_logs_says_nothing(tmp_path: Path) -> None:
    """A worker that never printed has no last lines."""
    assert (last_log(tmp_path).name, log_tail(tmp_path)) == ("log.txt", "")
