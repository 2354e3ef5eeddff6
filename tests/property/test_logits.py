"""Properties of kept logits: predictions come back exactly and probabilities closely, whatever they were."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from harness.store.logits import LOWEST, KeptLogits, logits_file, packed, shifted
from harness.store.metrics import class_counts, confidence_bins, ece, log_sum_exp, metrics, nll

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 8))
ANY_FLOAT = st.floats(width=32, allow_nan=False, allow_infinity=False)
_MAX = float(np.finfo(np.float32).max)
# Few values, so that rows and maxima are equal; neighbours of 1; the ends of float32; and everything.
TIED = st.sampled_from([0.0, -0.0, 1.0, 1.0 + 2**-23, 1.0 - 2**-24, 2.0**-149, -(2.0**-149), _MAX, -_MAX])
CLIPS = st.floats(-100, 100, width=32)
ELEMENTS = st.sampled_from([ANY_FLOAT, TIED, CLIPS])
LOGITS = ELEMENTS.flatmap(lambda of: npst.arrays(np.float32, SHAPES, elements=of))
CLIPS_LOGITS = npst.arrays(np.float32, SHAPES, elements=CLIPS)


def _labels(data: st.DataObject, logits: np.ndarray) -> np.ndarray:
    n_images, n_classes = logits.shape
    return data.draw(npst.arrays(np.int64, n_images, elements=st.integers(0, n_classes - 1)))


@given(LOGITS)
def test_the_prediction_is_zero_and_nothing_else_is(logits: np.ndarray) -> None:
    """Every other class stands below, within float16, and of equal maxima the first is the prediction."""
    kept = shifted(logits)
    assert kept.dtype == np.float16
    assert np.isfinite(kept).all()
    assert ((kept == 0).sum(axis=1) == 1).all()
    assert (kept <= 0).all()
    np.testing.assert_array_equal((kept == 0).argmax(axis=1), logits.argmax(axis=1))


@given(LOGITS, st.data())
def test_counts_come_back_exactly(logits: np.ndarray, data: st.DataObject) -> None:
    """Counts of every class from kept logits are those of the logits themselves."""
    labels = _labels(data, logits)
    original, recovered = class_counts(logits, labels), metrics(KeptLogits(shifted(logits), labels)).counts
    for key in ("n_test", "n_correct", "n_predicted"):
        np.testing.assert_array_equal(getattr(original, key), getattr(recovered, key))


@given(LOGITS)
def test_order_is_kept(logits: np.ndarray) -> None:
    """A class that stood below another never comes to stand above it."""
    kept = shifted(logits)
    below = logits[:, :, None] < logits[:, None, :]
    assert (kept[:, :, None] <= kept[:, None, :])[below].all()


@given(CLIPS_LOGITS, st.data())
def test_nll_is_close(logits: np.ndarray, data: st.DataObject) -> None:
    """NLL is off by no more than float16's rounding of the label's and of the nearest classes' logits."""
    labels, wide = _labels(data, logits), logits.astype(np.float64)
    rounding = (wide.max(axis=1) - wide.min(axis=1)) * 2.0**-11 + 2.0**-24
    assert abs(nll(shifted(logits), labels) - nll(wide, labels)) <= 2 * rounding.max() + 1e-12


@given(CLIPS_LOGITS, st.data())
def test_ece_is_close(logits: np.ndarray, data: st.DataObject) -> None:
    """ECE is off by no more than the confidences are, but for images that fall into another bin."""
    labels, wide, kept = _labels(data, logits), logits.astype(np.float64), shifted(logits)
    now, then = (np.exp(each.max(axis=1) - log_sum_exp(each)) for each in (kept, wide))
    # A class's share of the sum changes by at most max |z| e^z of rounding, 1 / e for every class.
    assert np.abs(now - then).max() <= logits.shape[1] * 2.0**-11 / np.e + 1e-6
    n_moved = int((confidence_bins(now) != confidence_bins(then)).sum())
    assert (
        abs(ece(kept, labels) - ece(wide, labels)) <= np.abs(now - then).max() + 2 * n_moved / len(labels) + 1e-12
    )


@given(LOGITS)
def test_rows_are_shifted_alone(logits: np.ndarray) -> None:
    """What is kept of an image does not depend on the chunk that it was in."""
    alone = np.concatenate([shifted(row[None]) for row in logits])
    np.testing.assert_array_equal(shifted(logits), alone)


@given(LOGITS, st.data())
def test_equal_logits_give_equal_bytes(logits: np.ndarray, data: st.DataObject) -> None:
    """A file is a function of logits and labels, so that its digest says whether two runs agree."""
    kept = KeptLogits(shifted(logits), _labels(data, logits))
    content = packed(kept)
    assert content == packed(kept)
    assert logits_file("x", kept, content).shape == logits.shape


@given(npst.arrays(np.float64, SHAPES, elements=st.floats(-50, 0)), st.data())
def test_a_class_that_was_never_learned_cannot_be_predicted(logits: np.ndarray, data: st.DataObject) -> None:
    """A probe's least number becomes float16's, and the other classes keep their probabilities."""
    assume(logits.shape[1] > 1)
    strange = data.draw(st.integers(0, logits.shape[1] - 1))
    without = np.delete(logits, strange, axis=1)
    logits[:, strange] = np.finfo(np.float64).min
    kept = shifted(logits)
    assert (kept[:, strange] == LOWEST).all()
    np.testing.assert_array_equal(np.delete(kept, strange, axis=1), shifted(without))
    np.testing.assert_allclose(log_sum_exp(kept), log_sum_exp(shifted(without)), rtol=1e-12, atol=1e-12)
