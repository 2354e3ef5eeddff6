"""Seeds that are derived from names."""

from harness.matrix.streams import stream


def test_stream_is_pinned() -> None:
    """A random stream's seed follows from its names for ever."""
    assert stream("views", 1) == 5842519044162513170


def test_streams_of_other_names_differ() -> None:
    """Names are not run together: (a, bc) and (ab, c) are two streams."""
    assert stream("a", "bc") != stream("ab", "c")


def test_streams_fit_into_63_bits() -> None:
    """Every seed is one that torch and numpy accept."""
    assert all(0 <= stream(number) < 2**63 for number in range(100))
