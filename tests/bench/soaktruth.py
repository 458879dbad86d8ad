"""What is true at the end of a soak, and what of a report has to be the same.

A check from scratch knows what Git has and what lives. What Git has dropped it cannot know: that is
what the soak itself remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ORPHANED: Final = "Orphaned"
# Counts that an orphan is part of.
_WITH_ORPHANS: Final = ("total", "drifted")
_TIMES: Final = frozenset({"since", "time"})


def object_name(kind: str, namespace: str, name: str) -> str:
    """Return what an object is called here."""
    return f"{kind} {namespace}/{name}"


def reported(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says, but for times and for what is made of the rest.

    What is orphaned is told apart, and left out of the counts.
    """
    orphans = {
        object_name(found["kind"], found["namespace"], found["name"])
        for found in status.get("objects", ())
        if found["state"] == _ORPHANED
    }
    return _comparable(status) | {"verdict": status.get("verdict"), "orphans": orphans}


def expected(scratch: Mapping[str, Any], orphans: set[str]) -> dict[str, Any]:
    """Return what a report has to say where a check from scratch says this, and orphans live."""
    verdict = "Drifted" if orphans else scratch.get("verdict")
    return _comparable(scratch) | {"verdict": verdict, "orphans": orphans}


def _comparable(status: Mapping[str, Any]) -> dict[str, Any]:
    summary = dict(status.get("summary", {}))
    gone = summary.pop("orphaned", 0)
    for count in _WITH_ORPHANS:
        summary[count] = summary.get(count, 0) - gone
    return {
        "summary": summary,
        "revision": status.get("revision"),
        **{
            part: sorted(
                (
                    _without_times(found)
                    for found in status.get(part, ())
                    if found.get("state") != _ORPHANED
                ),
                key=repr,
            )
            for part in ("objects", "excused", "ignored")
        },
    }


def _without_times(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [_without_times(one) for one in value] if name in {"changes", "excused"} else value
        for name, value in sorted(found.items())
        if name not in _TIMES
    }
