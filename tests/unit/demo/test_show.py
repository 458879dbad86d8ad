"""What the demo writes to a terminal, a file and a pipe."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest

from demo.show import Show, change_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = "NAME   VERDICT\nweb    Drifted\nshop   InSync\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, environment: Mapping[str, str]) -> str:
    show = Show(stream, {"PAUSE": "0", **environment})
    show.title("A title")
    show.scene("A scene", "and its story")
    show.command("kubectl get driftreports")
    show.output(TABLE)
    show.good("found")
    show.failed("not found")
    return stream.getvalue()


@pytest.fixture
def colour_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("colour_terminal")
def test_a_terminal_gets_colour() -> None:
    text = shown(Terminal(), {})
    assert "\x1b[31mDrifted\x1b[0m" in text
    assert "\x1b[32mInSync\x1b[0m" in text


@pytest.mark.usefixtures("colour_terminal")
def test_colour_is_all_that_is_missing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(Terminal(), {}))
    assert shown(Terminal(), {"NO_COLOR": "1"}) == text
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert shown(io.StringIO(), {}) == text
    assert TABLE in text


def test_what_takes_long_is_announced_and_timed() -> None:
    stream = io.StringIO()
    show = Show(stream, {"PAUSE": "0"})
    with show.preparing("Git server") as said:
        assert stream.getvalue() == "  Git server ... "
        said.append("http://git")
    assert re.fullmatch(r"  Git server \.\.\. http://git, 0\.\d s\n", stream.getvalue())
    with pytest.raises(OSError, match="no"), show.preparing("Another"):
        raise OSError("no")
    assert stream.getvalue().endswith("  Another ... \n")


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            {"field": ".spec.replicas", "path": "/spec/replicas", "desired": 2, "live": 5}
            | {"manager": "kubectl", "subresource": "scale"},
            ["       spec.replicas: 2 -> 5", "         by kubectl through /scale"],
        ),
        (
            {"path": "/data/a", "desired": "x", "manager": "m", "time": "2026-01-01T00:00:00Z"},
            ['       /data/a: "x" -> (nothing)', "         by m, 2026-01-01T00:00:00Z"],
        ),
        (
            {"field": ".data", "path": "/data", "live": "b" * 60, "desired": None},
            ["       data:", f'         null -> "{"b" * 60}"'],
        ),
        (
            {"field": ".a", "path": "/a", "live": "b" * 60, "desired": "c" * 60},
            ["       a:", f'         "{"c" * 60}"', f'      -> "{"b" * 60}"'],
        ),
    ],
    ids=["short", "removed", "long", "longer"],
)
def test_a_change_takes_as_few_lines_as_fit(change: dict[str, Any], lines: list[str]) -> None:
    assert change_lines(change) == lines
