"""Changes and findings as plain text: one wording for Events, conditions and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leadsman.model.finding import ABSENT, Cause, Change, Finding, State
from leadsman.report.lines import changed_lines, differ_at, first_changed_line
from leadsman.report.nested import Part, parts
from leadsman.times import rfc3339

if TYPE_CHECKING:
    from leadsman.model.identity import ObjectKey
    from leadsman.model.json import Json

# Lengths in characters: of a shown line, and of what is shown before the first difference.
_LINE = 160
_CONTEXT = 10

_SAID: dict[Cause, str] = {
    Cause.LIVE: "",
    Cause.LEFT_BEHIND: "left behind by Git",
    Cause.ADMISSION: "changed on admission",
    Cause.PENDING: "not yet delivered",
}


def printable(text: str) -> str:
    r"""Escape what a terminal or a log would act on; a line break becomes ``\n``.

    Values, names and commit subjects come from whoever can write to the cluster or to Git.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def cut(text: str, limit: int) -> str:
    """Shorten to at most ``limit`` characters, an ellipsis at the end."""
    return text if len(text) <= limit else f"{text[: max(0, limit - 1)]}…"


def object_text(key: ObjectKey) -> str:
    """Name an object as people do: ``Deployment shop/web``."""
    name = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return printable(f"{key.kind} {name}")


def value_text(value: Json, limit: int = 80, *, start: int = 0) -> str:
    """Write a value as compact JSON, shortened to ``limit`` characters.

    ``start`` is how many characters at the beginning of a string are left out.
    """
    if value is ABSENT:
        return "nothing"
    if isinstance(value, str):
        value = ("…" if start else "") + value[start : start + limit + 1]
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # a lone surrogate, a number beyond 64 bits, nesting without end
        text = repr(value)
    return cut(printable(text), limit)


def who_text(change: Change, *, since: float = 0.0) -> str:
    """Say which manager last set the field and when: ``kubectl-edit, 12:03:10Z``.

    Of what is no drift, also what shows it.

    The day is left out where it is that of ``since``, in seconds since the epoch.
    """
    said = [_SAID[change.cause]] if _SAID[change.cause] else []
    if change.manager:
        via = f" via {change.subresource}" if change.subresource else ""
        said.append(printable(change.manager + via))
        if change.time:
            day, _, clock = change.time.partition("T")
            same_day = clock and rfc3339(since).startswith(day)
            said.append(printable(clock if same_day else change.time))
    if change.evidence:
        said.append(f"shown by {printable(change.evidence)}")
    return ", ".join(said)


def field_text(change: Change) -> str:
    """Name the field: ``spec.containers[name="web"].image``."""
    return printable(change.field.removeprefix(".") or change.path)


def change_text(change: Change, *, since: float = 0.0, limit: int = 80) -> str:
    """Tell a change in one line: ``spec.replicas: 2 -> 5 (kubectl-edit, 12:03:10Z)``.

    ``limit`` is the length of each value in characters; ``since`` as in ``who_text``.
    """
    who = who_text(change, since=since)
    return f"{field_text(change)}: {_difference(change, limit)}{f' ({who})' if who else ''}"


def change_lines(
    change: Change, *, since: float = 0.0, limit: int = 80, most: int = 20
) -> list[str]:
    """Tell a change in one line, or in a few where texts or structures differ in parts.

    Of a text of several lines only those that differ are shown, at most ``most``.
    """
    body = difference_lines(change, limit=limit, most=most)
    if len(body) <= 1:
        return [change_text(change, since=since, limit=limit)]
    who = who_text(change, since=since)
    return [f"{field_text(change)}:{f' ({who})' if who else ''}", *(f"  {line}" for line in body)]


def difference_lines(change: Change, *, limit: int = 80, most: int = 20) -> list[str]:
    """Tell what differs inside of two values, in about ``most`` lines.

    Empty where the values themselves tell it.
    """
    if change.diff is not None:
        return change.diff.split("\n") if change.diff else []
    desired, live = change.desired, change.live
    inside = parts(desired, live, change.field)
    if not inside:
        return _line_changes(desired, live, most) if _are_lines(desired, live) else []
    lines: list[str] = []
    for index, part in enumerate(inside):
        if len(lines) >= most:
            return [*lines, f"and {len(inside) - index} more"]
        if _are_lines(part.before, part.after):
            told = _line_changes(part.before, part.after, most - len(lines))
            lines += [f"{_label(part)}:", *(f"  {line}" for line in told)]
        else:
            lines.append(f"{_label(part)}: {_values(part.before, part.after, limit)}")
    return lines


def _line_changes(before: str, after: str, most: int) -> list[str]:
    return [cut(printable(line), _LINE) for line in changed_lines(before, after, most)]


def _label(part: Part) -> str:
    path = cut(printable(part.path), _LINE)
    return " ".join(filter(None, ("decoded" if part.decoded else "", path)))


def finding_text(finding: Finding, *, changes: tuple[Change, ...] | None = None) -> str:
    """Tell in one line how an object stands and why; ``changes`` narrows which are told."""
    told = finding.changes if changes is None else changes
    said = {
        State.MISSING: "is missing",
        State.ORPHANED: "still lives though Git has dropped it",
        State.REJECTED: "would be refused",
        State.UNVERIFIABLE: "could not be compared",
        State.IN_SYNC: "is in sync",
    }.get(finding.state, "drifted")
    parts = [change_text(change, since=finding.since) for change in told]
    # A reason without a message stands for itself, a message explains its reason.
    why = ": ".join(part for part in (finding.reason, finding.message) if part)
    if why:
        parts.append(printable(why))
    head = f"{object_text(finding.key)} {said}"
    return f"{head}: {'; '.join(parts)}" if parts else head


def _difference(change: Change, limit: int) -> str:
    desired, live = change.desired, change.live
    plain = _values(desired, live, limit)
    # A structure that can be shown whole tells more than its first place.
    inside = parts(desired, live, change.field) if "…" in plain or isinstance(desired, str) else []
    if inside:
        first = inside[0]
        rest = f", and {len(inside) - 1} more" if len(inside) > 1 else ""
        return f"{_label(first)}: {_first(first.before, first.after, limit)}{rest}"
    return _first(desired, live, limit)


def _first(desired: Json, live: Json, limit: int) -> str:
    """Tell of two texts of several lines the first that differs, of others the values."""
    if not _are_lines(desired, live):
        return _values(desired, live, limit)
    number, before, after, more = first_changed_line(desired, live)
    rest = f", and {more} more" if more else ""
    return f"line {number}: {_values(before, after, limit)}{rest}"


def _values(desired: Json, live: Json, limit: int) -> str:
    if desired is ABSENT:
        return f"added {value_text(live, limit)}"
    if live is ABSENT:
        return f"removed, was {value_text(desired, limit)}"
    start = 0
    if isinstance(desired, str) and isinstance(live, str) and min(len(desired), len(live)) > limit:
        # What is the same at the beginning of both would hide what is not.
        start = max(0, differ_at(desired, live) - _CONTEXT)
    return f"{value_text(desired, limit, start=start)} -> {value_text(live, limit, start=start)}"


def _are_lines(desired: Json, live: Json) -> bool:
    return (
        isinstance(desired, str)
        and isinstance(live, str)
        and ("\n" in desired.rstrip("\n") or "\n" in live.rstrip("\n"))
    )
