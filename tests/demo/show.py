"""What the demo looks like: plain text in 80 columns, coloured where that can be seen."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDTH = 80
_COLOURS = {
    "red": ("Drifted", "Missing", "Modified", "Added", "Orphaned"),
    "green": ("InSync", "DriftResolved", "Recovered", "Resumed"),
    "yellow": ("Unknown", "Suspended", "RenderFailed", "DriftDetected"),
}
# Seconds after each scene. A report is written at most once a second: without this pause the next
# change would wait for that, and look slow.
_READING_TIME = 1.5


class Show:
    """Writes to a terminal, a file or a pipe, and leaves its readers time."""

    def __init__(
        self, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        stream = stream or sys.stdout
        terminal = stream.isatty()
        coloured = terminal and not environment.get("NO_COLOR")
        self._pause = _seconds(environment.get("PAUSE", ""))
        self._scene = 0
        self._console = Console(
            file=stream,
            color_system="standard" if coloured else None,
            force_terminal=terminal,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
        )

    def title(self, text: str) -> None:
        """Say what this is."""
        self._print(Text(text, style="bold"))

    @contextmanager
    def preparing(self, what: str) -> Iterator[list[str]]:
        """Say what is being done, and how long it took; the list takes what came of it."""
        said: list[str] = []
        began = time.monotonic()
        self._console.print(Text(f"  {what} ... "), end="")
        try:
            yield said
        except BaseException:
            self._print(Text(""))
            raise
        self._print(Text(", ".join([*said, f"{time.monotonic() - began:.1f} s"])))

    def pause(self) -> None:
        """Leave the reader time."""
        time.sleep(self._pause)

    def scene(self, title: str, *story: str) -> None:
        """Begin a scene, after a pause for what came before."""
        self._scene += 1
        self.pause()
        self._print(Text(f"\n{self._scene}. {title}", style="bold cyan"))
        for line in story:
            self._print(Text(f"   {line}", style="dim"))

    def command(self, line: str) -> None:
        """Show what is typed."""
        self._print(Text.assemble(("$ ", "dim"), (line, "bold")))

    def output(self, text: str) -> None:
        """Show what a command has printed, with the words of a verdict coloured."""
        shown = Text(text.rstrip("\n"))
        for colour, words in _COLOURS.items():
            shown.highlight_words(words, style=colour)
        self._print(shown)

    def good(self, text: str) -> None:
        """Say what has come true."""
        self._print(Text(f"  => {text}", style="bold green"))

    def note(self, text: str = "") -> None:
        """Say something beside the story."""
        self._print(Text(text))

    def failed(self, text: str) -> None:
        """Say what has not come true."""
        self._print(Text(f"\n{text}", style="bold red"))

    def finding(self, item: Mapping[str, Any]) -> None:
        """Show one object of a DriftReport: which field, from what to what, who and when."""
        head = f"     {item['kind']} {item['name']}: "
        file = f"  ({item['file']})" if item.get("file") else ""
        self._print(Text.assemble(head, (item["state"], "red"), file))
        for change in item.get("changes", ()):
            for line in change_lines(change):
                self._print(Text(line))

    def _print(self, text: Text) -> None:
        self._console.print(text)


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text or _READING_TIME))
    except ValueError:
        sys.exit(f"PAUSE is {text!r}, which is no number of seconds")


def change_lines(change: Mapping[str, Any]) -> list[str]:
    """Tell a change of a DriftReport in one line if it fits, else in a few, then who made it."""
    name = str(change.get("field") or change["path"]).removeprefix(".")
    field = f"       {name}"
    before, after = _value(change, "desired"), _value(change, "live")
    who = _who(change)
    lines = [f"{field}: {before} -> {after}"]
    if len(lines[0]) > _WIDTH:
        lines = [f"{field}:", f"         {before} -> {after}"]
    if len(lines[-1]) > _WIDTH:
        lines[-1:] = [f"         {before}", f"      -> {after}"]
    return [*lines, f"         {who}"] if who else lines


def _value(change: Mapping[str, Any], side: str) -> str:
    return json.dumps(change[side], ensure_ascii=False) if side in change else "(nothing)"


def _who(change: Mapping[str, Any]) -> str:
    """Name the field manager, as managedFields knows it; nobody can be named for a removal."""
    if not change.get("manager"):
        return ""
    through = f" through /{change['subresource']}" if change.get("subresource") else ""
    # The API server notes none for what is written through /scale.
    when = f", {change['time']}" if change.get("time") else ""
    return f"by {change['manager']}{through}{when}"
