"""What the smoke run has to show: ``python tests/e2e/smoke_claims.py RESULTS`` after run and report."""

import re
import sys
from pathlib import Path

from harness.store.frame import read_frame

SHIFTS = ("inverted", "blurred", "rotated", "noisy")
SHOTS = (1, 2, 4, 8, 16)
README = Path(__file__).parents[2] / "README.md"
ELSEWHERE = 1.5  # points that another processor or another torch may move a mean of the README by, generously


def main(results: Path) -> None:
    """Raise AssertionError when a claim about the smoke run does not hold; print the figures otherwise."""
    frame = read_frame(results)
    assert len(frame) == 86
    assert set(frame["status"]) == {"done"}

    def mean(method: str, evaluate_on: str | None = None, **axes: object) -> float:
        rows = frame[frame["method"] == method]
        rows = rows[rows["evaluate_on"].isna() if evaluate_on is None else rows["evaluate_on"] == evaluate_on]
        for axis, value in axes.items():
            rows = rows[rows[axis] == value]
        return float(rows["n_correct"].sum() / rows["n_test"].sum())

    zero_shot = mean("zero_shot")
    assert 0.50 <= zero_shot <= 0.92
    unified = {shots: mean("coop", context="unified", shots=shots) for shots in SHOTS}
    specific = {shots: mean("coop", context="class_specific", shots=shots) for shots in SHOTS}
    probe = {shots: mean("linear_probe", shots=shots) for shots in SHOTS}
    told = _told()
    assert abs(told["Zero-shot"][0] - 100 * zero_shot) <= ELSEWHERE
    for label, made in (("Linear probe", probe), ("CoOp (unified)", unified), ("CoOp (CSC)", specific)):
        assert all(abs(told[label][shots] - 100 * made[shots]) <= ELSEWHERE for shots in SHOTS)
    assert unified[16] - zero_shot >= 0.08
    assert unified[16] > unified[1]
    # Learned on clean digits, every method does better than zero-shot on every shift, and noise hurts all most.
    shifted = {}
    for name, axes in (
        ("zero_shot", {}),
        ("linear_probe", {"shots": 16}),
        ("coop", {"shots": 16, "context": "unified"}),
        ("coop", {"shots": 16, "context": "class_specific"}),
    ):
        on = {shift: mean(name, f"digits_{shift}", **axes) for shift in SHIFTS}
        shifted[f"{name} {axes.get('context', '')}".strip()] = on
        least = 0.05 if name == "zero_shot" else 0.10
        assert all(on[shift] - on["noisy"] >= least for shift in SHIFTS if shift != "noisy")
        if name != "zero_shot":
            assert all(on[shift] - shifted["zero_shot"][shift] >= 0.02 for shift in SHIFTS)
            assert mean(name, **axes) - max(on.values()) >= 0.02
    report = results / "smoke" / "report"
    tables = [
        f"{stem}.{end}"
        for stem in ("digits", "digits-elsewhere", "digits-words")
        for end in ("md", "csv", "tex", "html")
    ]
    for file in (*tables, "index.html", "curves.png", "curves.svg", "curves.pdf"):
        assert (report / file).stat().st_size > 0
    sys.stdout.write(f"zero-shot {zero_shot:.3f}; unified {unified}; class-specific {specific}\n")
    sys.stdout.write("".join(f"{method}: {on}\n" for method, on in shifted.items()))


def _told() -> dict[str, dict[int, float]]:
    """The means of the README's table in percent, by row and shots."""
    rows = [re.split(r"\s*\|\s*", line)[1:-1] for line in README.read_text(encoding="utf-8").splitlines()]
    table = [row for row in rows if len(row) == len(SHOTS) + 2]
    (_, *shots), _, *body = table
    return {
        label: {
            int(n): float(number.split()[0]) for n, number in zip(shots, numbers, strict=True) if number != "–"
        }
        for label, *numbers in body
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
