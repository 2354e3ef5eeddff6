"""What can stand in a file that is not what it should be: mutations of whole ones, and contents from nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

_Place = tuple[str | int, ...]

# JSON that Python's own writer does not give: numbers without end, nesting without end, half of a character.
_STRANGE_JSON = (
    "NaN", "-Infinity", "1e999", "-0.0", "9" * 400, "9" * 5000, "0.1e-400", '"\\ud800"', '"a\\u0000b"',
    "[" * 200 + "]" * 200, "[" * 990 + "]" * 990, "[" * 100_000 + "]" * 100_000, '{"a":' * 300 + "1" + "}" * 300,
    '{"a": 1, "a": 2}', "[1, 1.0, true]", "", "{", "nul",
)  # fmt: skip
# The same of YAML: tags that do not fit, anchors that hold themselves or a world, dates, keys of every kind.
_STRANGE_YAML = (
    ".nan", "-.inf", ".inf", "1e400", "9" * 400, "9" * 5000, "0x" + "f" * 5000, "1:30:00", "0b", "0o9", "1_0", "²",
    '"\\ud800"', '"\\0"', '"a\\x00b"', '"\\x1b[2J"', "2031-01-02", "2031-13-41", "2031-01-02 03:04:05.6 +23:59",
    '!!int ""', "!!int x", '!!float ""', "!!bool maybe", "!!null 1", "!!timestamp x", "!!binary é", "!!binary a",
    "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]", "!!str {}", "!!python/object:os.system {}", "!mine 1",
    "!<> 1", "*nobody", "&a [*a]", "&a {a: *a}", "{<<: 1}", "{<<: [{a: 1}, 2]}", "{? [a] : 1}", "{? {} : 1}",
    "{1: 2}", "{null: 1, ~: 2}", "{2031-01-02: 1}", "{!!int x: 1}", "{.nan: 1}", "{true: 1, yes: 2}", "{²: 1}",
    "{a: 1, a: 2}",
    "[&n0 1, " + ", ".join(f"&n{i} [{', '.join([f'*n{i - 1}'] * 9)}]" for i in range(1, 12)) + "]",
    "[&n0 1, " + ", ".join(f"&n{i} [*n{i - 1}]" for i in range(1, 2000)) + "]",
    "[" * 200 + "]" * 200, "[" * 20_000 + "]" * 20_000, "{a: " * 300 + "1" + "}" * 300, "", "{", "- a",
    "\t1", "%x",
)  # fmt: skip
_STRANGE_BYTES = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\t", b"\r", b"\n\n", b"\x85", b"\xe2\x80\xa8",
    b"  ",
    b'"', b"{", b"}", b"[" * 2000, b"---\n", b"--- a\n", b"#", b"9" * 5000, b" 1" * 50_000 + b" x", b"\x1b[2J",
    "a".encode("utf-16"), b"PK\x03\x04", b"\x80\x02.", b"\xff" * 8, b"\x7f" * 8,
)  # fmt: skip
_changes = st.sampled_from(["replace", "replace", "remove", "rename", "wrap"])
_HOLE = "\ue000hole\ue000"

_numbers = st.integers() | st.integers(-2, 20) | st.floats() | st.sampled_from([10**40, -(10**400), 1e308, 2**63])
_words = st.text(max_size=8) | st.sampled_from(
    ["", " ", "a", "all", "{}", "a {}.", "..", "/", "~", "~nobody/x", "a:b"]
)
_scalars = st.none() | st.booleans() | _numbers | _words
values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3), max_leaves=6
)


@st.composite
def damaged(draw: st.DrawFn, contents: Sequence[bytes]) -> bytes:
    """One of the contents with some of its bytes cut, changed, doubled or replaced; or bytes from nowhere."""
    content = draw(st.sampled_from([*contents, b""]))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.sampled_from([start, start + 1, len(content)]) | st.integers(start, len(content)))
        new = draw(st.sampled_from(_STRANGE_BYTES) | st.binary(max_size=4) | st.just(content[start:end] * 2))
        content = content[:start] + new + content[end:]
    return content


@st.composite
def reshaped(draw: st.DrawFn, wholes: Sequence[Any], strange: Sequence[str] = _STRANGE_JSON) -> str:
    """JSON of one of the values, in which some places hold something else, are gone or are called otherwise."""
    whole = draw(st.sampled_from([*wholes, *wholes, None]))
    content = json.loads(json.dumps(whole)) if whole is not None else draw(values)
    holes: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([*_places(content)]))
        if draw(st.booleans()):
            holes.append(draw(st.sampled_from(strange)))
            new = _HOLE
        else:
            new = draw(values)
        content = _changed(
            content, place, draw(st.sampled_from(["replace", "replace", "remove", "rename", "wrap"])), new
        )
    text = json.dumps(content)
    for hole in holes:
        text = text.replace(json.dumps(_HOLE), hole, 1)
    return text


def reshaped_yaml(wholes: Sequence[Any]) -> st.SearchStrategy[str]:
    """The same as YAML: what is flow style there is JSON but for what stands in its holes."""
    return reshaped(wholes, _STRANGE_YAML)


def _places(value: Any, above: _Place = ()) -> Iterator[_Place]:
    yield above
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _places(inner, (*above, step))


def _changed(value: Any, place: _Place, how: str, new: Any) -> Any:
    """The value with another one, nothing, another key or something around it at a place."""
    if not place:
        return {"replace": new, "remove": None, "rename": {"": value}, "wrap": [value]}[how]
    step, inner = place[0], place[1:]
    if len(place) > 1 or how in ("replace", "wrap"):
        changed = _changed(value[step], inner, how, new)
        if isinstance(value, dict):
            return {key: changed if key == step else item for key, item in value.items()}
        return [changed if index == step else item for index, item in enumerate(value)]
    if isinstance(value, dict):
        name = new if isinstance(new, str) else str(new)[:20]
        pairs = [
            (name if key == step else key, item) for key, item in value.items() if how == "rename" or key != step
        ]
        return dict(pairs)
    return [item for index, item in enumerate(value) if index != step] + ([value[step]] if how == "rename" else [])
