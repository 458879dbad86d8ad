"""What a person sees of something long."""

from __future__ import annotations

import io

import pytest

from controlplane.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_whole_lines() -> None:
    stream = io.StringIO()
    with Progress("Building", stream=stream) as progress:
        progress.detail = "5 of 10"
    assert stream.getvalue().endswith("Building: 0 s, done\n")
    assert "\r" not in stream.getvalue()


def test_a_terminals_line_is_rewritten() -> None:
    stream = Terminal()
    with Progress("Building", stream=stream):
        pass
    assert stream.getvalue().endswith("\r\x1b[KBuilding: 0 s, done\n")


def test_what_is_quick_is_not_spoken_of() -> None:
    stream = io.StringIO()
    with Progress("Building", quiet=60, stream=stream):
        pass
    assert stream.getvalue() == ""


def test_a_failure_is_said() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="no luck"), Progress("Building", stream=stream):
        raise ValueError("no luck")
    assert stream.getvalue().endswith("failed: ValueError\n")
