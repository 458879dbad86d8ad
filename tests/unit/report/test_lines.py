from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadsman.report.lines import changed_lines, differ_at, first_changed_line

FILE = "".join(f"line {number}\n" for number in range(1, 31))


def test_only_changed_lines_are_shown() -> None:
    live = FILE.replace("line 3\n", "LINE 3\n").replace("line 20\n", "")
    assert changed_lines(FILE, live, 20) == [
        "@@ line 3 @@",
        "- line 3",
        "+ LINE 3",
        "@@ line 20 @@",
        "- line 20",
    ]
    assert first_changed_line(FILE, live) == (3, "line 3", "LINE 3", 1)


def test_what_is_too_much_is_counted() -> None:
    shown = changed_lines(FILE, FILE.replace("line", "LINE"), 5)
    assert len(shown) == 6
    assert shown[-1] == "and 56 more"  # 30 lines of each, 4 of them shown below the place


def test_a_missing_last_line_break_is_a_difference() -> None:
    assert changed_lines("a\nb\n", "a\nb", 5) == ["@@ line 3 @@", "- "]
    assert first_changed_line("a\nb", "a\nb\n") == (3, "", "", 0)


@given(st.text("ab\n", max_size=40), st.text("ab\n", max_size=40))
def test_lines_differ_exactly_where_texts_do(before: str, after: str) -> None:
    assert bool(changed_lines(before, after, 1000)) is (before != after)
    assert bool(first_changed_line(before, after)[0]) is (before != after)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_the_common_beginning_is_measured(same: str, before: str, after: str) -> None:
    first, second = same + before, same + after
    at = differ_at(first, second)
    assert at >= len(same)
    assert first[:at] == second[:at]
    assert first[at : at + 1] != second[at : at + 1] or first == second


def test_large_texts_without_a_line_in_common_end() -> None:
    """What is not linear runs into the time limit of a test."""
    before = "\n".join(f"{number % 7}{number % 11}" for number in range(20_000))
    after = "\n".join(f"{number % 7}{number % 13}x" for number in range(20_000))
    assert len(changed_lines(before, after, 20)) == 21
