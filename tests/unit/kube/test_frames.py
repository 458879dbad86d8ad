from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadsman.kube.frames import Frames

lines = st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b and b.strip()))


@given(lines, st.lists(st.integers(min_value=1, max_value=20)))
def test_lines_come_out_however_the_bytes_are_cut(expected: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in expected)
    frames = Frames()
    found: list[bytes] = []
    for size in sizes:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    found += frames.feed(stream)
    assert found == expected


def test_an_unfinished_line_is_kept_back() -> None:
    frames = Frames()
    assert frames.feed(b'{"a":1}\n{"b"') == [b'{"a":1}']
    assert frames.feed(b"") == []
    assert frames.feed(b":2}\n\r\n\n") == [b'{"b":2}']


def test_a_huge_line_in_small_chunks() -> None:
    """What is not linear runs into the time limit of a test."""
    frames = Frames()
    chunk = b"x" * 1000
    for _ in range(20_000):
        assert frames.feed(chunk) == []
    (line,) = frames.feed(b"\n")
    assert len(line) == 20_000_000
