"""Where two texts differ, in bounded time."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Aligning is quadratic in the worst case. Texts with a larger product of line counts are shown as
# replaced from the first line that differs to the last.
_MOST_PAIRS = 250_000


def differ_at(before: str, after: str) -> int:
    """Return how many characters at the beginning are the same."""
    low, high = 0, min(len(before), len(after))
    # By halves: comparing slices is done in C, characters one by one are not.
    while low < high:
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def changed_lines(before: str, after: str, most: int) -> list[str]:
    """Return the lines that differ in the form of a diff without context, at most ``most``."""
    lines: list[str] = []
    for number, removed, added in _hunks(before, after):
        lines.append(f"@@ line {number} @@")
        lines += (f"- {line}" for line in removed)
        lines += (f"+ {line}" for line in added)
    left_out = sum(not line.startswith("@@") for line in lines[most:])
    return [*lines[:most], f"and {left_out} more"] if left_out else lines[:most]


def first_changed_line(before: str, after: str) -> tuple[int, str, str, int]:
    """Return the first place that differs: line number, both lines, how many more lines differ.

    A line that is not there is "".
    """
    number, first, lines = 0, ("", ""), 0
    for start, removed, added in _hunks(before, after):
        if not number:
            number = start
            first = (removed[0] if removed else ""), (added[0] if added else "")
        lines += max(len(removed), len(added))
    return number, *first, max(0, lines - 1)


def _hunks(before: str, after: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield each place that differs: its line number in ``after``, the lines of both."""
    # Not splitlines(): it also splits at U+2028 and others, and hides a missing last line break.
    old, new = before.split("\n"), after.split("\n")
    head = 0
    shortest = min(len(old), len(new))
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(old) * len(new) > _MOST_PAIRS:
        yield head + 1, old, new
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            yield head + new_start + 1, old[old_start:old_end], new[new_start:new_end]
