"""What the smoke run has to show: ``python tests/e2e/smoke_claims.py RESULTS`` after run and report."""

import sys
from pathlib import Path

from harness.store.frame import to_frame
from harness.store.records import read_records


def main(results: Path) -> None:
    """Raise AssertionError when a claim about the smoke run does not hold; print the figures otherwise."""
    frame = to_frame(read_records(results).records.values())
    assert len(frame) == 46
    assert set(frame["status"]) == {"done"}

    def mean(method: str, **axes: object) -> float:
        rows = frame[frame["method"] == method]
        for axis, value in axes.items():
            rows = rows[rows[axis] == value]
        return float(rows["n_correct"].sum() / rows["n_test"].sum())

    zero_shot = mean("zero_shot")
    assert 0.50 <= zero_shot <= 0.92
    unified = {shots: mean("coop", context="unified", shots=shots) for shots in (1, 2, 4, 8, 16)}
    specific = {shots: mean("coop", context="class_specific", shots=shots) for shots in (1, 2, 4, 8, 16)}
    assert unified[16] - zero_shot >= 0.08
    assert unified[16] > unified[1]
    report = results / "smoke" / "report"
    for name in ("digits.md", "digits.csv", "digits.tex", "curves.png", "curves.svg", "curves.pdf"):
        assert (report / name).stat().st_size > 0
    sys.stdout.write(f"zero-shot {zero_shot:.3f}; unified {unified}; class-specific {specific}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
