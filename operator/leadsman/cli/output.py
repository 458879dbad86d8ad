"""What ``leadsman check`` prints: a table and the changes for people, data for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import orjson
import yaml
from rich.console import Console
from rich.text import Text

from leadsman.model.finding import State
from leadsman.model.status import Verdict
from leadsman.report.driftreport import build_status
from leadsman.report.text import change_lines, object_text, printable
from leadsman.report.truncate import worst_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus

_COLOURS = {
    Verdict.IN_SYNC: "green",
    Verdict.DRIFTED: "red",
    Verdict.UNKNOWN: "yellow",
    State.IN_SYNC: "green",
    State.MODIFIED: "red",
    State.ADDED: "magenta",
    State.MISSING: "bold red",
    State.ORPHANED: "cyan",
    State.REJECTED: "yellow",
    State.UNVERIFIABLE: "yellow",
}
_COLUMNS = ("TARGET", "VERDICT", "OBJECTS", "DRIFTED", "MISSING", "REVISION")
# Spaces between two columns, as in kubectl's tables.
_GAP = 3
# Hexadecimal digits of a commit that a person needs to know it by.
_SHORT = 8


def print_data(statuses: Sequence[TargetStatus], style: str, out: TextIO, now: float) -> None:
    """Print the targets' reports as ``json`` or ``yaml``: a list of ``{target, status}``."""
    data = [_data(status, now) for status in statuses]
    if style == "json":
        out.write(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        yaml.safe_dump(data, out, sort_keys=False, allow_unicode=True)


def print_table(statuses: Sequence[TargetStatus], out: TextIO) -> None:
    """Print a table of the targets, then what each is not in sync with, worst first."""
    console = Console(file=out, highlight=False, soft_wrap=True)
    rows = [_row(status) for status in statuses]
    # Not rich's table: without a terminal it would cut the cells to 80 columns.
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *rows, strict=True)]
    console.print(Text(_aligned(_COLUMNS, widths), style="bold"))
    for status, row in zip(statuses, rows, strict=True):
        line = Text(_aligned(row, widths))
        start = widths[0] + _GAP
        line.stylize(_COLOURS[status.verdict], start, start + len(status.verdict))
        console.print(line)
    for status in statuses:
        _print_details(console, status)


def _row(status: TargetStatus) -> tuple[str, ...]:
    return (
        printable(_name(status)),
        status.verdict.value,
        str(status.summary.total),
        str(status.summary.drifted),
        str(status.summary.states.get(State.MISSING, 0)),
        printable(_revision(status)),
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width + _GAP) for cell, width in zip(cells, widths, strict=True))
    return "".join(padded).rstrip()


def _print_details(console: Console, status: TargetStatus) -> None:
    findings = worst_first(
        each for each in status.findings if each.state is not State.IN_SYNC or each.excused
    )
    if not (findings or status.failure or status.warnings or status.suspended_since):
        return
    console.print()
    console.print(Text(printable(_name(status)), style="bold"))
    if status.failure is not None:
        reason = f"{status.failure.reason}: "
        console.print(Text(reason, style="yellow") + Text(_lines(status.failure.message)))
    if status.suspended_since:
        console.print(Text("suspended: ", style="yellow") + Text("Git is followed no further"))
    for warning in status.warnings:
        console.print(Text("warning: ", style="yellow") + Text(printable(warning)))
    for finding in findings:
        _print_finding(console, finding)


def _print_finding(console: Console, finding: Finding) -> None:
    line = Text(f"{finding.state:<13}", style=_COLOURS[finding.state])
    line.append(object_text(finding.key), style="bold")
    if finding.file:
        line.append(f"  {printable(finding.file)}", style="dim")
    console.print(line)
    if finding.message:
        console.print(Text(f"  {printable(finding.message)}"))
    for change in (*finding.changes, *finding.excused):
        for text in change_lines(change):
            console.print(Text(f"  {text}"))


def _lines(text: str) -> str:
    """Keep the lines of a program's own message, and nothing else that a terminal acts on."""
    return "\n".join(printable(line) for line in text.splitlines())


def _name(status: TargetStatus) -> str:
    key = status.key
    return key.name if key.kind == "Path" else f"{key.namespace}/{key.name}"


def _revision(status: TargetStatus) -> str:
    if status.commit is None:
        return "-"
    head, colon, sha = status.commit.revision.partition("@sha1:")
    return f"{head}@{sha[:_SHORT]}{sha[40:]}" if colon else head


def _data(status: TargetStatus, now: float) -> JsonObject:
    body = build_status(status, None, now)
    # For the operator's own use between two runs, which there are none of here.
    body.pop("inventory", None)
    key = status.key
    target = {"kind": key.kind, "namespace": key.namespace, "name": key.name}
    return {"target": target, "status": body}
